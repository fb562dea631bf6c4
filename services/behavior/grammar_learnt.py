"""The grammar for a model that is fine-tuned for the robot: the forms of programs that it has learnt, and no others.

A program has up to twenty statements, a block counting for one. What changes how the robot stands may come anywhere,
and what follows fits it. Names that are set stand together with what uses them, because after a walk they mean nothing.
A step about a part of the robot does not walk, and the comment of the next one ends it.
"""

from __future__ import annotations

from services.behavior.catalogue import Catalogue
from services.behavior.grammar_arguments import TARGET, Setting, Where
from services.behavior.grammar_learnt_arguments import LearntArguments
from services.behavior.grammar_plan import Grammar
from services.behavior.grammar_states import LIMP

_MAX_STATEMENTS = 20
_IN_BLOCK = 5
_INDENT = '"\\n    "'


class LearntGrammar(Grammar):
    """The wide one, of what fine-tuned models have learnt to write."""

    def __init__(self, catalogue: Catalogue, setting: Setting, start: str, *, pictured: bool) -> None:
        super().__init__(catalogue, setting, start, pictured=pictured)
        self._arguments = LearntArguments(self._rules, catalogue, self._states, setting)

    def _first(self, state: str) -> str:
        return f'"# Step 1: " {self._step(_MAX_STATEMENTS, state)}'

    def _step(self, left: int, state: str) -> str:
        """The rule of what stands behind the number of a step, and of the rest of a program."""

        def body() -> str:
            # The goal stands before the branches, lest an engine follow it in each of them.
            branches = [f'{self._plan()} "\\n" {self._do(left, state)}']
            if (part := self._plan_of_parts()) is not None:
                moved = (f"{done}{self._next(left - 1, after)}" for done, after in self._parts_moved(state))
                branches.append(f'{part} "\\n" ({" | ".join(moved)})')
            return f"{self._phrase()} ({' | '.join(branches)})"

        return self._rules.once(f"step-{left}-{state}", body)

    def _next(self, left: int, state: str) -> str:
        """Perhaps a further step."""
        return f' ("\\n" {self._number()} {self._step(left, state)})?' if left else ""

    def _told(self) -> str:
        """The rule of what stands behind the number of a step."""
        return self._rules.add("told", f'{self._phrase()} {self._plan()} "\\n"')

    def _head(self) -> str:
        """The rule of the comment of a step after the first. Counting is left to the model, which has learnt that."""
        return self._rules.add("head", f"{self._number()} {self._told()}")

    def _number(self) -> str:
        return self._rules.add("number-of-step", '"# Step " ([2-9] | "1" [0-9]) ": "')

    def _do(self, left: int, state: str) -> str:
        """The rule of the rest of a program, of up to so many statements."""

        def body() -> str:
            branches = [f"{self._staying(state)}{self._more(left - 1, state)}"]
            branches += (
                f"{self._changing(state, after)}{self._more(left - 1, after)}" for after in self._reached(state)
            )
            return " | ".join(branches)

        return self._rules.once(f"do-{left}-{state}", body)

    def _more(self, left: int, state: str) -> str:
        if not left:
            return ""
        return " " + self._rules.once(
            f"more-{left}-{state}",
            lambda: f'("\\n" ({self._do(left, state)} | {self._number()} {self._step(left, state)}))?',
        )

    # --- statements --------------------------------------------------------------------------------------------------

    def _staying(self, state: str) -> str:
        """The rule of the statements that leave the robot as it stands."""

        def body() -> str:
            found = [
                self._calls.acting(None, Where(state)),
                self._if(state),
                self._for(state),
                *self._for_values(state),
            ]
            found += [*self._places(state), *self._measured(state, "\\n")]
            return " | ".join(statement for statement in found if statement is not None)

        return self._rules.once(f"stay-{state}", body)

    def _inner(self, state: str, *, repeated: bool = False) -> str:
        """The rule of a line within a block, with the line end before it."""
        calls = [self._calls.acting(None, Where(state, repeated=repeated)), *self._measured(state, "\\n    ")]
        return self._rules.add("line", f"{_INDENT} ({' | '.join(call for call in calls if call is not None)})")

    def _block(self, state: str) -> str:
        return self._rules.add("block", f"{self._inner(state)}{{1,{_IN_BLOCK}}}")

    def _if(self, state: str) -> str | None:
        condition = self._calls.condition(state)
        if condition is None:
            return None
        block = self._block(state)
        return self._rules.add("if", f'"if " {condition} ":" {block} ("\\nelse:" {block})?')

    def _for(self, state: str) -> str:
        line = self._inner(state, repeated=True)
        return self._rules.add(
            "for",
            f'"for i in range(" ([2-6] "):" {line}{{1,{_IN_BLOCK}}} | ([7-9] | "1" [0-2]) "):" {line} {line}?'
            f' | ("1" [3-9] | "20") "):" {line})',
        )

    def _for_values(self, state: str) -> list[str]:
        """Loops over names, angles or notes, each with a call that takes them and perhaps one more."""
        found = []
        for loop in self._arguments.loops():
            call = self._calls.acting(None, Where(state, loop=loop))
            if call is not None:
                listed = f'"for {loop.name} in [" {loop.items} (", " {loop.items}){{1,9}} "]:"'
                body = f"{listed} {_INDENT} {call} {self._inner(state, repeated=True)}?"
                found.append(self._rules.add(f"for-{loop.name}", body))
        return found

    def _measured(self, state: str, end: str) -> list[str]:
        """What a sensor says, told in words."""
        sensed, say = self._arguments.sensed, self._calls.acting(None, Where(state, "distance"))
        return [f'"distance = round(min(" ({" | ".join(sensed)}) "), 1){end}" {say}'] if sensed and say else []

    def _places(self, state: str) -> list[str]:
        """Where things are, and what is done with that."""
        if not self._setting.located:
            return []
        look, walk = (self._calls.acting(kind, Where(state, "place")) for kind in ("look", "walk"))
        middle, way = (self._calls.acting("walk", Where(state, known)) for known in ("middle", "way"))
        found = []
        uses = " | ".join(use for use in (look and f'{look} ("\\n" {look})?', walk) if use)
        if middle:
            uses += f' | "u, v, w = scene.position(" {TARGET} ")\\n" {middle}'
        if uses:
            found.append(self._rules.add("place", f'"x, y, z = scene.position(" {TARGET} ")\\n" ({uses})'))
        if way:
            spoken = self._calls.speech()
            there = f'({self._head()} {spoken} "\\n")? ' if spoken is not None else ""
            back = f'("\\n" {there}{self._head()} {way})?'  # perhaps when something has been said there
            gone = f'"for i in range(" [2-9] "):" {_INDENT} {way} | {way} {back}'
            small = self._arguments.small()
            found.append(self._rules.add("way", f'"way = scene.distance(" {TARGET} ") - " {small} "\\n" ({gone})'))
        return found

    # --- changes of how the robot stands -----------------------------------------------------------------------------

    def _reached(self, state: str) -> list[str]:
        """The states that a statement may lead to that changes how the robot stands."""
        targets = self._states.all_targets(state)
        met = [self._states.meet(state, target) for target in targets]
        return list(dict.fromkeys([*targets, *met, *(self._states.meet(a, b) for a in targets for b in targets)]))

    def _changing(self, state: str, after: str) -> str:
        """The rule of the statements that change how the robot stands, with what they lead to."""

        def body() -> str:
            found = [self._calls.changing(state, after), *self._if_changing(state, after), self._for_changes(after)]
            return " | ".join(statement for statement in found if statement is not None)

        return self._rules.once(f"to-{state}-{after}", body)

    def _if_changing(self, state: str, after: str) -> list[str]:
        condition = self._calls.condition(state)
        if condition is None:
            return []
        changes = {target: self._block_changing(state, target) for target in self._states.all_targets(state)}
        meet, stay, found = self._states.meet, self._block(state), []
        for target, block in changes.items():
            if meet(state, target) == after:
                found += [f'{block} ("\\nelse:" {stay})?', f'{stay} "\\nelse:" {block}']
            found += [f'{block} "\\nelse:" {other}' for to, other in changes.items() if meet(target, to) == after]
        return [f'"if " {condition} ":" ({" | ".join(found)})'] if found else []

    def _block_changing(self, state: str, target: str) -> str:
        lines, after = self._inner(state), self._inner(target)
        change = self._calls.changing(state, target)
        return self._rules.add("block", f"{lines}{{0,2}} {_INDENT} {change} {after}{{0,2}}")

    def _for_changes(self, after: str) -> str | None:
        """A loop of changes, of which each turn may begin in whatever state the one before has led to."""
        last = self._calls.changing(LIMP, after)
        if last is None or after == LIMP:
            return None
        every = [self._calls.changing(LIMP, target) for target in self._states.all_targets(LIMP)]
        change = f"{_INDENT} ({' | '.join(one for one in every if one is not None)})"
        return f'"for i in range(" [2-6] "):" {self._rules.add("change", change)}{{0,2}} {_INDENT} {last}'
