"""Looking at things and people, and following a ball or a face with the head."""

from __future__ import annotations

import math

from services.behavior.scene import Pose
from services.robot.simulator.anatomy import head_pitch_limits
from services.training.dataset.skills.body import upright
from services.training.dataset.skills.going import some_target, turn_to
from services.training.dataset.targets import Target, locate, the
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill

#: Farthest that a place may be given, metres.
_FARTHEST_M = 5.0
#: How far the head may stay short of a place on the floor nearby, radians.
_SHORT_RAD = 0.21
_EYES_M = 0.51
_MOVED_M = 0.05
#: What is nearer to straight ahead than this the head may be turned to before it looks, radians.
_AHEAD_RAD = 0.4
#: Up to this bearing an arm points to its side without a turn of the body (measured: at most 15 degrees off), radians.
ASIDE_RAD = 1.75
#: What is nearer to straight ahead than this is faced already.
FACED_RAD = 0.05


def reach_for(world: World, target: Target, *, pointing: bool = False) -> tuple[list[str], Pose] | None:
    """The lines that find a target and, where that is needed, turn to it first; how far it turns. None if it cannot.

    What is behind is faced first; an arm reaches a little farther round than the head does. So is everything once the
    robot has walked elsewhere: where things are then, nobody sees from the scene. After a mere turn what is behind is
    left out: the turn would be undone.
    """
    place = f'x, y, z = scene.position("{target.name}")'
    if world.pose is None or target.distance > _FARTHEST_M:
        return None
    elsewhere = math.hypot(world.pose.x, world.pose.y) > _MOVED_M
    reaches = abs(target.bearing) < ASIDE_RAD if pointing else target.x > 0.0
    if abs(target.bearing) < FACED_RAD or (reaches and not elsewhere):
        return [place], Pose()
    if world.posture != "Standing" or (world.pose != STILL and not elsewhere):
        return None
    return [turn_to(target), place], Pose(theta=target.bearing)


def in_sight(target: Target, turned: Pose) -> bool:
    """Whether the head can look there: the further it is turned, the less it goes down."""
    low, high = head_pitch_limits(0.0 if turned.theta else target.bearing)
    down = math.atan2(_EYES_M - target.z, target.distance)
    return low - _SHORT_RAD < down < high + _SHORT_RAD


def looks_at(target: Target) -> Predicate:
    """What shows that it looked there; the floor nearby it cannot quite see."""
    return {"looks_at": {"target": target.name, "within": 15}}


def seen_coming(target: Target) -> Predicate | None:
    """The event of looking there; none where the head may have been turned already."""
    return looks_at(target) if abs(target.bearing) > _AHEAD_RAD else None


LOOK = "ALTracker.lookAt([x, y, z], 2, 0.3, False)"


@skill("looking", weight=8.0)
def look(world: World) -> Task | None:
    """Look at a thing or a person."""
    found = some_target(world) if upright(world) else None
    if found is None:
        return None
    target, variant = found
    way = reach_for(world, target)
    if way is None:
        return None
    lines, turned = way
    if not in_sight(target, turned):
        return None
    return Task(
        [Step("look at it", [*lines, LOOK], target=target.name)],
        target.slots(world),
        must=[looks_at(target)],
        event=seen_coming(target),
        moved=turned,
        variant=variant,
        tags=["looking", "scene"],
    )


@skill("looking", weight=1.0)
def look_twice(world: World) -> Task | None:
    """Look at one thing or person and then at another."""
    names = [*world.objects, *world.people]
    if len(names) < 2 or world.pose is None or not upright(world):
        return None
    one, other = (locate(world, name) for name in world.random.sample(names, 2))
    steps = []
    for target in (one, other):
        found = reach_for(world, target)
        if found is None or found[1] != Pose() or not in_sight(target, Pose()):
            return None  # with turns between them it would not be plain what is behind
        steps.append(Step("look at it", [*found[0], LOOK], target=target.name))
    return Task(
        steps,
        {"one": the(world, one.name), "other": the(world, other.name)},
        must=[looks_at(one), looks_at(other)],
        event=seen_coming(one),
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
