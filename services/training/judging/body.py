"""The body as a whole: its posture, its motors, and what of it moves at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from services.robot.simulator.anatomy import CHAINS
from services.training.judging.predicates import Posture
from services.training.judging.sight import FROM_START, Event, Sight, Trace, came
from services.training.judging.timeline import Call, Timeline

Part = Literal["walk", "head", "arms", "hands", "posture", "any"]

_HANDS = frozenset({"LHand", "RHand"})
_PARTS: dict[str, frozenset[str]] = {
    "head": frozenset(CHAINS["Head"]),
    "arms": frozenset(CHAINS["Arms"]) - _HANDS,
    "hands": _HANDS,
}
_MOVED_RAD = 0.02
_MOVED_HAND = 0.05
_WALKED_M = 0.01


def posture(value: Posture, trace: Trace) -> Sight:
    """A family of postures in which it is when a call has ended, or at the end; not one on the way to another."""
    timeline = trace.timeline
    was, events = timeline.began, [FROM_START] if timeline.began == value.family else []
    for call in timeline.calls:
        if call.family == value.family and (call.takes_posture or was != call.family):
            events.append(Event(call.number))
        was = call.family
    if timeline.ended == value.family != was:
        events.append(Event(timeline.calls[-1].number) if timeline.calls else FROM_START)
    if value.end:
        holds = timeline.ended == value.family
        return Sight(holds, events[-1:] if holds else [], f"it is {timeline.ended} at the end, not {value.family}")
    families = [timeline.began, *(call.family for call in timeline.calls), timeline.ended]
    return came(events, f"it is {', then '.join(_changes(families))}, never {value.family}")


def motors(value: Literal["on", "off"], trace: Trace) -> Sight:
    """The motors at the end."""
    wanted, events, was = value == "on", list[Event](), True  # as scenes begin
    for call in trace.timeline.calls:
        if call.awake == wanted and was != wanted:
            events.append(Event(call.number))
        was = call.awake
    return Sight(trace.timeline.awake == wanted, events, f"the motors are {'off' if wanted else 'on'} at the end")


def moves(value: Part, trace: Trace) -> Sight:
    """Motion of a kind at all. What moves with a change of posture is posture, not head, arms or hands."""
    found = [Event(call.number) for call in trace.timeline.calls if value in set(_kinds(call, trace.timeline))]
    return came(
        found, f"nothing moves ({trace.names})" if value == "any" else f"no motion of that kind ({trace.names})"
    )


def _kinds(call: Call, timeline: Timeline) -> Iterator[str]:
    """What a call has moved."""
    if call.effect == "walk" and any(
        walk.call == call.number and (walk.path > _WALKED_M or abs(walk.turned) > _MOVED_RAD) for walk in timeline.walks
    ):
        yield from ("walk", "any")
    moved = [joint for joint in call.moved & timeline.travelled if _moves(call, joint, timeline)]
    if not moved:
        return
    yield "any"
    if call.takes_posture:
        yield "posture"
    else:
        yield from (part for part, joints in _PARTS.items() if not joints.isdisjoint(moved))


def _moves(call: Call, joint: str, timeline: Timeline) -> bool:
    angles = timeline.under(call, joint)
    return max(angles) - min(angles) > (_MOVED_HAND if joint in _HANDS else _MOVED_RAD)


def _changes(families: list[str]) -> list[str]:
    """The families without those that repeat the one before."""
    return [family for i, family in enumerate(families) if i == 0 or family != families[i - 1]]
