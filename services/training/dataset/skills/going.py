"""Going to things and people of the scene, before them, between them, away from them; turning to face them."""

from __future__ import annotations

import math
from dataclasses import replace

from services.behavior.scene import Pose
from services.training.dataset.scenes import along, is_free
from services.training.dataset.skills.measures import Measure, distance
from services.training.dataset.skills.walking import LONGEST_M
from services.training.dataset.targets import Target, choose, locate, speaker, the
from services.training.dataset.task import Predicate, Step, Task, World, skill

FROM_THINGS = Measure(0.4, "0.4", "")
FROM_PEOPLE = Measure(0.8, "0.8", "")
#: Nearest that people may ask it to come, metres: the checks allow 0.2 and 0.4.
_CLOSEST_M = {False: 0.3, True: 0.5}
#: A walk that is shorter is not seen as one.
_LEAST_M = 0.15
_BACK_M = 0.5
_LEAST_RAD = 0.15
_MOST_RAD = 3.1


def some_target(world: World, *, people: bool = True, things: bool = True) -> tuple[Target, str] | None:
    """A thing or person, and the variant of the phrases: "me" if it is the speaker."""
    me = speaker(world) if people and world.random.random() < 0.5 else None
    if me is not None:
        return me, "me"
    target = choose(world, people=people, things=things)
    return None if target is None else (target, "")


def _some_distance(world: World) -> tuple[Target, str] | None:
    """A target of a task that tells how far from it: in Chinese that says 离, so its words must not begin so too."""
    found = some_target(world)
    if found is None or not found[0].said.startswith("离"):
        return found
    return replace(found[0], said=found[0].name), found[1]


def turn_to(target: Target) -> str:
    """The call that turns the body to a target."""
    return f'ALMotion.moveTo(0.0, 0.0, scene.bearing("{target.name}"))'


def faces(target: Target) -> Predicate:
    """What shows that the body is turned to it."""
    return {"faces": {"target": target.name, "within": 12}}


def approach(world: World, target: Target, gap: Measure) -> tuple[list[str], list[Pose]] | None:
    """The lines that walk up to a target, and the walks that they lead to; None if it cannot or need not."""
    way = target.distance - gap.value
    legs = [Pose(theta=target.bearing), Pose(x=way)]
    if abs(target.bearing) > _MOST_RAD or way < _LEAST_M or way > 2 * LONGEST_M or not is_free(world, *legs):
        return None
    code = f'scene.distance("{target.name}") - {gap.code}'
    lines = [turn_to(target), f"ALMotion.moveTo({code}, 0.0, 0.0)"]
    if way > LONGEST_M - 0.05:
        lines = [turn_to(target), f"way = {code}", "for i in range(2):", "    ALMotion.moveTo(way / 2, 0.0, 0.0)"]
    return lines, legs


@skill("going", weight=10.0, needs="Standing")
def go_to(world: World) -> Task | None:
    """Go to a thing or a person."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    gap = FROM_PEOPLE if target.person else FROM_THINGS
    way = approach(world, target, gap)
    if way is None:
        return None
    lines, legs = way
    near = {"near": {"target": target.name, "within": round(gap.value + 0.1, 2)}}
    return Task(
        [Step("go there", lines, target=target.name, avoid="obstacles")],
        target.slots(world),
        at_end=[near],
        event={"moves": "walk"},
        moved=along(*legs),
        variant=variant,
        tags=["going", "scene"],
    )


@skill("going", weight=2.0, needs="Standing")
def go_before(world: World) -> Task | None:
    """Go to a thing or a person and stop at a distance that is told."""
    found = _some_distance(world)
    if found is None:
        return None
    target, variant = found
    gap = distance(world, _CLOSEST_M[target.person], 1.5)
    way = approach(world, target, gap)
    if way is None:
        return None
    lines, legs = way
    near = {"near": {"target": target.name, "within": round(gap.value + 0.08, 3)}}
    nearer = {"near": {"target": target.name, "within": round(gap.value - 0.08, 3)}}
    return Task(
        [Step("stop before it", lines, target=target.name, avoid="obstacles")],
        {**target.slots(world), "distance": gap.said},
        at_end=[near, {"not": nearer}],
        event={"moves": "walk"},
        moved=along(*legs),
        variant=variant,
        tags=["going", "scene"],
    )


@skill("going", weight=1.5, needs="Standing")
def keep_away(world: World) -> Task | None:
    """Step back from a thing or a person: face it and walk back, as far as is told or half a metre."""
    found = _some_distance(world)
    if found is None:
        return None
    target, variant = found
    told = world.random.random() < 0.35
    by = distance(world, 0.15, 1.5) if told else Measure(_BACK_M, f"{_BACK_M}", "")
    legs = [Pose(theta=target.bearing), Pose(x=-by.value)]
    if target.distance > 2.5 or not is_free(world, *legs):
        return None
    lines = [turn_to(target), f"ALMotion.moveTo(-{by.code}, 0.0, 0.0)"]
    as_near = {"near": {"target": target.name, "within": round(target.distance + by.value * 0.8, 3)}}
    return Task(
        [Step("step back", lines, target=target.name, avoid="obstacles")],
        {**target.slots(world), "distance": by.said},
        at_end=[{"not": as_near}],
        event={"moves": "walk"},
        moved=along(*legs),
        variant="_".join(filter(None, (variant, "told" if told else ""))),
        tags=["going", "scene"],
    )


@skill("going", weight=1.0, needs="Standing")
def go_between(world: World) -> Task | None:
    """Go to the middle between two things or people."""
    names = [*world.objects, *world.people]
    if len(names) < 2 or world.pose is None:
        return None
    one, other = (locate(world, name) for name in world.random.sample(names, 2))
    middle = Pose((one.x + other.x) / 2, (one.y + other.y) / 2)
    apart = math.hypot(one.x - other.x, one.y - other.y) / 2
    if apart < 0.5 or max(abs(middle.x), abs(middle.y)) > LONGEST_M or not is_free(world, middle):
        return None
    if math.hypot(middle.x, middle.y) < _LEAST_M:
        return None
    lines = [
        f'x, y, z = scene.position("{one.name}")',
        f'u, v, w = scene.position("{other.name}")',
        "ALMotion.moveTo((x + u) / 2, (y + v) / 2, 0.0)",
    ]
    slots = {"one": the(world, one.name), "other": the(world, other.name)}
    within = round(apart + 0.12, 2)
    return Task(
        [Step("go between them", lines, avoid="obstacles")],
        slots,
        at_end=[{"near": {"target": target.name, "within": within}} for target in (one, other)],
        event={"moves": "walk"},
        moved=middle,
        tags=["going", "scene"],
    )


@skill("going", weight=2.5, needs="Standing")
def face(world: World) -> Task | None:
    """Turn the body to a thing or a person."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    if abs(target.bearing) < _LEAST_RAD:
        return None
    return Task(
        [Step("turn to it", [turn_to(target)], target=target.name)],
        target.slots(world),
        at_end=[faces(target)],
        event={"moves": "walk"},
        moved=Pose(theta=target.bearing),
        variant=variant,
        tags=["turning", "scene"],
    )
