"""Places relative to things and people: beside, behind, past, halfway; and going to several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.behavior.scene import Pose
from services.training.dataset.scenes import along, is_free
from services.training.dataset.skills.going import FROM_PEOPLE, FROM_THINGS, approach
from services.training.dataset.skills.walking import LONGEST_M, walks
from services.training.dataset.targets import Target, choose, locate, the
from services.training.dataset.task import Step, Task, World, skill

#: How far to a side, or beyond, the robot stays: metres.
_ROOM = {False: 0.5, True: 0.8}
#: Only of what is ahead left, right and behind are plain, radians.
_AHEAD_RAD = 0.7


def _position(target: Target) -> str:
    return f'x, y, z = scene.position("{target.name}")'


def _ahead(world: World) -> Target | None:
    """A thing or a person that is ahead of the robot and within a walk."""
    target = choose(world)
    if target is None or abs(target.bearing) > _AHEAD_RAD or target.x > LONGEST_M - 0.9 or "离" in target.said:
        return None
    return target


def _signed(metres: float) -> str:
    return f"y {'+' if metres > 0 else '-'} {abs(metres)}"


def _walk(world: World, target: Target, goal: str, lines: Sequence[str], place: Pose) -> Task:
    """A walk by a thing or a person to a place, where the robot then is."""
    return Task(
        [Step(goal, lines, target=target.name, avoid="obstacles")],
        target.slots(world),
        at_end=[walks(place)],
        event={"moves": "walk"},
        moved=place,
        tags=["going", "scene"],
    )


@skill("going", weight=2.5, needs="Standing")
def go_beside(world: World) -> Task | None:
    """Walk to a place beside a thing or a person, on the side that is told or the nearer one."""
    target = _ahead(world)
    if target is None:
        return None
    told = world.random.random() < 0.75
    side = world.random.choice([1, -1]) if told else (-1 if target.y > 0 else 1)
    room = side * _ROOM[target.person]
    leg = Pose(target.x, target.y + room)
    if not is_free(world, leg):
        return None
    words = {1: ("left", "左"), -1: ("right", "右")}[side]
    lines = [_position(target), f"ALMotion.moveTo(x, {_signed(room)}, 0.0)"]
    task = _walk(world, target, f"go {words[0]} of it", lines, leg)
    return replace(task, slots={**task.slots, "side": world.say(*words)}, variant="told" if told else "")


def _round(world: World, target: Target, beyond: float) -> tuple[list[str], list[Pose]] | None:
    """The lines that go round a thing to a place behind it, ``beyond`` metres on, and the walks that they lead to."""
    room = _ROOM[target.person]
    room = -room if target.y > 0 else room
    first = Pose(target.x, target.y + room)
    legs = [first, Pose(beyond, -room)]
    if not is_free(world, *legs):
        return None
    lines = [
        _position(target),
        f"ALMotion.moveTo(x, {_signed(room)}, 0.0)",
        _position(target),
        f"ALMotion.moveTo(x + {beyond}, y, 0.0)",
    ]
    return lines, legs


@skill("going", weight=2.2, needs="Standing")
def go_behind(world: World) -> Task | None:
    """Go round a thing or a person to the place behind."""
    target = _ahead(world)
    way = None if target is None else _round(world, target, _ROOM[target.person])
    if target is None or way is None:
        return None
    lines, legs = way
    return _walk(world, target, "go behind it", lines, along(*legs))


@skill("going", weight=1.6, needs="Standing")
def go_past(world: World) -> Task | None:
    """Walk past a thing or a person, half a metre beyond it."""
    target = _ahead(world)
    if target is None:
        return None
    room = _ROOM[target.person]
    room = -room if target.y > 0 else room
    legs = [Pose(target.x, target.y + room), Pose(0.5)]
    if not is_free(world, *legs):
        return None
    lines = [_position(target), f"ALMotion.moveTo(x, {_signed(room)}, 0.0)", "ALMotion.moveTo(0.5, 0.0, 0.0)"]
    return _walk(world, target, "go past it", lines, along(*legs))


@skill("going", weight=1.5, needs="Standing")
def halfway(world: World) -> Task | None:
    """Go half of the way to a thing or a person."""
    target = choose(world)
    if target is None or not 0.8 < target.distance < 5 or "离" in target.said:
        return None
    legs = [Pose(theta=target.bearing), Pose(x=target.distance / 2)]
    if not is_free(world, *legs):
        return None
    end = legs[0].moved(legs[1].x, 0.0, 0.0)
    lines = [
        f'ALMotion.moveTo(0.0, 0.0, scene.bearing("{target.name}"))',
        f'ALMotion.moveTo(scene.distance("{target.name}") / 2, 0.0, 0.0)',
    ]
    return _walk(world, target, "go halfway there", lines, end)


@skill("going", weight=1.8, needs="Standing")
def go_round(world: World) -> Task | None:
    """Go to three things or people, one after the other."""
    names = [*world.objects, *world.people]
    if len(names) < 3 or world.pose is None:
        return None
    here, steps, legs = world, [], []
    chosen = world.random.sample(names, 3)
    for name in chosen:
        target = locate(here, name)
        gap = FROM_PEOPLE if target.person else FROM_THINGS
        way = approach(here, target, gap)
        if way is None or here.pose is None:
            return None
        steps.append(Step("go there", way[0], target=name, avoid="obstacles"))
        legs += way[1]
        moved = along(*way[1])
        here = replace(here, pose=here.pose.moved(moved.x, moved.y, moved.theta))
    within = round((FROM_PEOPLE if chosen[2] in world.people else FROM_THINGS).value + 0.1, 2)
    return Task(
        steps,
        dict(zip(("one", "two", "three"), (the(world, name) for name in chosen), strict=True)),
        at_end=[{"near": {"target": chosen[2], "within": within}}],
        event={"moves": "walk"},
        moved=along(*legs),
        tags=["going", "scene"],
    )
