"""Looking at things and people, and following a ball or a face with the head."""

from __future__ import annotations

from services.behavior.scene import Pose
from services.training.dataset.scenes import along
from services.training.dataset.skills.going import some_target, turn_to
from services.training.dataset.targets import Target, locate, the
from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Beyond this the head alone does not see it: what is behind the robot is faced first.
_AHEAD_M = 0.0


def reach_for(world: World, target: Target) -> tuple[list[str], Pose] | None:
    """The lines that find a target and, if it is behind, turn to it first; how far it turns. None if it cannot turn."""
    place = f'x, y, z = scene.position("{target.name}")'
    if target.x > _AHEAD_M:
        return [place], Pose()
    if world.posture != "Standing":
        return None
    return [turn_to(target), place], Pose(theta=target.bearing)


def looks_at(target: Target) -> Predicate:
    """What shows that it looked there; the floor at its feet it cannot quite see."""
    return {"looks_at": {"target": target.name, "within": 15}}


LOOK = "ALTracker.lookAt([x, y, z], 2, 0.3, False)"


@skill("looking", weight=4.0)
def look(world: World) -> Task | None:
    """Look at a thing or a person."""
    found = some_target(world)
    if found is None:
        return None
    target, variant = found
    way = reach_for(world, target)
    if way is None:
        return None
    lines, turned = way
    return Task(
        [Step("look at it", [*lines, LOOK], target=target.name)],
        target.slots(world),
        must=[looks_at(target)],
        event=looks_at(target),
        moved=turned,
        variant=variant,
        tags=["looking", "scene"],
    )


@skill("looking", weight=1.0)
def look_twice(world: World) -> Task | None:
    """Look at one thing or person and then at another."""
    names = [*world.objects, *world.people]
    if len(names) < 2 or world.pose is None:
        return None
    steps, moved = [], Pose()
    one, other = (locate(world, name) for name in world.random.sample(names, 2))
    if other.x <= _AHEAD_M or one.x <= _AHEAD_M:
        return None  # with turns between them it would not be plain what is behind
    for target in (one, other):
        found = reach_for(world, target)
        if found is None:
            return None
        lines, turned = found
        moved = along(moved, turned)
        steps.append(Step("look at it", [*lines, LOOK], target=target.name))
    return Task(
        steps,
        {"one": the(world, one.name), "other": the(world, other.name)},
        must=[looks_at(one), looks_at(other)],
        event=looks_at(one),
        moved=moved,
        tags=["looking", "scene"],
    )


_TRACKED = {"ball": ("RedBall", "0.06", "track red ball"), "face": ("Face", "0.1", "track face")}


@skill("looking", weight=1.5)
def track(world: World) -> Task:
    """Follow the red ball or a face with the head."""
    variant = world.random.choice(list(_TRACKED))
    target, size, goal = _TRACKED[variant]
    lines = [f'ALTracker.registerTarget("{target}", {size})', f'ALTracker.track("{target}")']
    shown = {"calls": {"method": "ALTracker.track", "times": [1, None]}}
    return Task([Step(goal, lines)], must=[shown], event=shown, variant=variant, tags=["looking", "tracking"])


@skill("looking", weight=0.3)
def stop_tracking(world: World) -> Task:
    """Stop following with the head."""
    shown = {"calls": {"method": "ALTracker.stopTracker", "times": [1, None]}}
    return Task([Step("stop tracking", ["ALTracker.stopTracker()"])], must=[shown], event=shown, tags=["tracking"])
