"""Whether a behaviour ended as an item wants: it acts, it only speaks, or it refuses."""

from __future__ import annotations

from services.behavior.schema import BehaviorResult
from services.training.judging.body import moves
from services.training.judging.expectation import Outcome
from services.training.judging.sight import Trace

_STATUSES: dict[Outcome, tuple[str, ...]] = {
    "acts": ("succeeded",),
    "words": ("succeeded", "refused"),
    "refuses": ("refused",),
}


def unlike(outcome: Outcome, result: BehaviorResult, trace: Trace) -> list[str]:
    """Return in what the end of a behaviour is not as wanted, in words; nothing if it is."""
    found: list[str] = []
    if result.status not in (wanted := _STATUSES[outcome]):
        why = result.error.message if result.error else result.refusal
        found.append(f"status: {result.status}, not {' or '.join(wanted)}{f' ({why})' if why else ''}")
    if trace.timeline.error is not None:
        found.append(f"replay: {trace.timeline.error}")
    if outcome == "acts":
        return found
    if moving := moves("any", trace).events:
        found.append(f"{outcome}: nothing may move, but {_named(trace, moving[0].call)} does")
    if outcome == "words" and not trace.timeline.sentences:
        found.append("words: it says nothing")
    if outcome == "refuses":
        others = [call.number for call in trace.timeline.calls if call.effect not in ("speech", "read")]
        if others and not moving:
            found.append(f"refuses: at most it speaks, but it calls {_named(trace, others[0])}")
    return found


def _named(trace: Trace, number: int) -> str:
    return f"call {number + 1}, {trace.timeline.calls[number]}"
