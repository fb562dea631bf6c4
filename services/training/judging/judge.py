"""Decides by simulation whether a behaviour did what was asked of the robot."""

from __future__ import annotations

from dataclasses import dataclass

from services.behavior.schema import BehaviorResult
from services.training.judging.expectation import Item
from services.training.judging.look import look
from services.training.judging.outcome import unlike
from services.training.judging.predicates import Predicate
from services.training.judging.replay import replay
from services.training.judging.sight import FROM_START, Event, Trace
from services.training.judging.timeline import START

_BEFORE_ALL = Event(START - 1)


@dataclass(frozen=True)
class Verdict:
    """Whether a behaviour passed, and if not, what did not hold and what was seen instead, in words."""

    passed: bool
    findings: list[str]


def judge(item: Item, result: BehaviorResult) -> Verdict:
    """Replay what a result says that the robot did, in the scene of the item, and compare it with what was asked.

    Whatever a program did, this gives a verdict and raises nothing; the same result always gets the same one.
    """
    trace = Trace(replay(result.actions, item.scene), item.scene)
    findings = [*unlike(item.outcome, result, trace)]
    for predicate in item.must:
        if not (sight := look(predicate, trace)).holds:
            findings.append(f"{predicate.key}: {sight.seen}")
    findings += _disorder(item.in_order, trace)
    findings += [f"must not: {predicate} holds" for predicate in item.must_not if look(predicate, trace).holds]
    return Verdict(not findings, findings)


def _disorder(predicates: list[Predicate], trace: Trace) -> list[str]:
    """The first of the events that does not come after the one before it, in words.

    After it is at a later call, or later within one call that does several things, such as a path of a joint.
    """
    reached, before = _BEFORE_ALL, ""
    for predicate in predicates:
        sight = look(predicate, trace)
        later = next((event for event in sight.events if event > reached), None)
        if later is None and not sight.events:
            return [f"in order: {predicate} does not come about: {sight.seen}"]
        if later is None:
            return [f"in order: {predicate} comes {_told(sight.events[-1])}, not after {before}"]
        reached, before = later, f"{predicate} {_told(later)}"
    return []


def _told(event: Event) -> str:
    return "before the first call" if event == FROM_START else f"with call {event.call + 1}"
