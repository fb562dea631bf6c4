"""Walking: where the robot has come to at the end. As events, the calls that walk or turn so, each by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

from services.behavior.scene import Pose
from services.training.judging.predicates import Toward, Turns, Walked, Walks
from services.training.judging.sight import FROM_START, Event, Sight, Trace, heading, limits_text, within

_NOWHERE_M = 0.02  # over a shorter way a direction means nothing


def walks(value: Walks, trace: Trace) -> Sight:
    """The displacement in a straight line, and its direction."""
    end = trace.timeline.place
    events = [Event(walk.call) for walk in trace.timeline.walks if not _unlike(value, walk.x, walk.y)]
    seen = _unlike(value, end.x, end.y)
    return Sight(not seen, events, seen)


def turns(value: Turns, trace: Trace) -> Sight:
    """The change of heading, unwrapped."""
    walked = trace.timeline.walks
    turned = heading(trace.timeline.place)
    events = [Event(walk.call) for walk in walked if within(math.degrees(walk.turned), value.degrees)]
    return Sight(within(turned, value.degrees), events, f"{turned:.1f} degrees, {limits_text(value.degrees)}")


def walked(value: Walked, trace: Trace) -> Sight:
    """The length of the whole way."""
    walks = trace.timeline.walks
    path = sum(walk.path for walk in walks)
    events = [Event(walk.call) for walk in walks if within(walk.path, value.path, 2)]
    return Sight(within(path, value.path, 2), events, f"a way of {path:.2f} m, {limits_text(value.path)}")


def near(value: Toward, trace: Trace) -> Sight:
    """It stands at a thing of the scene. As an event: a call that brings it there."""

    def distance(pose: Pose) -> float:
        return trace.view.distance(value.target, pose)

    holds, events = _comes(trace, lambda pose: within(distance(pose), [None, value.within], 2))
    seen = f"{distance(trace.timeline.place):.2f} m from {value.target!r} at the end, not within {value.within:g} m"
    return Sight(holds, events, seen)


def faces(value: Toward, trace: Trace) -> Sight:
    """Its body is turned to a thing of the scene. As an event: a call that turns it so."""

    def off(pose: Pose) -> float:
        return math.degrees(trace.view.bearing(value.target, pose))

    holds, events = _comes(trace, lambda pose: within(abs(off(pose)), [None, value.within]))
    seen = f"{value.target!r} is {off(trace.timeline.place):.1f} degrees to its left at the end"
    return Sight(holds, events, f"{seen}, not within {value.within:g}")


def _unlike(value: Walks, x: float, y: float) -> str:
    """In what a displacement is not as wanted; empty if it is."""
    distance, bearing = math.hypot(x, y), math.degrees(math.atan2(y, x))
    unlike = []
    if value.distance is not None and not within(distance, value.distance, 2):
        unlike.append(f"distance {distance:.2f} m, {limits_text(value.distance)}")
    if value.bearing is not None:
        if distance < _NOWHERE_M:
            unlike.append("it comes to no other place, so there is no bearing")
        elif not any(within(bearing + turn, value.bearing) for turn in (-360.0, 0.0, 360.0)):
            unlike.append(f"bearing {bearing:.1f} degrees, {limits_text(value.bearing)}")
    return "; ".join(unlike)


def _comes(trace: Trace, test: Callable[[Pose], bool]) -> tuple[bool, list[Event]]:
    """Whether it is so at the end, and the calls after which it was, having not been before."""
    was = test(Pose())
    events = [FROM_START] if was else []
    for walk in trace.timeline.walks:
        now = test(walk.arrives)
        if now and not was:
            events.append(Event(walk.call))
        was = now
    return was, events
