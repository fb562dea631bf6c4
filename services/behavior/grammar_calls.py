"""The calls of a grammar: what a program may write in each state of the robot."""

from __future__ import annotations

from collections.abc import Iterable
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
from services.behavior.outline import outlines

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
_WORD = TextArgument(name="word", type="str", max_length=20)

Kind = Literal["calm", "look", "walk"]
"""What a call does: nothing with places, looking or pointing at one, walking."""


@dataclass(frozen=True)
class Setting:
    """What of a scene decides about the rules of its grammar, beside the names in it."""

    located: bool
    """There are things with a place."""
    fronts: bool
    """There are things with a front that looks somewhere."""
    walks: bool
    """The battery is good for walking."""


def in_grammar(method: Method) -> bool:
    """Whether a program of the grammar can call a method."""
    return _bounded(method) and (_acts(method) or _tells(method))


def _bounded(method: Method) -> bool:
    """Whether a grammar can follow what a call does: no walk without an end, no joint let go, no text by a pattern."""
    if method.walks and method.takes.until_stopped:
        return False
    return not any(
        (isinstance(argument, TextArgument) and argument.pattern is not None)
        or (isinstance(argument, NumberArgument) and argument.stiffness_of is not None)
        for argument in method.args
    )


def _acts(method: Method) -> bool:
    """Whether it is called for what it does; whether that was done may be left unread."""
    return method.returns == "none" or (method.returns == "bool" and method.effect != "read")


def _tells(method: Method) -> bool:
    """Whether it is called for its answer, which a condition can use."""
    return method.returns in ("int", "float", "str") or (method.returns == "bool" and method.effect == "read")


class Calls:
    """Writes the rules of calls, each once."""

    def __init__(self, rules: Rules, catalogue: Catalogue, states: States, setting: Setting) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._states = states
        self._setting = setting
        self._outlines = outlines(catalogue)
        self._made: dict[tuple[object, ...], str | None] = {}

    def acting(self, kind: Kind, state: str, *, located: bool = False, repeated: bool = False) -> str | None:
        """The rule of the calls of a kind that leave the robot as it stands, or None where there are none.

        Args:
            kind: what they do.
            state: the robot's.
            located: whether x, y and z are set.
            repeated: whether they stand in a loop.
        """
        return self._gathered(
            f"{kind}-{state}",
            (kind, state, located, repeated),
            (
                (service, method.name, self._arguments(method, state, located=located, repeated=repeated))
                for service, method in self._catalogue.calls
                if _bounded(method)
                and _acts(method)
                and self._kind(method) == kind
                and self._states.allows(method, state)
                and not self._states.targets(method, state)
                and (kind != "walk" or self._may_walk(method, repeated=repeated))
            ),
        )

    def changing(self, state: str, target: str) -> str | None:
        """The rule of the calls that bring the robot from one state into another, or None where there are none."""
        return self._gathered(
            f"to-{target}",
            ("to", state, target),
            (
                (service, method.name, self._arguments(method, state, target=target))
                for service, method in self._catalogue.calls
                if _bounded(method)
                and _acts(method)
                and self._states.allows(method, state)
                and target in self._states.targets(method, state)
            ),
        )

    @property
    def to_places(self) -> bool:
        """Whether any call goes, looks or points somewhere that is given in metres."""
        return any(self._outlines[id(method)].place for _, method in self._catalogue.calls if in_grammar(method))

    def _kind(self, method: Method) -> Kind:
        if method.walks:
            return "walk"
        return "look" if self._outlines[id(method)].place else "calm"

    def _may_walk(self, method: Method, *, repeated: bool) -> bool:
        """Whether a walk may be written; one of which nothing says how far it goes is never repeated."""
        return self._setting.walks and (not repeated or self._outlines[id(method)].displacement is not None)

    def _gathered(self, hint: str, key: tuple[object, ...], calls: Iterable[tuple[str, str, str | None]]) -> str | None:
        """Calls gathered by service, so that an engine has fewer branches to follow; looked at once for each key."""
        if key not in self._made:
            self._made[key] = self._gather(hint, calls)
        return self._made[key]

    def _gather(self, hint: str, calls: Iterable[tuple[str, str, str | None]]) -> str | None:
        by_service: dict[str, list[str]] = {}
        for service, name, arguments in calls:
            if arguments is not None:
                by_service.setdefault(service, []).append(f'{literal(name + "(")} {arguments} ")"')
        if not by_service:
            return None
        branches = [
            f"{literal(service + '.')} {self._rules.add(f'{service}-{hint}', ' | '.join(branches))}"
            for service, branches in by_service.items()
        ]
        return self._rules.add(hint, " | ".join(branches))

    def condition(self, state: str, *, located: bool = False) -> str | None:
        """The rule of the conditions, or None where there are none."""
        key = ("if", state, located)
        if key not in self._made:
            conditions = self._conditions(state, located=located)
            self._made[key] = self._rules.add("condition", " | ".join(conditions)) if conditions else None
        return self._made[key]

    def _conditions(self, state: str, *, located: bool) -> list[str]:
        compare = self._rules.add("compare", '" > " | " < "')
        conditions: list[str] = []
        for service, method in self._catalogue.calls:
            if not (_bounded(method) and _tells(method) and self._states.allows(method, state)):
                continue
            arguments = self._arguments(method, state)
            if arguments is None:
                continue
            call = f'{literal(f"{service}.{method.name}(")} {arguments} ")"'
            if not method.args:
                call = literal(f"{service}.{method.name}()")
            if method.returns == "str":
                values = None if method.values is None else self._catalogue.enums[method.values].values
                call += f' " == " {self._names(method.values or "", values) if values else self._text(_WORD)}'
            elif method.returns != "bool":
                call += f" {compare} {self._rules.add('percent', number(0, 100, 0))}"
            conditions.append(call)
        if self._setting.located:
            conditions.append(f'"scene.distance(" {TARGET} ")" {compare} {self._small()}')
        if located:
            conditions.append(f"[xy] {compare} {self._small()}")
        return conditions

    def speech(self) -> str | None:
        """What a robot may say when it declines; None for one that cannot speak."""
        for service, method in self._catalogue.calls:
            if method.speech and [argument.type for argument in method.args] == ["str"]:
                return f'{literal(f"{service}.{method.name}(")} {self._argument(method, method.args[0], "")} ")"'
        return None

    # --- arguments ---------------------------------------------------------------------------------------------------

    def _arguments(
        self,
        method: Method,
        state: str,
        *,
        located: bool = False,
        repeated: bool = False,
        target: str | None = None,
    ) -> str | None:
        """The arguments of a call, or None where there is nothing to give one of them."""
        parts: list[str] = []
        angles = {argument.joints for argument in method.args if isinstance(argument, NumberArgument)}
        for argument in method.args:
            if isinstance(argument, JointArgument) and argument.name in angles:
                continue  # written together with its angles
            part = self._argument(method, argument, state, located=located, repeated=repeated, target=target)
            if part is None:
                return None
            parts.append(part)
        return ' ", " '.join(parts)

    def _argument(
        self,
        method: Method,
        argument: Argument,
        state: str,
        *,
        located: bool = False,
        repeated: bool = False,
        target: str | None = None,
    ) -> str | None:
        if isinstance(argument, EnumArgument):
            values = self._states.values(argument, state, target)
            return self._names(argument.values, values) if values else None
        if isinstance(argument, BoolArgument):
            return self._rules.add("bool", '"True" | "False"')
        if isinstance(argument, JointArgument):
            return self._names("joint", list(self._catalogue.joints)) if self._catalogue.joints else None
        if isinstance(argument, TextArgument):
            text = self._text(argument, method)
            return text if argument.shape == "one" else self._rules.add("texts", f'"[" {text} (", " {text}){{0,3}} "]"')
        if argument.joints is not None:
            return self._joint_and_angle(argument)
        return self._number(method, argument, located=located, repeated=repeated)

    def _names(self, hint: str, values: list[str]) -> str:
        return self._rules.add(hint, choice(f'"{value}"' for value in values))

    def _text(self, argument: TextArgument, method: Method | None = None) -> str:
        most = min(argument.max_length, _MAX_TEXT)
        if method is not None and method.takes.per_character:
            most = min(most, round(1.1 * _SECONDS / method.takes.per_character))
        forbidden = CONTROL + "".join(rf"\x{ord(character):02X}" for character in sorted({*argument.forbidden, *'"\\'}))
        return self._rules.add("text", rf'"\"" [^{MARKS}{SPACES}{forbidden}] [^{forbidden}]{{0,{most - 1}}} "\""')

    def _number(self, method: Method, argument: NumberArgument, *, located: bool, repeated: bool) -> str:
        assert argument.min is not None  # noqa: S101 (the catalogue has made sure)
        assert argument.max is not None  # noqa: S101
        low, high = argument.min, argument.max
        if argument.unit == "s":
            high = min(high, _SECONDS)
        if argument.name == method.takes.fraction:
            low = max(low, method.takes.seconds / _SECONDS)
        if argument.unit == "m" and argument.axis is not None:
            most = (_REPEATED_WALK if repeated else _WALK)[argument.axis]
            low, high = max(low, -most), min(high, most)
        places = 0 if argument.type == "int" else _PLACES
        body = number(low, high, places)
        rule = self._rules.add("number", f"{literal(f'{0:.{min(places, 1)}f}')} | {body}" if argument.or_zero else body)
        if argument.shape == "triple":
            numbers = f'"[" {rule} ", " {rule} ", " {rule} "]"'
            return self._rules.add("triple", f'"[x, y, z]" | {numbers}' if located else numbers)
        branches = [rule]
        if argument.unit == "m" and argument.axis is not None and located:
            branches.append(self._rules.add("place", f'"{argument.axis}" (" " [-+] " " {self._small()})?'))
        if argument.unit == "rad" and self._setting.located:
            branches.append(f'"scene.bearing(" {TARGET} ")"')
        if argument.unit == "rad" and self._setting.fronts:
            branches.append(f'"scene.facing(" {WITH_FRONT} ")"')
        return rule if len(branches) == 1 else self._rules.add("value", " | ".join(branches))

    def _small(self) -> str:
        return self._rules.add("small", number(0.0, 2.0, _PLACES))

    def _joint_and_angle(self, argument: NumberArgument) -> str | None:
        """A joint with an angle within its limits, joints of equal limits together."""
        by_limits: dict[tuple[float, float], list[str]] = {}
        for name in (name for pattern in self._catalogue.offered_joints for name in expand(pattern)):
            low, high = self._limits(name)
            span = self._catalogue.joints[name].max - self._catalogue.joints[name].min
            if argument.absolute is False:
                low, high = -span, span
            elif argument.absolute is not True:
                # Another argument says whether this is an angle or a change: it must do for both.
                low, high = max(low, -span), min(high, span)
            by_limits.setdefault((low, high), []).append(f'"{name}"')
        branches = [
            f'{choice(names)} ", " {self._rules.add("angle", number(low, high, _PLACES))}'
            for (low, high), names in by_limits.items()
        ]
        return self._rules.add("joint-angle", " | ".join(branches)) if branches else None

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
