"""A grammar (GBNF) of the programs that a robot's catalogue allows, so that an engine cannot write anything else.

The grammar is narrower than the checks: every program of it is in the subset, calls known methods with the right number
and types of arguments, keeps written-out numbers in range and sets names before it uses them. What no grammar can tell
is left to the checks (where ``x - 0.25`` lands, coupled joints). It is bounded in every direction, so that greedy
decoding of a small model comes to an end.

Left out are methods whose value a program would have to keep (``getAngles``) and those whose text has a pattern. All
others are in it: a third more of them costs llama.cpp nothing that could be measured.
"""

from __future__ import annotations

from functools import lru_cache

from services.behavior.catalogue import (
    Argument,
    BoolArgument,
    Catalogue,
    EnumArgument,
    JointArgument,
    Method,
    NumberArgument,
    TextArgument,
    expand,
)
from services.behavior.gbnf import Rules, choice, literal, number
from services.behavior.schema import Scene

MAX_STEPS = 4
MAX_STATEMENTS_IN_STEP = 4
MAX_PHRASE = 60
MAX_TEXT = 160
_PLACES = 2
_CONTROL = r"\x00-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069"
_SPACES = r" \xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
# A small model that begins a text with a mark goes on with marks to the end.
_MARKS = r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"
_TARGET = "target"
_WORD = TextArgument(name="word", type="str", max_length=20)
_EMPTY = Scene()


def in_grammar(method: Method) -> bool:
    """Whether a program of the grammar can call a method."""
    return _bounded(method) and (_acts(method) or _tells(method))


def _bounded(method: Method) -> bool:
    return not any(isinstance(argument, TextArgument) and argument.pattern is not None for argument in method.args)


def _acts(method: Method) -> bool:
    """Whether it is called for what it does; whether that was done may be left unread."""
    return method.returns == "none" or (method.returns == "bool" and method.effect != "read")


def _tells(method: Method) -> bool:
    """Whether it is called for its answer, which a condition can use."""
    return method.returns in ("int", "float", "str") or (method.returns == "bool" and method.effect == "read")


def build_gbnf(catalogue: Catalogue, scene: Scene = _EMPTY) -> str:
    """The grammar of programs for one robot; things of the scene can be named only when the scene has them."""
    names = [f'"{item.name}"' for item in [*scene.objects, *scene.people]]
    if not names:
        return _build(catalogue, located=False)
    return f"{_build(catalogue, located=True)}{_TARGET} ::= {choice(names)}\n"


@lru_cache(maxsize=64)
def _build(catalogue: Catalogue, *, located: bool) -> str:
    """All rules but that of the scene's names, which is the only one that differs between requests."""
    return _Grammar(catalogue, located=located).text()


class _Grammar:
    def __init__(self, catalogue: Catalogue, *, located: bool) -> None:
        self._catalogue = catalogue
        self._rules = Rules()
        self._located = located
        # Programs are read from left to right in two states: before and after x, y, z are set.
        self._states = ("plain", "located") if located else ("plain",)

    def text(self) -> str:
        rules = self._rules
        rules.put("root", "refusal | step-1-plain")
        phrase = rules.add("phrase", rf"[^{_MARKS}{_SPACES}{_CONTROL}] [^|{_CONTROL}]{{0,{MAX_PHRASE - 1}}}")
        fields = " ".join(f'(" | {field}: " {phrase})?' for field in ("target", "prefer", "avoid"))
        rules.put("plan", f"{phrase} {fields}")
        rules.put("refusal", f'"# Refuse: " {phrase} ("\\n" {self._speech()})?')
        for state in self._states:
            rules.put(f"statement-{state}", " | ".join(self._statements(state)))
        if self._located:
            rules.put("locate", f'"x, y, z = scene.position(" {_TARGET} ")"')
        for state in self._states:
            for step in range(1, MAX_STEPS + 1):
                self._step(step, state)
        return rules.text()

    def _step(self, step: int, state: str) -> None:
        """Rules of one plan step: its comment, then 1 to so many statements, then perhaps the next step."""
        put = self._rules.put
        put(f"step-{step}-{state}", f'"# Step {step}: " plan "\\n" body-{step}-{MAX_STATEMENTS_IN_STEP}-{state}')
        for left in range(1, MAX_STATEMENTS_IN_STEP + 1):
            following = []
            if left > 1:
                following.append(f"body-{step}-{left - 1}-{state}")
            if step < MAX_STEPS:
                following.append(f"step-{step + 1}-{state}")
            tail = f' ("\\n" ({" | ".join(following)}))?' if following else ""
            body = f"statement-{state}{tail}"
            if self._located and left > 1:
                body += f' | locate "\\n" body-{step}-{left - 1}-located'
            put(f"body-{step}-{left}-{state}", body)

    def _statements(self, state: str) -> list[str]:
        action = self._rules.add(f"action-{state}", " | ".join(self._actions(state)))
        inner = f'"\\n    " {action}'
        conditions = self._conditions(state)
        statements = [action, f'"for i in range(" ([2-9] | "10") "):" {inner} ({inner} ({inner})?)?']
        if conditions:
            condition = self._rules.add(f"condition-{state}", " | ".join(conditions))
            statements.append(f'"if " {condition} ":" {inner} ({inner})? ("\\nelse:" {inner} ({inner})?)?')
        return statements

    def _actions(self, state: str) -> list[str]:
        """Calls that act, gathered by service so that an engine has fewer branches to follow."""
        by_service: dict[str, list[str]] = {}
        for service, method in self._catalogue.calls:
            if _bounded(method) and _acts(method):
                call = f'{literal(method.name + "(")} {self._arguments(method, state)} ")"'
                by_service.setdefault(service, []).append(call)
        return [
            f"{literal(service + '.')} {self._rules.add(f'{service}-{state}', ' | '.join(calls))}"
            for service, calls in by_service.items()
        ]

    def _arguments(self, method: Method, state: str) -> str:
        parts: list[str] = []
        names = {argument.name: argument for argument in method.args}
        angles = {argument.joints for argument in method.args if isinstance(argument, NumberArgument)}
        for argument in method.args:
            if isinstance(argument, JointArgument) and argument.name in angles:
                continue  # written together with its angles
            if isinstance(argument, NumberArgument) and argument.joints in names:
                parts.append(self._joint_and_angle(argument))
            else:
                parts.append(self._argument(argument, state))
        return ' ", " '.join(parts)

    def _argument(self, argument: Argument, state: str) -> str:
        add = self._rules.add
        if isinstance(argument, EnumArgument):
            return self._value(argument.values)
        if isinstance(argument, BoolArgument):
            return add("bool", '"True" | "False"')
        if isinstance(argument, JointArgument):
            return add("joint", choice(f'"{joint}"' for joint in self._catalogue.joints))
        if isinstance(argument, TextArgument):
            text = self._text(argument)
            return text if argument.shape == "one" else add("texts", f'"[" {text} (", " {text}){{0,3}} "]"')
        return self._number(argument, state)

    def _value(self, enum: str) -> str:
        values = self._catalogue.enums[enum].values
        return self._rules.add(enum, choice(f'"{value}"' for value in values))

    def _text(self, argument: TextArgument) -> str:
        forbidden = _CONTROL + "".join(
            rf"\x{ord(character):02X}" for character in sorted({*argument.forbidden, *'"\\'})
        )
        most = min(argument.max_length, MAX_TEXT)
        return self._rules.add("text", rf'"\"" [^{_MARKS}{_SPACES}{forbidden}] [^{forbidden}]{{0,{most - 1}}} "\""')

    def _number(self, argument: NumberArgument, state: str) -> str:
        assert argument.min is not None  # noqa: S101 (the catalogue has made sure)
        assert argument.max is not None  # noqa: S101
        places = 0 if argument.type == "int" else _PLACES
        body = number(argument.min, argument.max, places)
        rule = self._rules.add("number", f"{literal(f'{0:.{min(places, 1)}f}')} | {body}" if argument.or_zero else body)
        if argument.shape == "triple":
            numbers = f'"[" {rule} ", " {rule} ", " {rule} "]"'
            return self._rules.add("triple", f'"[x, y, z]" | {numbers}' if state == "located" else numbers)
        branches = [rule]
        if argument.unit == "m" and state == "located":
            branches.append(self._rules.add("place", f'[xyz] (" " [-+*] " " {self._small()})?'))
        if argument.unit == "rad" and self._located:
            branches.append(f'"scene.bearing(" {_TARGET} ")"')
        return rule if len(branches) == 1 else self._rules.add("value", " | ".join(branches))

    def _small(self) -> str:
        return self._rules.add("small", number(0.0, 2.0, _PLACES))

    def _joint_and_angle(self, argument: NumberArgument) -> str:
        """A joint with an angle within its limits, joints of equal limits together."""
        by_limits: dict[tuple[float, float], list[str]] = {}
        for name in (name for pattern in self._catalogue.offered_joints for name in expand(pattern)):
            joint = self._catalogue.joints[name]
            low, high, span = joint.min, joint.max, joint.max - joint.min
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
        return self._rules.add("joint-angle", " | ".join(branches))

    def _conditions(self, state: str) -> list[str]:
        compare = self._rules.add("compare", '" > " | " < "')
        conditions: list[str] = []
        for service, method in self._catalogue.calls:
            if not (_bounded(method) and _tells(method)):
                continue
            call = literal(f"{service}.{method.name}()")
            if method.args:
                call = f'{literal(f"{service}.{method.name}(")} {self._arguments(method, state)} ")"'
            if method.returns == "str":
                call += f' " == " {self._value(method.values) if method.values else self._text(_WORD)}'
            elif method.returns != "bool":
                call += f" {compare} {self._rules.add('percent', number(0, 100, 0))}"
            conditions.append(call)
        if self._located:
            conditions.append(f'"scene.distance(" {_TARGET} ")" {compare} {self._small()}')
        if state == "located":
            conditions.append(f"[xyz] {compare} {self._small()}")
        return conditions

    def _speech(self) -> str:
        """What a robot may say when it declines."""
        for service, method in self._catalogue.calls:
            if method.speech and [argument.type for argument in method.args] == ["str"]:
                return f'{literal(f"{service}.{method.name}(")} {self._argument(method.args[0], "plain")} ")"'
        raise ValueError(f"the catalogue of {self._catalogue.name} has no method to speak with")
