"""Pointing at things and people, saying where they are, and what to say when they are not there."""

from __future__ import annotations

from dataclasses import replace

from services.behavior.scene import Pose
from services.training.dataset.scenes import OTHERWISE, PEOPLE, THINGS
from services.training.dataset.skills.going import some_target
from services.training.dataset.skills.looking import FACED_RAD, LOOK, in_sight, looks_at, reach_for
from services.training.dataset.targets import Target, choose, the
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill

#: Beyond this an arm does not reach to the other side, radians.
_ACROSS = 0.3
#: Up to this it is in front, radians.
_IN_FRONT = 0.26


def near_arm(world: World, target: Target) -> str:
    """The arm on the side of a target as the scene has it, which after turning to it is as good as the other."""
    return "left" if {**world.objects, **world.people}[target.name][1] >= 0 else "right"


def _unclear(world: World, target: Target, turned: Pose) -> bool:
    """Whether it has turned before and does not face the target now: nobody sees from the scene which arm is nearer."""
    return world.pose != STILL and not turned.theta and abs(target.bearing) > FACED_RAD


def point_with(arm: str) -> str:
    return f'ALTracker.pointAt("{arm[0].upper()}Arm", [x, y, z], 2, 0.3)'


def points_at(target: Target, arm: str = "either") -> Predicate:
    """What shows that it pointed there."""
    return {"points_at": {"target": target.name, "arm": arm, "within": 20}}


def stays(turned: Pose) -> list[Predicate]:
    """What must not be seen of one who points without a turn."""
    return [] if turned.theta else [{"moves": "walk"}]


@skill("pointing", weight=7.0, needs="Standing")
def point(world: World) -> Task | None:
    """Point at a thing or a person, with the arm on its side or the one that is told."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    way = reach_for(world, target, pointing=True)
    if way is None:
        return None
    lines, turned = way
    if _unclear(world, target, turned):
        return None
    arm = near_arm(world, target)
    told = world.random.random() < 0.3
    if told:
        arm = world.random.choice(["left", "right"])
        across = -target.bearing if arm == "left" else target.bearing
        if not turned.theta and across > _ACROSS:
            return None
    slots = {**target.slots(world), "arm": world.say(arm, {"left": "左", "right": "右"}[arm])}
    return Task(
        [Step("point at it", [*lines, point_with(arm)], target=target.name)],
        slots,
        must=[points_at(target, arm if told else "either")],
        must_not=stays(turned),
        event=points_at(target),
        moved=turned,
        variant="_".join(filter(None, (variant, "arm" if told else ""))),
        tags=["pointing", "scene"],
    )


@skill("pointing", weight=1.2, needs="Standing")
def look_and_point(world: World) -> Task | None:
    """Look at a thing or a person and point at it too."""
    target = choose(world)
    way = None if target is None else reach_for(world, target, pointing=True)
    if target is None or way is None:
        return None
    lines, turned = way
    if _unclear(world, target, turned) or not in_sight(target, turned):
        return None
    arm = near_arm(world, target)
    return Task(
        [Step("look and point at it", [*lines, LOOK, point_with(arm)], target=target.name)],
        target.slots(world),
        must=[looks_at(target), points_at(target)],
        must_not=stays(turned),
        event=points_at(target),
        moved=turned,
        tags=["pointing", "looking", "scene"],
    )


@skill("pointing", weight=1.8, needs="Standing")
def where(world: World) -> Task | None:
    """Say where a thing or a person is, and point there."""
    target = choose(world)
    way = None if target is None else reach_for(world, target, pointing=True)
    if target is None or way is None:
        return None
    target = replace(target, said=target.said if _names(target) else the(world, target.name))
    lines, turned = way
    if _unclear(world, target, turned):
        return None
    side, words = _side(world, target, turned)
    name = the(world, target.name)
    text = world.say(f"{name[0].upper()}{name[1:]} {side}.", f"{name}{side}。")
    return Task(
        [
            Step(
                "show where it is",
                [f'ALTextToSpeech.say("{text}")', *lines, point_with(near_arm(world, target))],
                target=target.name,
            )
        ],
        target.slots(world),
        must=[points_at(target), {"says": {"any": words}}],
        must_not=stays(turned),
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
    elsewhere = turned.theta and world.pose != STILL  # then it says so of what it is about to face
    if elsewhere or abs(target.bearing) < _IN_FRONT:
        return world.say("is in front of me", "在我前面"), [world.say("in front", "前面")]
    if -target.x > abs(target.y):
        return world.say("is behind me", "在我后面"), [world.say("behind", "后面")]
    if target.y > 0:
        return world.say("is on my left", "在我左边"), [world.say("left", "左边")]
    return world.say("is on my right", "在我右边"), [world.say("right", "右边")]


@skill("pointing", weight=0.0, joins=False, share=0.018)
def absent(world: World) -> Task | None:
    """Say that what is asked for is not to be seen."""
    if not world.people and world.random.random() < 0.12:
        text = world.say("I can't see you. Where are you?", "我看不到你，你在哪里？")
        return _unseen(text, {}, world, "me")
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
    return _unseen(text, slots, world, "person" if person else "")


def _unseen(text: str, slots: dict[str, str], world: World, variant: str) -> Task:
    return Task(
        [Step("say that it is not seen", [f'ALTextToSpeech.say("{text}")'])],
        slots,
        must=[{"says": {"any": [world.say("see", "看不到")]}}],
        must_not=[{"moves": "any"}],
        outcome="words",
        variant=variant,
        tags=["words", "scene"],
    )
