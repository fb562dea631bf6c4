"""The grammar for a model that is shown the robot's API: one way to do each thing, for models that know nothing else.

A step may hold four units of statements, a walk counting for two, a condition for two and a loop for three; what
changes how the robot stands comes first in its step. ``x, y, z`` stand together with what uses them, because after a
walk they mean nothing. A step whose target is neither of the scene nor a word for no thing (``targets.py``) gets no
statements that go, look or point somewhere; one about a part of the robot none that go. No program of it exceeds the
budgets.
"""

from __future__ import annotations

from services.behavior.grammar_arguments import TARGET, Where
from services.behavior.grammar_plan import Grammar
from services.behavior.grammar_states import LIMP, OTHER

MAX_STEPS = 4
MAX_UNITS_IN_STEP = 4


class ShownGrammar(Grammar):
    """The narrow one, of what the prompt shows to a model that knows nothing of the robot."""

    def _first(self, state: str) -> str:
        return self._step(1, state)

    def _step(self, step: int, state: str) -> str:
        """The rule of a step of the plan: its comment, its statements, and perhaps the steps after it."""

        def body() -> str:
            bodies = [f"{self._body(MAX_UNITS_IN_STEP, state)}{self._next(step, state)}"]
            bodies += (f"{opening}{self._next(step, after)}" for opening, after in self._openings(state))
            steps = f'{self._plan()} "\\n" ({" | ".join(bodies)})'
            if not self._anywhere:
                elsewhere = self._rules.add("plan-elsewhere", f'" | target: " {self._phrase()} {self._fields()}')
                calm = self._calls.acting("calm", Where(state))
                again = f'("\\n" {calm}){{0,{MAX_UNITS_IN_STEP - 1}}}'
                steps += f' | {elsewhere} "\\n" {calm} {again}{self._next(step, state)}'
            if (part := self._plan_of_parts()) is not None:
                moved = (f"{done}{self._next(step, after)}" for done, after in self._parts_moved(state))
                steps += f' | {part} "\\n" ({" | ".join(moved)})'
            return f'"# Step {step}: " {self._phrase()} ({steps})'

        return self._rules.once(f"step-{step}-{state}", body)

    def _next(self, step: int, state: str) -> str:
        return f' ("\\n" {self._step(step + 1, state)})?' if step < MAX_STEPS else ""

    def _openings(self, state: str) -> list[tuple[str, str]]:
        """How a step may begin that changes how the robot stands, each with the state of the rest of it."""
        openings: dict[str, list[str]] = {}
        condition = self._calls.condition(state)
        for target in self._states.all_targets(state):
            change = self._calls.changing(state, target)
            if change is None:
                continue
            openings.setdefault(target, []).append(f'{change} ("\\n" {self._body(3, target)})?')
            if condition is not None and target != state:
                after = self._states.meet(state, target)
                block = f'({self._inner(state)})? "\\n    " {change} ("\\nelse:" {self._inner(state)})?'
                openings.setdefault(after, []).append(f'"if " {condition} ":" {block} ("\\n" {self._body(2, after)})?')
        if (loop := self._loop_of_changes(state)) is not None:
            openings.setdefault(OTHER, []).append(loop)
        return [(self._rules.add(f"to-{after}", " | ".join(forms)), after) for after, forms in openings.items()]

    def _body(self, left: int, state: str) -> str:
        """The rule of statements that leave the robot as it stands, of ``left`` units at most."""

        def body() -> str:
            return " | ".join(
                f'{statement} ("\\n" {self._body(left - units, state)})?' if left > units else statement
                for statement, units in self._statements(state)
                if units <= left
            )

        return self._rules.once(f"body-{left}-{state}", body)

    # --- statements --------------------------------------------------------------------------------------------------

    def _statements(self, state: str) -> list[tuple[str, int]]:
        """The statements that leave the robot as it stands, with their units."""
        found = [
            (self._calls.acting("calm", Where(state)), 1),
            (self._calls.acting("look", Where(state)), 1),
            (self._calls.acting("walk", Where(state)), 2),
            (self._if(state), 2),
            (self._loop(state), 3),
            (self._place(state), 3),
        ]
        return [(rule, units) for rule, units in found if rule is not None]

    def _inner(self, state: str) -> str:
        """A statement within a block: a call that is no walk."""
        calls = [self._calls.acting(kind, Where(state)) for kind in ("calm", "look")]
        return self._rules.add("inner", f'"\\n    " ({" | ".join(call for call in calls if call is not None)})')

    def _if(self, state: str) -> str | None:
        condition = self._calls.condition(state)
        if condition is None:
            return None
        inner, walk = self._inner(state), self._calls.acting("walk", Where(state))
        branch = f"{inner} ({inner})?"
        if walk is not None:
            branch = self._rules.add("branch", f'{branch} | ({inner})? "\\n    " {walk} ({inner})?')
        return self._rules.add("if", f'"if " {condition} ":" {branch} ("\\nelse:" {branch})?')

    def _loop(self, state: str) -> str:
        """Loops of twelve calls at most; of them short walks and one other call with each."""
        inner, walk = self._inner(state), self._calls.acting("walk", Where(state, repeated=True))
        loops = [f'([2-9] | "10") "):" {inner}', f'[2-6] "):" {inner} {inner}', f'[2-4] "):" {inner} {inner} {inner}']
        if walk is not None:
            step = f'"\\n    " {walk}'
            loops.append(f'[2-6] "):" {step} ({step} | {inner})?')
        return self._rules.add("for", f'"for i in range(" ({" | ".join(loops)})')

    def _loop_of_changes(self, state: str) -> str | None:
        """A loop that changes how the robot stands, with what may be done in any posture between."""
        targets = [target for target in self._states.all_targets(state) if target != LIMP]
        changes = [change for target in targets if (change := self._calls.changing(LIMP, target)) is not None]
        if not changes or targets == [state]:
            return None
        change = f'"\\n    " ({" | ".join(changes)})'
        return self._rules.add(
            "for-changes", f'"for i in range(" [2-4] "):" {change} ({change} | {self._inner(LIMP)})?'
        )

    def _place(self, state: str) -> str | None:
        """Where a thing is, and what is done with that."""
        if not self._setting.located:
            return None
        look, walk = (self._calls.acting(kind, Where(state, "place")) for kind in ("look", "walk"))
        uses = " | ".join(use for use in (walk, look) if use is not None)
        if not uses:
            return None
        condition = self._calls.condition(state, located=True)
        block = f'"if " {condition} ":\\n    " ({uses}) ("\\nelse:" {self._inner(state)})?'
        first = f'({look} "\\n")? ' if look is not None else ""
        return self._rules.add("place", f'"x, y, z = scene.position(" {TARGET} ")\\n" {first}({uses} | {block})')
