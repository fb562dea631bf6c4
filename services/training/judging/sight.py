"""What the judge sees of one predicate in a trace, and the small things that all predicates are decided with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Scene
from services.training.judging.timeline import START, Timeline

_MOST_SHOWN = 6


@dataclass(frozen=True)
class Trace:
    """What a behaviour did in which scene."""

    timeline: Timeline
    scene: Scene

    @cached_property
    def view(self) -> SceneView:
        """Where the things of the scene are."""
        return SceneView(self.scene)

    @property
    def names(self) -> str:
        """The calls by name, for findings."""
        return ", ".join(dict.fromkeys(call.name for call in self.timeline.calls)) or "no calls"


class Event(NamedTuple):
    """When something came about: with which call, and where one call makes several things, at which moment."""

    call: int
    at: float = 0.0


FROM_START = Event(START)
"""It was so before the first call."""


@dataclass(frozen=True)
class Sight:
    """Whether a predicate holds, and when it came about."""

    holds: bool
    events: Sequence[Event]
    """Each time, rising."""
    seen: str
    """What was seen, for people; it is shown where the predicate does not hold."""

    @property
    def times(self) -> int:
        """How often it came about during the behaviour."""
        return sum(event != FROM_START for event in self.events)


def came(events: Iterable[Event], seen: str) -> Sight:
    """What holds if it came about at all."""
    found = sorted(events)
    return Sight(bool(found), found, seen)


def within(value: float, limits: Sequence[float | None] | None, digits: int = 1) -> bool:
    """Whether a value, as findings show it, is in a range; None is no limit."""
    if limits is None:
        return True
    (low, high), shown = limits, round(value, digits)
    return (low is None or shown >= low) and (high is None or shown <= high)


def limits_text(limits: Sequence[float | None]) -> str:
    """A range in words, such as ``not within 0.9 to 1.1``."""
    low, high = limits
    if low is None:
        return f"not at most {high:g}"
    return f"not at least {low:g}" if high is None else f"not within {low:g} to {high:g}"


def heading(pose: Pose) -> float:
    """The direction in which a robot looks, in degrees."""
    return math.degrees(pose.theta)


def reached(
    trace: Trace,
    joints: Sequence[str],
    test: Callable[[int], bool],
    seen: Callable[[int], str],
    *,
    end: bool,
    or_walk: bool = False,
) -> Sight:
    """Look for a state of some joints: at the moments at which they rest or turn, or at the end alone.

    Args:
        trace: the behaviour.
        joints: those that the state is made of.
        test: whether it is so at the moment of an index.
        seen: the state at the moment of an index in words.
        end: whether it has to be so at the end.
        or_walk: whether a walk too can bring the state about.
    """
    timeline, was, events = trace.timeline, False, list[Event]()
    rests = timeline.rests(joints)
    for index in rests:
        now = test(index)
        if now and not was:
            cause = timeline.cause(joints, index, or_walk) if index else START
            events.append(FROM_START if cause == START else Event(cause, timeline.moments[index]))
        was = now
    if end:
        return Sight(was, events[-1:] if was else [], "" if was else f"{seen(timeline.last)} at the end")
    if events:
        return came(events, "")
    states = list(dict.fromkeys(seen(index) for index in rests))
    more = " …" if len(states) > _MOST_SHOWN else ""
    return Sight(False, [], f"{'; '.join(states[:_MOST_SHOWN])}{more}")
