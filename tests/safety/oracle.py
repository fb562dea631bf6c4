"""Says what a robot may be told, from nothing but the catalogue's TOML.

It shares no code with the checks that it judges, and works in another way where it can: it looks at finished calls as a
robot receives them, and at joints that limit each other by sampling their way.
"""

from __future__ import annotations

import math
import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

CATALOGUES = Path(__file__).parents[2] / "services" / "behavior" / "catalogues"

# Checks allow a rounding of 1e-6, and qi carries floats in 32 bits.
_SLACK = 5e-6
_SAMPLES = 400


@cache
def oracle(robot: str) -> Oracle:
    """The oracle of one robot."""
    return Oracle(tomllib.loads((CATALOGUES / f"{robot}.toml").read_text("utf-8")))


class Oracle:
    """Judges calls by a catalogue as its file has it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.methods: dict[str, list[dict[str, Any]]] = {}
        for service, entry in document["services"].items():
            for method in entry["methods"]:
                self.methods.setdefault(f"{service}.{method['name']}", []).append(method)
        self.names = {
            name: [text for value in enum["values"] for text in _braces(value)]
            for name, enum in document["enums"].items()
        }
        self._joints: dict[str, dict[str, Any]] = document.get("joints", {})
        self._chains: dict[str, list[str]] = document.get("chains", {})
        self._own = [
            (f"{call['service']}.{call['method']}", call.get("args", []))
            for entry in document["control"].values()
            for call in (entry if isinstance(entry, list) else [entry])
        ]

    def is_own(self, call: str, args: list[Any]) -> bool:
        """Whether the gateway makes this very call on its own account: it reads, stops and stills."""
        return any(call == own and args[: len(given)] == given for own, given in self._own)

    def is_speech(self, call: str) -> bool:
        """Whether the call is allowed after a refusal."""
        return any(method["effect"] == "speech" for method in self.methods.get(call, []))

    def fault(self, call: str, args: list[Any]) -> str | None:
        """What is wrong with ``Service.method`` and these arguments, or None."""
        if call in self.document["deny"] or any(part.startswith("_") for part in call.split(".")):
            return "denied"
        forms = [method for method in self.methods.get(call, []) if len(method["args"]) == len(args)]
        if not forms:
            return "not in the catalogue"
        faults = [self._form_fault(form, args) for form in forms]
        if None in faults:
            return None
        # Forms that differ in the names they take: the one whose names these are says what is wrong.
        return next((fault for fault in faults if fault is not None and "among the names" not in fault), faults[0])

    def _form_fault(self, form: dict[str, Any], args: list[Any]) -> str | None:
        for argument, value in zip(form["args"], args, strict=True):
            if (fault := getattr(self, f"_{argument['type']}_fault")(argument, value)) is not None:
                return f"{argument['name']}: {fault}"
        return self._motion_fault(form, args)

    def displacement(self, call: str, args: list[Any]) -> tuple[float, float, float]:
        """How far a call moves the robot: ahead, to the left, turning to the left."""
        way = {"x": 0.0, "y": 0.0, "theta": 0.0}
        for form in self.methods.get(call, []):
            for argument, value in zip(form["args"], args, strict=False):
                if argument.get("unit") in ("m", "rad") and "axis" in argument and _is_real(value):
                    way[argument["axis"]] = value
        return way["x"], way["y"], way["theta"]

    def joints_of(self, named: Any) -> list[dict[str, Any]]:
        """The limits of the joints that a joint argument names."""
        names = named if isinstance(named, list) else self._chains.get(named, [named])
        return [self._joints[name] for name in names if name in self._joints]

    # --- one argument ------------------------------------------------------------------------------------------------

    def _float_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        shape = argument.get("shape", "one")
        if not isinstance(value, list):
            return "not a list of three" if shape == "triple" else _number_fault(argument, value)
        if shape == "one" or not 1 <= len(value) <= 100 or (shape == "triple" and len(value) != 3):
            return "a list of the wrong length"
        inner = {**argument, "shape": "one_or_list" if shape == "series" else "one"}
        return next((fault for item in value if (fault := self._float_fault(inner, item)) is not None), None)

    def _int_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        return _number_fault(argument, value)

    def _bool_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        if not isinstance(value, bool):
            return "neither True nor False"
        return None if argument.get("only") in (None, value) else f"never {value}"

    def _enum_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        if key := argument.get("key"):
            if not isinstance(value, dict) or list(value) != [key]:
                return "not a map with its one key"
            value = value[key]
        return None if isinstance(value, str) and value in self.names[argument["values"]] else "not among the names"

    def _joint_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        if isinstance(value, list):
            different = len({str(name) for name in value}) == len(value)
            known = all(isinstance(name, str) and name in self._joints for name in value)
            listed = argument.get("shape") == "one_or_list" and value
            return None if listed and known and different else "not a list of different joints"
        return None if isinstance(value, str) and (value in self._joints or value in self._chains) else "no joint"

    def _str_fault(self, argument: dict[str, Any], value: Any) -> str | None:
        if argument.get("shape", "one") == "list":
            inner = {**argument, "shape": "one"}
            texts = value if isinstance(value, list) and 1 <= len(value) <= 100 else [None]
            return next((fault for text in texts if (fault := self._str_fault(inner, text)) is not None), None)
        if not isinstance(value, str) or not value.strip():
            return "no text"
        if len(value) > argument["max_length"] or re.search(r"[\0-\x1f\x7f-\x9f]", value):
            return "too long, or with control characters"
        if "pattern" in argument and re.fullmatch(argument["pattern"], value) is None:
            return "not of the pattern"
        if tags := argument.get("tags"):
            for text in self.names[tags["values"]]:
                for word in tags["words"]:
                    value = value.replace(f"^{word}({text})", "")
        return "a forbidden character" if set(value) & set(argument.get("forbidden", "")) else None

    # --- joints ------------------------------------------------------------------------------------------------------

    def _motion_fault(self, form: dict[str, Any], args: list[Any]) -> str | None:
        given = {argument["name"]: value for argument, value in zip(form["args"], args, strict=True)}
        for argument in form["args"]:
            if "joints" not in argument:
                continue
            named = given[argument["joints"]]
            joints = named if isinstance(named, list) else self._chains.get(named, [named])
            angles = _by_joint(joints, isinstance(named, list), given[argument["name"]])
            if angles is None:
                return "not one entry for each joint"
            absolute = argument.get("absolute", True)
            absolute = given[absolute] if isinstance(absolute, str) else absolute
            timed = next((other["name"] for other in form["args"] if other.get("times_of") == argument["name"]), None)
            times = None if timed is None else _by_joint(joints, isinstance(named, list), given[timed])
            if timed is not None and times is None:
                return "not one time for each joint"
            return self._angles_fault(angles, times, absolute=absolute)
        return None

    def _angles_fault(
        self, angles: dict[str, list[Any]], times: dict[str, list[Any]] | None, *, absolute: bool
    ) -> str | None:
        for joint, values in angles.items():
            limits = self._joints[joint]
            span = limits["max"] - limits["min"]
            low, high = (limits["min"], limits["max"]) if absolute else (-span, span)
            if not all(_is_real(value) and low - _SLACK <= value <= high + _SLACK for value in values):
                return f"{joint} beyond its limits"
            if times is None:
                continue
            if len(times[joint]) != len(values) or any(not b > a for a, b in pairwise(times[joint])):
                return f"{joint} has times that do not grow, or not one for each angle"
            steps = zip(pairwise(values), pairwise(times[joint]), strict=True)
            if absolute and any(abs(b - a) > limits["max_velocity"] * (t1 - t0) * 1.0001 for (a, b), (t0, t1) in steps):
                return f"{joint} faster than it can"
        if absolute:
            for coupling in self.document.get("couplings", []):
                if {coupling["joint"], coupling["by"]} <= set(angles) and _collide(coupling, angles, times):
                    return f"{coupling['joint']} beyond what {coupling['by']} leaves it"
        return None


def _number_fault(argument: dict[str, Any], value: Any) -> str | None:
    if not _is_real(value) or (argument["type"] == "int" and not isinstance(value, int)):
        return "not a finite number of its type"
    if "joints" in argument or (argument.get("or_zero") and value == 0):
        return None
    return None if argument["min"] - _SLACK <= value <= argument["max"] + _SLACK else "out of range"


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _by_joint(joints: list[str], listed: bool, value: Any) -> dict[str, list[Any]] | None:
    """Each joint's values: a lone joint takes a list as its series, several take an entry each or one for all."""
    if len(joints) == 1 and not listed:
        return {joints[0]: value if isinstance(value, list) else [value]}
    entries = value if isinstance(value, list) else [value] * len(joints)
    if len(entries) != len(joints):
        return None
    return {joint: entry if isinstance(entry, list) else [entry] for joint, entry in zip(joints, entries, strict=True)}


def _collide(coupling: dict[str, Any], angles: dict[str, list[Any]], times: dict[str, list[Any]] | None) -> bool:
    first, second = angles[coupling["joint"]], angles[coupling["by"]]
    if times is None:
        return _beyond(coupling, first[-1], second[-1])
    first_at, second_at = times[coupling["joint"]], times[coupling["by"]]
    begins, ends = max(first_at[0], second_at[0]), max(first_at[-1], second_at[-1])
    moments = {begins + (ends - begins) * share / _SAMPLES for share in range(_SAMPLES + 1)} | {*first_at, *second_at}
    return any(
        _beyond(coupling, _angle_at(first, first_at, moment), _angle_at(second, second_at, moment))
        for moment in moments
        if moment >= begins
    )


def _angle_at(angles: list[float], times: list[float], moment: float) -> float:
    passed = max(index for index, time in enumerate(times) if time <= moment)
    if passed == len(times) - 1:
        return angles[passed]
    share = (moment - times[passed]) / (times[passed + 1] - times[passed])
    return angles[passed] * (1 - share) + angles[passed + 1] * share


def _beyond(coupling: dict[str, Any], angle: float, by: float) -> bool:
    points = sorted(coupling["points"])
    right = next((index for index, point in enumerate(points) if point[0] >= abs(by)), len(points) - 1)
    (x0, low0, high0), (x1, low1, high1) = points[max(0, right - 1)], points[right]
    share = min(1.0, (abs(by) - x0) / (x1 - x0)) if x1 > x0 else 0.0
    slack = 1e-4
    return not low0 + share * (low1 - low0) - slack <= angle <= high0 + share * (high1 - high0) + slack


def _braces(pattern: str) -> list[str]:
    """All texts of a pattern such as ``a_{1..3}`` or ``{b,c}_d``."""
    brace = re.search(r"\{([^{}]*)\}", pattern)
    if brace is None:
        return [pattern]
    bounds = re.fullmatch(r"(\d+)\.\.(\d+)", brace[1])
    choices = map(str, range(int(bounds[1]), int(bounds[2]) + 1)) if bounds else brace[1].split(",")
    head, tail = pattern[: brace.start()], pattern[brace.end() :]
    return [text for choice in choices for text in _braces(head + choice + tail)]
