"""Where a robot may walk: within the space that the scene says is free, and not into what stands there."""

from __future__ import annotations

import math

from services.behavior.body import Base
from services.behavior.errors import CheckError
from services.behavior.robot_state import RobotState, Walk
from services.behavior.scene import Pose, SceneView, Thing

_ROUNDING = 1e-6
_NEEDED = 0.05  # a suggestion leaves this much more room than is needed, metres
_CHORD_RAD = 0.2  # a walk that turns is followed in straight pieces, between which it turns by this much

UNLED_S = 2.0
"""How much longer a walk at a speed may go on than the calls after it last, in seconds of the robot's time, all in all:
while the next statement is waited for, or a call takes longer than it should. Then the gateway ends it."""


def check_way(base: Base, scene: SceneView, state: RobotState, name: str, x: float, y: float, theta: float) -> None:
    """Check the straight way that a call takes from where the robot is, and let it get there.

    Args:
        base: how much room the robot needs.
        scene: what stands where, and how much space is free.
        state: where the robot is; it is changed.
        name: of the call, for messages.
        x, y, theta: the way in metres and radians, in the robot's frame.

    Raises:
        CheckError: ``space``, it leads out of the free space; ``obstacle``, into something that stands there.
    """
    length = math.hypot(x, y)
    if state.pose is None:
        state.reach += length
        _check_space(scene, state.reach, name, 0.0)
        if state.strayed and length > _ROUNDING:
            _check_anywhere(base, scene, state.reach, name)
        return
    start, end = state.pose, state.pose.moved(x, y, theta)
    if length > _ROUNDING:
        for thing in scene.things:
            _check_thing(base, thing, start, end, name, x, y)
    reach = math.hypot(end.x, end.y)
    _check_space(scene, reach, name, math.hypot(start.x, start.y))
    state.pose, state.reach = end, max(state.reach, reach)


def check_walk(
    base: Base, scene: SceneView, state: RobotState, name: str, walk: Walk, more: float, way_call: str | None
) -> None:
    """Check the way of a walk that goes on until it is stopped, and note how far it may have come.

    It counts as stopped ``UNLED_S`` after the last call that is known of: that is when the gateway stops it.

    Args:
        base: how much room the robot needs.
        scene: what stands where, and how much space is free.
        state: of the robot, whose pose nobody knows while it walks; its reach is changed.
        name: of the walk, for messages.
        walk: what is known of it until now.
        more: its seconds that were not checked before.
        way_call: a call that ends where it is told to, for suggestions.

    Raises:
        CheckError: as ``check_way`` does.
    """
    lasts = walk.seconds + UNLED_S
    name = f"{name}, not stopped for {lasts:.0f} s,"
    ahead = state.copy()  # to look further than it is known to go
    try:
        if walk.velocity is None or walk.start is None:
            check_way(base, scene, state, name, walk.speed * more, 0.0, 0.0)
            ahead.reach = state.reach
            check_way(base, scene, ahead, name, walk.speed * UNLED_S, 0.0, 0.0)
            return
        for seconds, follows in ((walk.seconds, state), (lasts, ahead)):
            vx, vy, omega = walk.velocity
            if omega:
                seconds = min(seconds, math.tau / abs(omega))  # after a full circle it comes to nowhere new
            pieces = max(1, math.ceil(abs(omega) * seconds / _CHORD_RAD))
            x, y, theta = (part * seconds / pieces for part in (vx, vy, omega))
            at = RobotState(families={}, pose=walk.start, reach=follows.reach)
            for _ in range(pieces):
                # Half of the turn before the piece and half after it: the chord of the arc.
                check_way(base, scene, at, name, 0.0, 0.0, theta / 2)
                check_way(base, scene, at, name, x, y, theta / 2)
            follows.reach = at.reach
    except CheckError as error:
        turns = walk.velocity is not None and walk.velocity[2] != 0.0
        # How far it may go straight ahead does not help one that turns.
        mended = "stop it sooner, or walk another way" if turns and error.code == "obstacle" else error.suggestion
        ends = f"; {way_call} ends where it is told to" if way_call else ""
        raise CheckError(error.code, error.message, f"{mended}{ends}") from None


def _check_space(scene: SceneView, reach: float, name: str, before: float) -> None:
    free = scene.free_space
    if free is not None and reach > max(free, before) + _ROUNDING:
        raise CheckError(
            "space",
            f"{name} takes the robot {reach:.2f} m from where it began, and {free:g} m around that are free",
            f"stay within {free:g} m, all walks together, or refuse",
        )


def _check_anywhere(base: Base, scene: SceneView, reach: float, name: str) -> None:
    """Whether a robot of which only is known how far it may have come can be near a thing."""
    for thing in scene.things:
        keep = _keep(base, thing)
        if keep is not None and math.hypot(thing.x, thing.y) - keep < reach - _ROUNDING:
            raise CheckError(
                "obstacle",
                f"{name} may bring the robot to {thing.name!r}, for nobody knows where it is after a walk at a speed",
                "walk there by calls that end where they are told to, or walk less",
            )


def _keep(base: Base, thing: Thing) -> float | None:
    """How near the robot may come to a thing, in metres; None if the thing is not in its way."""
    if thing.person:
        return base.from_people
    return None if thing.passable or thing.z > base.overhead else base.from_things


def _check_thing(base: Base, thing: Thing, start: Pose, end: Pose, name: str, x: float, y: float) -> None:
    """Whether a way comes too near to a thing; one that leads away from it is good wherever it begins."""
    keep = _keep(base, thing)
    if keep is None:
        return
    dx, dy = end.x - start.x, end.y - start.y
    to_x, to_y = thing.x - start.x, thing.y - start.y
    along = (to_x * dx + to_y * dy) / (dx * dx + dy * dy)
    nearest = min(max(along, 0.0), 1.0)
    distance = math.hypot(to_x - nearest * dx, to_y - nearest * dy)
    if distance > keep - _ROUNDING or nearest == 0.0:
        return
    # The share of the way after which the robot is as near as it may come, with a little room left.
    aside = abs(to_x * dy - to_y * dx) / math.hypot(dx, dy)
    share = along - math.sqrt(max((keep + _NEEDED) ** 2 - aside**2, 0.0)) / math.hypot(dx, dy)
    mended = f"walk only to ({share * x:.2f}, {share * y:.2f}), or go round it" if share > _NEEDED else "go round it"
    what = "walks over the place of" if distance < _NEEDED else f"comes within {distance:.2f} m of"
    raise CheckError("obstacle", f"{name} {what} {thing.name!r}; {keep:g} m is the nearest", mended)
