"""Which function decides which predicate, and the predicates that are made of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.training.judging.body import motors, moves, posture
from services.training.judging.general import calls, lasts, reads, sound
from services.training.judging.gestures import gesture
from services.training.judging.joints import arm, hand, joint, looks, looks_at, points_at
from services.training.judging.lights import lights
from services.training.judging.predicates import Predicate, Times
from services.training.judging.sight import Sight, Trace, limits_text, within
from services.training.judging.speech import says, voice
from services.training.judging.walking import faces, near, turns, walked, walks


def look(predicate: Predicate, trace: Trace) -> Sight:
    """Return whether and when a predicate holds in a trace."""
    return _DECIDES[predicate.field](predicate.value, trace)


def _times(value: Times, trace: Trace) -> Sight:
    """How often something comes about; what was so from the beginning did not."""
    sight = look(value.of, trace)
    why = f" ({sight.seen})" if not sight.times and sight.seen else ""
    seen = f"{value.of.key} {sight.times} times, {limits_text(value.count)}{why}"
    return Sight(within(sight.times, value.count), sight.events, seen)


def _any_of(value: Sequence[Predicate], trace: Trace) -> Sight:
    sights = [look(part, trace) for part in value]
    found = sorted(event for sight in sights for event in sight.events)
    seen = "; ".join(f"{part.key}: {sight.seen}" for part, sight in zip(value, sights, strict=True))
    return Sight(any(sight.holds for sight in sights), found, f"none holds ({seen})")


def _all_of(value: Sequence[Predicate], trace: Trace) -> Sight:
    """All hold. As an event it begins when the last of them has begun."""
    sights = [look(part, trace) for part in value]
    begun = [max(sight.events[0] for sight in sights)] if all(sight.events for sight in sights) else []
    missing = [f"{part.key}: {one.seen}" for part, one in zip(value, sights, strict=True) if not one.holds]
    return Sight(not missing, begun, "; ".join(missing))


def _not(value: Predicate, trace: Trace) -> Sight:
    return Sight(not look(value, trace).holds, [], f"{value} holds")


_DECIDES: dict[str, Callable[[Any, Trace], Sight]] = {
    "says": says,
    "voice": voice,
    "walks": walks,
    "turns": turns,
    "near": near,
    "faces": faces,
    "walked": walked,
    "looks": looks,
    "looks_at": looks_at,
    "points_at": points_at,
    "arm": arm,
    "hand": hand,
    "joint": joint,
    "posture": posture,
    "motors": motors,
    "gesture": gesture,
    "lights": lights,
    "sound": sound,
    "reads": reads,
    "moves": moves,
    "lasts": lasts,
    "calls": calls,
    "times": _times,
    "any_of": _any_of,
    "all_of": _all_of,
    "not_": _not,
}
