"""The arguments of the calls that a fine-tuned model writes: in more forms, and still within the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.behavior.arguments import Argument, EnumArgument, NumberArgument, TextArgument
from services.behavior.gbnf import choice, literal
from services.behavior.grammar_arguments import CONTROL, TARGET, WITH_FRONT, Arguments, Loop, Where
from services.behavior.grammar_forms import angle, forms
from services.behavior.methods import Method

#: The longest text, in letters of an alphabet, and in others, each of which is several tokens.
_MAX_TEXT = 160
_MAX_SIGNS = 60
_MAX_TAIL = 60
_MAX_LISTED = 6
_GAP = 3.0
_COLOURS = 0xFFFFFF
#: What the values of a loop are called where their unit says more than the name of the argument.
_CALLED = {"Hz": "note", "rad": "yaw"}
_SIGNS = r"\u2E80-\uD7FF\uE000-\uFFFF"
_ESCAPE = "\\"
_PATTERN = re.compile(r"(\[[^\]\\^]+\]|\\[./-]|[A-Za-z0-9_/-])([+*]?)")


class LearntArguments(Arguments):
    """Numbers reckoned out, lists, texts put together, and loops over values, beside the plain forms."""

    def fit(self, method: Method, where: Where) -> bool:
        """Whether a call can be given what has been set for it."""
        if where.loop is not None:
            return any(map(where.loop.goes_to, method.args))
        if where.known == "distance":
            return method.speech and any(map(_is_text, method.args))
        numbers = [
            argument for argument in method.args if isinstance(argument, NumberArgument) and argument.unit == "m"
        ]
        return not where.known or any(number.axis or number.shape == "triple" for number in numbers)

    def _one(self, method: Method, argument: Argument, where: Where) -> str | None:
        if where.loop is not None and where.loop.goes_to(argument):
            joints = where.loop.joints
            return literal(where.loop.name) if joints is None else f'{joints} ", {where.loop.name}"'
        if isinstance(argument, TextArgument) and argument.pattern is not None:
            return self._patterned(argument.pattern)
        if method.speech and isinstance(argument, TextArgument) and _is_text(argument):
            return self._put_together(argument, where)
        return super()._one(method, argument, where)

    def text(self, argument: TextArgument, method: Method | None = None) -> str:
        """The rule of a text in quotes, short enough to come to an end."""
        forbidden = CONTROL + "".join(rf"\x{ord(character):02X}" for character in sorted({*argument.forbidden, *'"\\'}))
        letters, signs = (f"{{0,{min(argument.max_length, most) - 1}}}" for most in (_MAX_TEXT, _MAX_SIGNS))
        rest = f"[^{forbidden}]"
        return self._rules.add(
            "text", rf'"\"" ([^ {_SIGNS}{forbidden}] {rest}{letters} | [{_SIGNS}] {rest}{signs}) "\""'
        )

    def loops(self) -> Iterator[Loop]:
        """The loops over values of an argument that there may be."""
        found: set[str] = set()
        for _, method in self._catalogue.calls:
            for at, argument in enumerate(method.args):
                loop = self._loop(method, argument, first=at == 0)
                if loop is not None and loop.name not in found:
                    found.add(loop.name)
                    yield loop

    def _loop(self, method: Method, argument: Argument, *, first: bool) -> Loop | None:
        """Over names, over angles, or over the numbers that a call is about."""
        if isinstance(argument, EnumArgument):
            values = self._catalogue.enums[argument.values].values
            if argument.family is not None or argument.key is not None or len(values) == 1:
                return None
            return Loop(argument.name, self.names(argument.values, values), argument)
        if not isinstance(argument, NumberArgument):
            return None
        if argument.joints is not None:
            return self._loop_of_angles(argument) if argument.absolute is True else None
        if not first or argument.shape != "one" or argument.axis is not None:
            return None
        return Loop(_CALLED.get(argument.unit, argument.name), self._number(method, argument, Where("")), argument)

    def _loop_of_angles(self, argument: NumberArgument) -> Loop | None:
        joints = {name: limits for name, limits in self._angles().items() if limits[0] <= -1 and limits[1] >= 1}
        if not joints:
            return None
        low, high = max(low for low, _ in joints.values()), min(high for _, high in joints.values())
        items = self._rules.add("angle", angle(self._rules, low, high))
        return Loop(_CALLED["rad"], items, argument, self.names("joint", list(joints)))

    @property
    def sensed(self) -> list[str]:
        """The calls that tell several distances, or the like, of which the least is taken."""
        return [
            literal(f"{service}.{method.name}()")
            for service, method in self._catalogue.calls
            if method.returns == "list[float]" and not method.args
        ]

    def _put_together(self, argument: TextArgument, where: Where) -> str:
        """A text, or one with a number in it that the robot finds out."""
        text, told = self.text(argument), ['"distance"'] if where.known == "distance" else self._told()
        if not told:
            return text
        tail = self._rules.add("tail", rf'"\"" [^\"\\{CONTROL}]{{1,{_MAX_TAIL}}} "\""')
        number = f'" + str(" ({" | ".join(told)}) ")" (" + " {tail})?'
        return self._rules.add("said", f"{text} {number}" if where.known == "distance" else f"{text} ({number})?")

    def _told(self) -> list[str]:
        """The numbers that a text may tell."""
        calls = [
            literal(f"{service}.{method.name}()")
            for service, method in self._catalogue.calls
            if method.returns in ("int", "float") and not method.args
        ]
        return [*calls, f'"round(scene.distance(" {TARGET} "), 1)"'] if self._setting.located else calls

    def _patterned(self, pattern: str) -> str:
        """A text of a pattern: letters, classes of them, and + or * behind either."""
        parts = _PATTERN.findall(pattern)
        assert "".join(part + times for part, times in parts) == pattern, pattern  # noqa: S101
        body = "".join(
            (f" {part}" if part.startswith("[") else f" {literal(part.removeprefix(_ESCAPE))}")
            + {"": "", "+": "{1,30}", "*": "{0,30}"}[times]
            for part, times in parts
        )
        return self._rules.add("word", rf'"\""{body} "\""')

    def _number(self, method: Method, argument: NumberArgument, where: Where) -> str:
        low, high = argument.min, argument.max
        assert low is not None and high is not None  # noqa: S101, PT018 (the catalogue has made sure)
        if argument.shape == "triple":
            one = self._rules.add("number", forms(self._rules, low, high, argument.unit))
            numbers = f'"[" {one} ", " {one} ", " {one} "]"'
            return self._rules.add("triple", f'"[x, y, z]" | {numbers}' if where.known == "place" else numbers)
        if argument.type == "int":
            return '"0x" [0-9A-F]{6,6}' if high == _COLOURS else super()._number(method, argument, where)
        branches = [forms(self._rules, low, high, argument.unit)]
        if argument.or_zero:
            branches.append('"0" ".0"?')
        if argument.axis is not None and argument.unit == "m":
            branches += self._along(argument.axis, where)
        if argument.unit == "rad" and self._setting.located:
            branches.append(f'"scene.bearing(" {TARGET} ")"')
        if argument.unit == "rad" and self._setting.fronts:
            branches.append(f'"scene.facing(" {WITH_FRONT} ")"')
        return self._rules.add("value", " | ".join(branches))

    def small(self) -> str:
        """The rule of a length in metres that is taken off or compared with."""
        return self._rules.add("small", forms(self._rules, 0.0, _GAP, "m"))

    def _along(self, axis: str, where: Where) -> Iterator[str]:
        """Ways along an axis that depend on where things are."""
        if axis == "x" and self._setting.located:
            yield f'"scene.distance(" {TARGET} ")" (" - " {self.small()} | " / " [2-9])?'
        if where.known == "place":
            yield f'"{axis}" (" " [-+] " " {self.small()})?'
        if where.known == "middle":
            yield {"x": '"(x + u) / 2"', "y": '"(y + v) / 2"'}[axis]
        if where.known == "way" and axis == "x":
            yield '"-"? "way" (" / " [2-9])?'

    def _joint_and_angle(self, argument: NumberArgument) -> str | None:
        """A joint with its angle, a chain with those of its joints, or a list of joints with as many."""
        if argument.absolute is not True or argument.shape != "one_or_list":
            return super()._joint_and_angle(argument)
        limits = self._angles()
        if not limits:
            return None
        groups: dict[tuple[float, float], list[str]] = {}
        for name, span in limits.items():
            groups.setdefault(span, []).append(f'"{name}"')
        rules = {span: self._rules.add("angle", angle(self._rules, *span)) for span in groups}
        branches = [f'{choice(names)} ", " {rules[span]}' for span, names in groups.items()]
        for chain, joints in self._catalogue.chains.items():
            if all(joint in limits for joint in joints):
                angles = ' ", " '.join(rules[limits[joint]] for joint in joints)
                branches.append(rf'"\"{chain}\", [" {angles} "]"')
        return self._rules.add("joint-angle", " | ".join([*branches, f'"[" {self._listed(groups, rules)}']))

    def _listed(self, groups: dict[tuple[float, float], list[str]], rules: dict[tuple[float, float], str]) -> str:
        """Up to some joints with as many angles. Of three and more only the number is followed, not whose each is."""
        any_joint = self._rules.add("joint", choice(name for names in groups.values() for name in names))
        any_angle = self._rules.add(
            "angle", angle(self._rules, min(low for low, _ in groups), max(high for _, high in groups))
        )
        more = ""
        for many in range(_MAX_LISTED, 2, -1):
            angles = ' ", " '.join([any_angle] * many)
            end = f'"], [" {angles} "]"'
            more = self._rules.add("joints", f'{any_joint} ({end} | ", " {more})' if more else f"{any_joint} {end}")
        begun = []
        for span, names in groups.items():
            second = " | ".join(
                f'{choice(others)} ("], [" {rules[span]} ", " {rules[other]} "]" | ", " {more})'
                for other, others in groups.items()
            )
            begun.append(f'{choice(names)} ("], [" {rules[span]} "]" | ", " {self._rules.add("joints", second)})')
        return self._rules.add("joints", " | ".join(begun))

    def _angles(self) -> dict[str, tuple[float, float]]:
        """The limits of every joint but those that the robot stands on."""
        return {name: (joint.min, joint.max) for name, joint in self._catalogue.joints.items() if not joint.carries}


def _is_text(argument: Argument) -> bool:
    return isinstance(argument, TextArgument) and argument.shape == "one" and argument.pattern is None
