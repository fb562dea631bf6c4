"""Turning by angles, walking and turning, and small figures on the floor."""

from __future__ import annotations

import math

from services.behavior.scene import Pose
from services.training.dataset.scenes import along, is_free
from services.training.dataset.skills.measures import Measure, angle, distance, part_of_turn, signed
from services.training.dataset.skills.walking import WAYS, count, walks
from services.training.dataset.task import Predicate, Step, Task, World, skill

_A_BIT = Measure(math.radians(20), "20 * 3.1416 / 180", "")
_QUARTER = Measure(math.pi / 2, "1.5708", "")
_HALF = Measure(math.pi, "3.1416", "")
_FULL = Measure(math.tau, "6.2832", "")
_SIDES = {
    1: ("left", ["left", "left", "to the left", "to your left"], ["左", "左", "左边", "左侧"]),
    -1: ("right", ["right", "right", "to the right", "to your right"], ["右", "右", "右边", "右侧"]),
}


def turns(radians: float) -> Predicate:
    """What shows that it turned by so much to the left."""
    degrees = math.degrees(radians)
    slack = 4 if abs(degrees) < 25 else 8
    return {"turns": {"degrees": [round(degrees - slack, 1), round(degrees + slack, 1)]}}


def _turn_call(code: str, side: int) -> str:
    return f"ALMotion.moveTo(0.0, 0.0, {signed(code, side)})"


@skill("turning", weight=10.0, needs="Standing")
def turn(world: World) -> Task:
    """Turn on the spot: by an angle to a side, a quarter, a bit, around."""
    variant = world.random.choices(["", "part", "noside", "plain", "bit", "around"], [42, 8, 8, 17, 10, 15])[0]
    side = world.random.choice([1, -1])
    by = {"plain": _QUARTER, "bit": _A_BIT, "around": _HALF}.get(variant)
    if by is None:
        by = part_of_turn(world) if variant == "part" else angle(world)
    if variant in ("noside", "around"):
        side = 1
    name, en, zh = _SIDES[side]
    goal = "turn around" if variant == "around" else f"turn {name}"
    return Task(
        [Step(goal, [_turn_call(by.code, side)])],
        {"side": world.one_of(en, zh), "hand": world.say(name, zh[0]), "angle": by.said},
        at_end=[turns(side * by.value)],
        event={"moves": "walk"},
        moved=Pose(theta=side * by.value),
        variant=variant,
        tags=["turning"],
    )


@skill("turning", weight=0.7, needs="Standing")
def spin(world: World) -> Task:
    """Turn full circles on the spot."""
    times = world.random.choices([1, 2, 3, 4], [4, 3, 3, 1])[0]
    lines = [_turn_call(_FULL.code, 1)]
    if times > 1:
        lines = [f"for i in range({times}):", f"    {lines[0]}"]
    zh = "一两三四"[times - 1] if world.random.random() < 0.7 else str(times)
    circles = world.say(["a", "two", "three", "four"][times - 1], zh)
    return Task(
        [Step("spin around", lines)],
        {"times": count(world, times), "n": circles, "turns": world.say("turn" if times == 1 else "turns", "圈")},
        at_end=[turns(times * math.tau)],
        event={"moves": "walk"},
        moved=Pose(theta=times * math.tau),
        variant="once" if times == 1 else "",
        tags=["turning", "repetition"],
    )


@skill("turning", weight=5.0, needs="Standing")
def turn_and_walk(world: World) -> Task | None:
    """Turn, then walk ahead; or walk first and turn then."""
    side = world.random.choice([1, -1])
    variant = world.random.choices(["", "plain", "around", "after"], [4, 4, 2, 3])[0]
    by = angle(world) if variant in ("", "after") else _QUARTER if variant == "plain" else _HALF
    if variant == "around":
        side = 1
    length = distance(world, most=3.0)
    name, en, zh = _SIDES[side]
    turned = Step("turn around" if variant == "around" else f"turn {name}", [_turn_call(by.code, side)])
    walked = Step("walk forward", [WAYS["ahead"].call(length.code)], avoid="obstacles")
    legs = [Pose(theta=side * by.value), Pose(x=length.value)]
    steps = [turned, walked]
    if variant == "after":
        legs.reverse()
        steps.reverse()
    if not is_free(world, *legs):
        return None
    return Task(
        steps,
        {"side": world.one_of(en, zh), "angle": by.said, "distance": length.said},
        at_end=[walks(*legs), turns(side * by.value)],
        event={"moves": "walk"},
        moved=along(*legs),
        variant=variant,
        tags=["turning", "walking"],
    )


#: Figures: corners, the length of a side if none is told, name in plans.
_FIGURES = {
    "square": (4, Measure(0.5, "0.5", ""), "square"),
    "triangle": (3, Measure(0.5, "0.5", ""), "triangle"),
    "circle": (12, Measure(0.15, "0.15", ""), "circle"),
    "five": (5, Measure(0.3, "0.3", ""), "pentagon"),
    "six": (6, Measure(0.3, "0.3", ""), "hexagon"),
}


@skill("turning", weight=1.8, needs="Standing")
def shape(world: World) -> Task | None:
    """Walk along a small figure: the sides of a polygon, or a circle of many short ones."""
    figure = world.random.choices(list(_FIGURES), [6, 5, 5, 1, 1])[0]
    corners, length, name = _FIGURES[figure]
    variant = figure
    if figure in ("square", "triangle") and world.random.random() < 0.6:
        variant = f"{figure}_told"
        length = distance(world, 0.15, 1.2)
    bend = 2 * math.pi / corners
    if not is_free(world, *[Pose(x=length.value), Pose(theta=bend)] * corners):
        return None
    lines = [
        f"for i in range({corners}):",
        f"    ALMotion.moveTo({length.code}, 0.0, 0.0)",
        f"    ALMotion.moveTo(0.0, 0.0, {360 // corners} * 3.1416 / 180)",
    ]
    perimeter = corners * length.value
    return Task(
        [Step(f"walk a {name}", lines, avoid="obstacles")],
        {"distance": length.said},
        at_end=[
            {"walked": {"path": [round(perimeter * 0.9, 3), round(perimeter * 1.1 + 0.02, 3)]}},
            {"walks": {"distance": [0.0, 0.12]}},
            turns(math.tau),
        ],
        event={"moves": "walk"},
        moved=Pose(theta=math.tau),
        variant=variant,
        tags=["walking", "turning", "repetition"],
    )
