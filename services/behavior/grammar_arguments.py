"""The arguments of the calls of a grammar: names, texts and numbers that the checks let through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.behavior.arguments import (
    Argument,
    BoolArgument,
    EnumArgument,
    JointArgument,
    NumberArgument,
    TextArgument,
)
from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import Rules, choice, literal, number
from services.behavior.grammar_states import States
from services.behavior.methods import Method
from services.behavior.names import expand

CONTROL = r"\x00-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069"
SPACES = r" \xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
# A small model that begins a text with a mark goes on with marks to the end.
MARKS = r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"
TARGET = "target"
WITH_FRONT = "with-front"
_MAX_TEXT = 160
_PLACES = 2
# What one call may do, so that no program of the grammar comes to more than a budget allows: the seconds that its
# arguments may say, and the metres ahead and aside of a walk, of one that is repeated too.
_SECONDS = 30.0
_WALK = {"x": 3.0, "y": 2.0}
_REPEATED_WALK = {"x": 0.5, "y": 0.3}
WORD = TextArgument(name="word", type="str", max_length=20)


@dataclass(frozen=True)
class Setting:
    """What of a scene decides about the rules of its grammar, beside the names in it."""

    located: bool
    """There are things with a place."""
    fronts: bool
    """There are things with a front that looks somewhere."""
    walks: bool
    """The battery is good for walking."""
    learnt: bool = False
    """The model has learnt to write programs of the robot, in more forms than one that is only shown some."""


Known = Literal["", "place", "middle", "way", "distance"]
"""What the statements before a call have set: ``x, y, z``; two places; the way to one; what a sensor says."""


@dataclass(frozen=True)
class Loop:
    """A loop over values of one argument."""

    name: str
    """The name that each value gets in turn."""
    items: str
    """The rule of one value."""
    argument: Argument
    joints: str | None = None
    """The rule of the joints that can be given the value, if it is an angle."""

    def goes_to(self, argument: Argument) -> bool:
        """Whether a call can be given the value as this argument."""
        if isinstance(argument, EnumArgument) and isinstance(self.argument, EnumArgument):
            return argument.values == self.argument.values and argument.family is None
        return argument == self.argument


@dataclass(frozen=True)
class Where:
    """Where a call stands, as far as its arguments depend on that."""

    state: str
    """The robot's (``grammar_states.py``)."""
    known: Known = ""
    repeated: bool = False
    """In a loop."""
    target: str | None = None
    """The state that the call is to lead to, if any."""
    loop: Loop | None = None
    """The loop whose value it is given, if any."""


class Arguments:
    """Writes the rules of arguments, equal ones once."""

    def __init__(self, rules: Rules, catalogue: Catalogue, states: States, setting: Setting) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._states = states
        self._setting = setting

    def fit(self, method: Method, where: Where) -> bool:
        """Whether a call of a method belongs where it would stand: here anywhere."""
        return True

    def of(self, method: Method, where: Where) -> str | None:
        """The arguments of a call, or None where there is nothing to give one of them."""
        parts: list[str] = []
        angles = {argument.joints for argument in method.args if isinstance(argument, NumberArgument)}
        for argument in method.args:
            if isinstance(argument, JointArgument) and argument.name in angles:
                continue  # written together with its angles
            part = self._one(method, argument, where)
            if part is None:
                return None
            parts.append(part)
        return ' ", " '.join(parts)

    def _one(self, method: Method, argument: Argument, where: Where) -> str | None:
        if isinstance(argument, EnumArgument):
            values = self._states.values(argument, where.state, where.target)
            return self.names(argument.values, values) if values else None
        if isinstance(argument, BoolArgument):
            if argument.only is not None:
                return f'"{argument.only}"'
            if any(isinstance(angles, NumberArgument) and angles.absolute == argument.name for angles in method.args):
                return '"True"'  # changes have calls of their own
            return self._rules.add("bool", '"True" | "False"')
        if isinstance(argument, JointArgument):
            return self.names("joint", list(self._catalogue.joints)) if self._catalogue.joints else None
        if isinstance(argument, TextArgument):
            text = self.text(argument, method)
            return text if argument.shape == "one" else self._rules.add("texts", f'"[" {text} (", " {text}){{0,3}} "]"')
        if argument.joints is not None:
            return self._joint_and_angle(argument)
        return self._number(method, argument, where)

    def names(self, hint: str, values: list[str]) -> str:
        """The rule of one of several names in quotes."""
        return self._rules.add(hint, choice(f'"{value}"' for value in values))

    def text(self, argument: TextArgument, method: Method | None = None) -> str:
        """The rule of a text in quotes, short enough for the method that speaks it."""
        most = min(argument.max_length, _MAX_TEXT)
        if method is not None and method.takes.per_character:
            most = min(most, round(1.1 * _SECONDS / method.takes.per_character))
        forbidden = CONTROL + "".join(rf"\x{ord(character):02X}" for character in sorted({*argument.forbidden, *'"\\'}))
        return self._rules.add("text", rf'"\"" [^{MARKS}{SPACES}{forbidden}] [^{forbidden}]{{0,{most - 1}}} "\""')

    def _number(self, method: Method, argument: NumberArgument, where: Where) -> str:
        assert argument.min is not None  # noqa: S101 (the catalogue has made sure)
        assert argument.max is not None  # noqa: S101
        low, high = argument.min, argument.max
        if argument.unit == "s":
            high = min(high, _SECONDS)
        if argument.times_of is not None:
            low = max(low, self._slowest())
        if argument.name == method.takes.fraction:
            low = max(low, method.takes.seconds / _SECONDS)
        if argument.unit == "m" and argument.axis is not None:
            most = (_REPEATED_WALK if where.repeated else _WALK)[argument.axis]
            low, high = max(low, -most), min(high, most)
        places = 0 if argument.type == "int" else _PLACES
        body = number(low, high, places)
        rule = self._rules.add("number", f"{literal(f'{0:.{min(places, 1)}f}')} | {body}" if argument.or_zero else body)
        if argument.shape == "triple":
            numbers = f'"[" {rule} ", " {rule} ", " {rule} "]"'
            return self._rules.add("triple", f'"[x, y, z]" | {numbers}' if where.known == "place" else numbers)
        branches = [rule]
        if argument.unit == "m" and argument.axis is not None and where.known == "place":
            branches.append(self._rules.add("place", f'"{argument.axis}" (" " [-+] " " {self.small()})?'))
        if argument.unit == "rad" and self._setting.located:
            branches.append(f'"scene.bearing(" {TARGET} ")"')
        if argument.unit == "rad" and self._setting.fronts:
            branches.append(f'"scene.facing(" {WITH_FRONT} ")"')
        return rule if len(branches) == 1 else self._rules.add("value", " | ".join(branches))

    def small(self) -> str:
        """The rule of a length in metres that is added, taken off or compared with."""
        return self._rules.add("small", number(0.0, 2.0, _PLACES))

    def _joint_and_angle(self, argument: NumberArgument) -> str | None:
        """A joint with an angle within its limits, joints of equal limits together."""
        by_limits: dict[tuple[float, float], list[str]] = {}
        coupled = {joint for coupling in self._catalogue.couplings for joint in (coupling.joint, coupling.by)}
        for name in self._offered():
            low, high = self._limits(name)
            if argument.absolute is False:
                if name in coupled:
                    continue  # no grammar can add changes up
                span = self._catalogue.joints[name].max - self._catalogue.joints[name].min
                low, high = -span, span
            by_limits.setdefault((low, high), []).append(f'"{name}"')
        branches = [
            f'{choice(names)} ", " {self._rules.add("angle", number(low, high, _PLACES))}'
            for (low, high), names in by_limits.items()
        ]
        return self._rules.add("joint-angle", " | ".join(branches)) if branches else None

    def _offered(self) -> Iterator[str]:
        """The joints that the model is offered."""
        return (name for pattern in self._catalogue.offered_joints for name in expand(pattern))

    def _slowest(self) -> float:
        """Seconds within which every joint comes from wherever it is to any angle that it may be given."""
        joints = [self._catalogue.joints[name] for name in self._offered()]
        return max(((joint.max - joint.min) / joint.max_velocity for joint in joints), default=0.0)

    def _limits(self, name: str) -> tuple[float, float]:
        """The angles that a joint may be given whatever the joints that it is coupled with are given.

        Of two coupled joints the one goes half as far as it could, and the other as far as it can then.
        """
        joint = self._catalogue.joints[name]
        low, high = joint.min, joint.max
        for coupling in self._catalogue.couplings:
            by = self._catalogue.joints[coupling.by]
            half = max(abs(by.min), abs(by.max)) / 2
            if name == coupling.by:
                low, high = max(low, -half), min(high, half)
            if name == coupling.joint:
                points = [*(at for at, _, _ in coupling.points if at < half), half]
                low = max(low, *(coupling.limits(at)[0] for at in points))
                high = min(high, *(coupling.limits(at)[1] for at in points))
        return low, high
