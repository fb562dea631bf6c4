"""The calls of a grammar: what a program may write in each state of the robot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from services.behavior.arguments import EnumArgument, NumberArgument, TextArgument
from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import Rules, literal, number
from services.behavior.grammar_arguments import TARGET, WORD, Arguments, Setting, Where
from services.behavior.grammar_learnt_arguments import LearntArguments
from services.behavior.grammar_states import AnyState, States
from services.behavior.methods import Method
from services.behavior.outline import outlines

Kind = Literal["calm", "look", "walk"]
"""What a call does: nothing with places, looking or pointing at one, walking."""


def in_grammar(method: Method) -> bool:
    """Whether a program of the grammar can call a method."""
    return _bounded(method) and (_acts(method) or _tells(method))


def _bounded(method: Method, *, learnt: bool = False) -> bool:
    """Whether a grammar can follow what a call does.

    No walk without an end, no animation that goes on beside the rest, no joint let go, no text by a pattern but for a
    model that has learnt what such texts are.
    """
    if method.walks and method.takes.until_stopped:
        return False
    if not method.blocking and any(isinstance(arg, EnumArgument) and arg.family == "needs" for arg in method.args):
        return False
    return not any(
        (isinstance(argument, TextArgument) and argument.pattern is not None and not learnt)
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
        self._arguments = (LearntArguments if setting.learnt else Arguments)(rules, catalogue, states, setting)
        self._outlines = outlines(catalogue)
        self._made: dict[tuple[object, ...], str | None] = {}

    def acting(self, kind: Kind | None, where: Where) -> str | None:
        """The rule of the calls of a kind that leave the robot as it stands, or None where there are none.

        Without a kind they are those of every kind.
        """
        return self._gathered(
            f"{kind or 'call'}-{where.state}",
            (kind, where),
            (
                (service, method.name, self._arguments.of(method, where))
                for service, method in self._catalogue.calls
                if _bounded(method, learnt=self._setting.learnt)
                and _acts(method)
                and kind in (None, self._kind(method))
                and self._states.allows(method, where.state)
                and not self._states.targets(method, where.state)
                and (not method.walks or self._may_walk(method, repeated=where.repeated))
                and self._arguments.fit(method, where)
            ),
        )

    def changing(self, state: str, target: str) -> str | None:
        """The rule of the calls that bring the robot from one state into another, or None where there are none."""
        where = Where(state, target=target)
        return self._gathered(
            f"to-{target}",
            ("to", where),
            (
                (service, method.name, self._arguments.of(method, where))
                for service, method in self._catalogue.calls
                if _bounded(method, learnt=self._setting.learnt)
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
        by_service: dict[str, dict[str, list[str]]] = {}
        for service, name, arguments in calls:
            if arguments is not None:
                by_service.setdefault(service, {}).setdefault(name, []).append(arguments)
        if not by_service:
            return None
        branches = []
        for service, methods in by_service.items():
            written = " | ".join(_call(name, forms) for name, forms in methods.items())
            branches.append(f"{literal(service + '.')} {self._rules.add(f'{service}-{hint}', written)}")
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
        for call, method in self._telling(state):
            if method.returns == "str":
                enum = method.values
                answer = self._arguments.names(enum, self._catalogue.enums[enum].values) if enum else None
                conditions.append(f'{call} " == " {answer or self._arguments.text(WORD)}')
            elif method.returns == "list[float]":
                conditions.append(f'"min(" {call} ")" {compare} {self._arguments.small()}')
            elif method.returns == "any":
                conditions.append(f"{call} {compare} {self._arguments.small()}")
            elif method.returns == "bool":
                conditions.append(call)
            else:
                conditions.append(f"{call} {compare} {self._rules.add('percent', number(0, 100, 0))}")
        if self._setting.located:
            conditions.append(f'"scene.distance(" {TARGET} ")" {compare} {self._arguments.small()}')
        if located:
            conditions.append(f"[xy] {compare} {self._arguments.small()}")
        return conditions

    def _telling(self, state: str) -> Iterator[tuple[str, Method]]:
        """The calls whose answer a condition can use, each with its method."""
        for service, method in self._catalogue.calls:
            tells = _tells(method) or (self._setting.learnt and method.returns in ("list[float]", "any"))
            if not (_bounded(method, learnt=self._setting.learnt) and tells and self._states.allows(method, state)):
                continue
            arguments = self._arguments.of(method, Where(state))
            if arguments is not None:
                yield _call(f"{service}.{method.name}", [arguments]), method

    def speech(self) -> str | None:
        """What a robot may say when it declines; None for one that cannot speak."""
        for service, method in self._catalogue.calls:
            argument = method.args[0] if len(method.args) == 1 else None
            if method.speech and isinstance(argument, TextArgument) and argument.shape == "one":
                return _call(f"{service}.{method.name}", [self._arguments.text(argument, method)])
        return None


def _call(name: str, forms: list[str]) -> str:
    """A call with one of several forms of its arguments."""
    if forms == [""]:
        return literal(f"{name}()")
    arguments = forms[0] if len(forms) == 1 else f"({' | '.join(forms)})"
    return f'{literal(f"{name}(")} {arguments} ")"'


def every_call(catalogue: Catalogue) -> tuple[str, str, dict[str, str]]:
    """What the programs of all grammars of a robot may call, however it stands and whatever the scene.

    Returns:
        the bodies of a rule of the actions and of one of the conditions, and the rules that they name, by name; those
        of the scene's names are not among them.
    """
    rules, anyhow = Rules(), "any"
    calls = Calls(rules, catalogue, AnyState(catalogue), Setting(located=True, fronts=True, walks=True))
    actions = [calls.acting(kind, Where(anyhow, "place")) for kind in get_args(Kind)]
    condition = calls.condition(anyhow, located=True)
    bodies = dict(line.split(" ::= ", 1) for line in rules.text().splitlines())
    return f"({' | '.join(action for action in actions if action)})", f"({condition})", bodies
