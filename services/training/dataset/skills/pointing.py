"""Pointing at things and people, saying where they are, and what to say when they are not there."""

from __future__ import annotations

from dataclasses import replace

from services.behavior.scene import Pose
from services.training.dataset.scenes import OTHERWISE, PEOPLE, THINGS
from services.training.dataset.skills.going import some_target
from services.training.dataset.skills.looking import LOOK, looks_at, reach_for
from services.training.dataset.targets import Target, choose, the
from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Beyond this an arm does not reach to the other side, radians.
_ACROSS = 0.3


def _arm(target: Target, turned: Pose) -> str:
    """The arm on the side of a target; the left one for what is straight ahead."""
    return "left" if turned.theta or target.y >= 0 else "right"


def _point(arm: str) -> str:
    return f'ALTracker.pointAt("{arm[0].upper()}Arm", [x, y, z], 2, 0.3)'


def points_at(target: Target, arm: str = "either") -> Predicate:
    """What shows that it pointed there."""
    return {"points_at": {"target": target.name, "arm": arm, "within": 20}}


@skill("pointing", weight=3.0)
def point(world: World) -> Task | None:
    """Point at a thing or a person, with the arm on its side or the one that is told."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    way = reach_for(world, target)
    if way is None:
        return None
    lines, turned = way
    arm = _arm(target, turned)
    told = world.random.random() < 0.3
    if told:
        arm = world.random.choice(["left", "right"])
        across = -target.bearing if arm == "left" else target.bearing
        if not turned.theta and across > _ACROSS:
            return None
    slots = {**target.slots(world), "arm": world.say(arm, {"left": "左", "right": "右"}[arm])}
    return Task(
        [Step("point at it", [*lines, _point(arm)], target=target.name)],
        slots,
        must=[points_at(target, arm if told else "either")],
        event=points_at(target),
        moved=turned,
        variant="_".join(filter(None, (variant, "arm" if told else ""))),
        tags=["pointing", "scene"],
    )


@skill("pointing", weight=1.2)
def look_and_point(world: World) -> Task | None:
    """Look at a thing or a person and point at it too."""
    target = choose(world)
    way = None if target is None else reach_for(world, target)
    if target is None or way is None:
        return None
    lines, turned = way
    arm = _arm(target, turned)
    return Task(
        [Step("look and point at it", [*lines, LOOK, _point(arm)], target=target.name)],
        target.slots(world),
        must=[looks_at(target), points_at(target)],
        event=points_at(target),
        moved=turned,
        tags=["pointing", "looking", "scene"],
    )


@skill("pointing", weight=1.8)
def where(world: World) -> Task | None:
    """Say where a thing or a person is, and point there."""
    target = choose(world)
    way = None if target is None else reach_for(world, target)
    if target is None or way is None:
        return None
    target = replace(target, said=target.said if _names(target) else the(world, target.name))
    lines, turned = way
    side, words = _side(world, target, turned)
    name = the(world, target.name)
    text = world.say(f"{name[0].upper()}{name[1:]} is {side}.", f"{name}在{side}。")
    return Task(
        [
            Step(
                "show where it is",
                [*lines, _point(_arm(target, turned)), f'ALTextToSpeech.say("{text}")'],
                target=target.name,
            )
        ],
        target.slots(world),
        must=[points_at(target), {"says": {"any": words}}],
        event=points_at(target),
        moved=turned,
        variant="person" if target.person else "",
        tags=["pointing", "speech", "scene"],
    )


def _names(target: Target) -> bool:
    """Whether the words do not themselves say where it is."""
    return not any(word in target.said for word in ("left", "right", "左", "右", "est", "最"))


def _side(world: World, target: Target, turned: Pose) -> tuple[str, list[str]]:
    """Where a target is as the robot says it, and the words that have to be heard."""
    if turned.theta:
        return world.say("over here, behind where I stood", "我刚才的后面"), [world.say("behind", "后面")]
    if abs(target.bearing) < 0.26:
        return world.say("right in front of me", "我的正前方"), [world.say("in front", "前")]
    if target.y > 0:
        return world.say("over there, on my left", "我的左边"), [world.say("left", "左边")]
    return world.say("over there, on my right", "我的右边"), [world.say("right", "右边")]


@skill("pointing", weight=3.0, joins=False)
def absent(world: World) -> Task | None:
    """Say that what is asked for is not to be seen."""
    if not world.people and world.random.random() < 0.12:
        text = world.say("I can't see you. Where are you?", "我看不到你，你在哪里？")
        return _refusal("the scene has no person", text, {}, world, "me")
    person = world.random.random() < 0.25
    names = PEOPLE if person else THINGS
    english = world.random.choice(list(names))
    name = world.say(english, names[english])
    there = {word for other in (*world.objects, *world.people) for word in (other, *OTHERWISE.get(other, ()))}
    parts = {part for word in there for part in word.split()}
    if there & {name, *OTHERWISE.get(name, ())} or name.split()[-1] in parts or any(name in word for word in there):
        return None
    text = world.say(f"I can't see {the(world, name)}.", f"我看不到{name}。")
    slots = {"thing": the(world, name), "it": world.say("them", "他") if person else world.say("it", "它")}
    return _refusal(f"the scene has no {name}", text, slots, world, "person" if person else "")


def _refusal(reason: str, text: str, slots: dict[str, str], world: World, variant: str) -> Task:
    return Task(
        [Step(reason, [f'ALTextToSpeech.say("{text}")'])],
        slots,
        must=[{"says": {"any": [world.say("see", "看不到")]}}],
        must_not=[{"moves": "any"}],
        outcome="refuses",
        variant=variant,
        tags=["refusal", "scene"],
    )
