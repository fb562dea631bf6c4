"""Going somewhere and doing something there: looking, pointing, coming back, going on."""

from __future__ import annotations

from dataclasses import replace

from services.behavior.scene import Pose
from services.training.dataset.scenes import along, is_free
from services.training.dataset.skills.going import FROM_PEOPLE, FROM_THINGS, approach, some_target
from services.training.dataset.skills.looking import LOOK, in_sight, looks_at
from services.training.dataset.skills.pointing import near_arm, point_with, points_at
from services.training.dataset.skills.walking import LONGEST_M
from services.training.dataset.targets import Target, locate, the
from services.training.dataset.task import Predicate, Step, Task, World, skill


def _go(world: World, target: Target) -> tuple[Step, list[Pose], Predicate] | None:
    """The step that goes to a target, the walks that it takes, and what shows that it got there."""
    gap = FROM_PEOPLE if target.person else FROM_THINGS
    way = approach(world, target, gap)
    if way is None:
        return None
    near = {"near": {"target": target.name, "within": round(gap.value + 0.1, 2)}}
    return Step("go there", way[0], target=target.name, avoid="obstacles"), way[1], near


@skill("going", weight=1.2, needs="Standing")
def go_and_show(world: World) -> Task | None:
    """Go to a thing or a person and look or point at it there."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    way = _go(world, target)
    if way is None:
        return None
    step, legs, near = way
    do = world.random.choice(["look", "point"])
    there = replace(target, x=FROM_PEOPLE.value if target.person else FROM_THINGS.value, y=0.0)
    if variant == "me" or not in_sight(there, Pose()):
        do = "point"
    place = f'x, y, z = scene.position("{target.name}")'
    act = LOOK if do == "look" else point_with(near_arm(world, target))
    shown = looks_at(target) if do == "look" else points_at(target)
    return Task(
        [step, Step(f"{do} at it", [place, act], target=target.name)],
        target.slots(world),
        must=[shown],
        at_end=[near],
        event=shown,
        moved=along(*legs),
        variant="me" if variant == "me" else do,
        tags=["going", "scene"],
    )


@skill("going", weight=1.0, needs="Standing")
def go_and_return(world: World) -> Task | None:
    """Go to a thing or a person, and back as it came."""
    found = some_target(world)
    way = None if found is None else _go(world, found[0])
    if found is None or way is None or found[1] == "me":
        return None
    target, (step, legs, _) = found[0], way
    metres = legs[1].x
    back = Pose(x=-metres)
    if metres > LONGEST_M - 0.05 or not is_free(world, *legs, back):
        return None
    gap = FROM_PEOPLE if target.person else FROM_THINGS
    lines = [step.lines[0], f'way = scene.distance("{target.name}") - {gap.code}', "ALMotion.moveTo(way, 0.0, 0.0)"]
    path = {"walked": {"path": [round(1.8 * metres, 3), round(2.2 * metres + 0.02, 3)]}}
    return Task(
        [replace(step, lines=lines), Step("come back", ["ALMotion.moveTo(-way, 0.0, 0.0)"], avoid="obstacles")],
        target.slots(world),
        at_end=[path, {"walks": {"distance": [0.0, 0.1]}}],
        event={"moves": "walk"},
        moved=along(*legs, back),
        tags=["going", "scene"],
    )


@skill("going", weight=1.0, needs="Standing")
def go_twice(world: World) -> Task | None:
    """Go to one thing or person, and from there to another."""
    names = [*world.objects, *world.people]
    if len(names) < 2 or world.pose is None:
        return None
    one, other = world.random.sample(names, 2)
    first = _go(world, locate(world, one))
    if first is None:
        return None
    moved = along(*first[1])
    there = replace(world, pose=world.pose.moved(moved.x, moved.y, moved.theta))
    second = _go(there, locate(there, other))
    if second is None:
        return None
    return Task(
        [first[0], second[0]],
        {"one": the(world, one), "other": the(world, other)},
        at_end=[second[2]],
        event={"moves": "walk"},
        moved=along(*first[1], *second[1]),
        tags=["going", "scene"],
    )
