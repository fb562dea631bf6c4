"""Sounds, senses, how long it lasts, and calls by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from services.training.judging.predicates import Calls, Range
from services.training.judging.sight import Event, Sight, Trace, came, limits_text, within
from services.training.judging.timeline import Call

Sense = Literal["battery", "sonar", "touch", "posture", "angles", "any"]

_SOUNDS = {"tone": ("playSine",), "file": ("playFile", "playSoundSetFile")}


def sound(value: Literal["tone", "file", "any"], trace: Trace) -> Sight:
    """A sound that is played."""
    methods = _SOUNDS.get(value, (*_SOUNDS["tone"], *_SOUNDS["file"]))
    found = [Event(call.number) for call in trace.timeline.calls if call.effect == "sound" and call.method in methods]
    return came(found, f"no such sound ({trace.names})")


def reads(value: Sense, trace: Trace) -> Sight:
    """A value that is read."""
    found = [Event(call.number) for call in trace.timeline.calls if call.effect == "read" and _SENSES[value](call)]
    return came(found, f"nothing of that kind is read ({trace.names})")


def _memory(call: Call, *parts: str) -> bool:
    """Whether a call reads a key of the memory that has one of these in its name."""
    return call.method == "getData" and any(part in str(call.args[0]) for part in parts)


_SENSES: dict[str, Callable[[Call], bool]] = {
    "battery": lambda call: call.method == "getBatteryCharge" or _memory(call, "Battery"),
    "sonar": lambda call: call.method == "getFilteredValues" or _memory(call, "/US/"),
    "touch": lambda call: _memory(call, "Touched", "Pressed"),
    "posture": lambda call: call.method in ("getPosture", "getPostureFamily"),
    "angles": lambda call: call.method == "getAngles",
    "any": lambda call: True,
}


def lasts(value: Range, trace: Trace) -> Sight:
    """Simulated seconds from the first call until what the last one began has ended."""
    seconds = trace.timeline.moments[-1] if trace.timeline.calls else 0.0
    return Sight(within(seconds, value), [], f"{seconds:.1f} s, {limits_text(value)}")


def calls(value: Calls, trace: Trace) -> Sight:
    """How often a method is called."""
    found = [Event(call.number) for call in trace.timeline.calls if call.name == value.method]
    return Sight(
        within(len(found), value.times), found, f"{value.method} {len(found)} times, {limits_text(value.times)}"
    )
