"""A grammar (GBNF) of the programs that a robot's catalogue allows, so that an engine cannot write anything else.

The grammar is narrower than the checks: every program of it is in the subset, calls known methods with the right number
and types of arguments, keeps numbers in range and sets names before it uses them. It follows how the robot stands, so
that no walk comes while it sits and no motion while its motors are off, and it is bounded in every direction: greedy
decoding of a small model comes to an end, and no program of it exceeds the budgets. Only where a walk ends is left to
the checks: that depends on the numbers of the scene.

A step may hold four units of statements, a walk counting for two, a condition for two and a loop for three; what
changes how the robot stands comes first in its step. ``x, y, z`` stand together with what uses them, because after a
walk they mean nothing. A step whose target is neither of the scene nor a word for no thing (``targets.py``) gets no
statements that go, look or point somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import Rules, choice
from services.behavior.grammar_arguments import CONTROL, MARKS, SPACES, TARGET, WITH_FRONT, Setting
from services.behavior.grammar_calls import Calls, in_grammar
from services.behavior.grammar_states import LIMP, OTHER, states
from services.behavior.schema import Scene
from services.behavior.targets import ENDINGS, WORDS

__all__ = ["build_gbnf", "in_grammar"]

MAX_STEPS = 4
MAX_UNITS_IN_STEP = 4
MAX_PHRASE = 60
_NAME = "name"
_EMPTY = Scene()


def build_gbnf(catalogue: Catalogue, scene: Scene = _EMPTY, *, pictured: bool = False) -> str:
    """The grammar, as GBNF text, of programs for one robot.

    Args:
        catalogue: the robot's.
        scene: what it perceives, whose things alone can be named, and how it stands.
        pictured: whether it perceives more than the scene names, in a picture.
    """
    items = [*scene.objects, *scene.people]
    fronts = [item for item in items if item.facing is not None]
    base = catalogue.base
    setting = Setting(
        located=bool(items),
        fronts=bool(fronts),
        walks=base is None or scene.battery is None or scene.battery >= base.least_battery,
    )
    text = _build(catalogue, setting, states(catalogue).start(scene.posture), pictured)
    if items:
        text += f"{TARGET} ::= {_quoted(item.name for item in items)}\n"
        text += f"{_NAME} ::= {choice(item.name for item in items)}\n"
    if fronts:
        text += f"{WITH_FRONT} ::= {_quoted(item.name for item in fronts)}\n"
    return text


def _quoted(names: Iterable[str]) -> str:
    return choice(f'"{name}"' for name in names)


@lru_cache(maxsize=64)
def _build(catalogue: Catalogue, setting: Setting, start: str, pictured: bool) -> str:
    """All rules but those of the scene's names, which are the only ones that differ between requests of one setting."""
    return _Grammar(catalogue, setting, start, pictured=pictured).text()


class _Grammar:
    """Rules are written when they are first used, so that there are none that cannot be reached."""

    def __init__(self, catalogue: Catalogue, setting: Setting, start: str, *, pictured: bool) -> None:
        self._rules = Rules()
        self._setting = setting
        self._states = states(catalogue)
        self._calls = Calls(self._rules, catalogue, self._states, setting)
        self._start = start
        self._pictured = pictured
        self._known = [*WORDS, *ENDINGS, *catalogue.parts]

    def text(self) -> str:
        rules = self._rules
        speech = self._calls.speech()
        said = f' ("\\n" {speech})?' if speech is not None else ""
        # The root stands first: readers of grammars expect it there.
        rules.put("root", "refusal | program")
        rules.put("refusal", f'"# Refuse: " {self._phrase()}{said}')
        rules.put("program", self._step(1, self._start))
        return rules.text()

    # --- steps -------------------------------------------------------------------------------------------------------

    def _phrase(self) -> str:
        # No bar, of either width: it would begin the next field.
        return self._rules.add(
            "phrase", rf"[^{MARKS}{SPACES}{CONTROL}\uFF5C] [^|\uFF5C{CONTROL}]{{0,{MAX_PHRASE - 1}}}"
        )

    def _plan(self) -> tuple[str, str | None]:
        """The fields of a step that may go to places, and of one that may not, after the goal."""
        phrase, add = self._phrase(), self._rules.add
        rest = f'(" | prefer: " {phrase})? (" | avoid: " {phrase})?'
        if self._pictured or not self._calls.to_places:
            return add("plan", f'(" | target: " {phrase})? {rest}'), None
        known = add("known", choice(self._known))
        about = add("about", f'("the ")? ({_NAME} | {known})' if self._setting.located else f'("the ")? {known}')
        return add("plan", f'(" | target: " {about})? {rest}'), add("plan-elsewhere", f'" | target: " {phrase} {rest}')

    def _step(self, step: int, state: str) -> str:
        """The rule of a step of the plan: its comment, its statements, and perhaps the steps after it."""

        def body() -> str:
            plan, elsewhere = self._plan()
            bodies = [f"{self._body(MAX_UNITS_IN_STEP, state)}{self._next(step, state)}"]
            bodies += (f"{opening}{self._next(step, after)}" for opening, after in self._openings(state))
            steps = f'{plan} "\\n" ({" | ".join(bodies)})'
            if elsewhere is not None:
                calm = self._calls.acting("calm", state)
                again = f'("\\n" {calm}){{0,{MAX_UNITS_IN_STEP - 1}}}'
                steps += f' | {elsewhere} "\\n" {calm} {again}{self._next(step, state)}'
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
            (self._calls.acting("calm", state), 1),
            (self._calls.acting("look", state), 1),
            (self._calls.acting("walk", state), 2),
            (self._if(state), 2),
            (self._loop(state), 3),
            (self._place(state), 3),
        ]
        return [(rule, units) for rule, units in found if rule is not None]

    def _inner(self, state: str) -> str:
        """A statement within a block: a call that is no walk."""
        calls = [self._calls.acting(kind, state) for kind in ("calm", "look")]
        return self._rules.add("inner", f'"\\n    " ({" | ".join(call for call in calls if call is not None)})')

    def _if(self, state: str) -> str | None:
        condition = self._calls.condition(state)
        if condition is None:
            return None
        inner, walk = self._inner(state), self._calls.acting("walk", state)
        branch = f"{inner} ({inner})?"
        if walk is not None:
            branch = self._rules.add("branch", f'{branch} | ({inner})? "\\n    " {walk} ({inner})?')
        return self._rules.add("if", f'"if " {condition} ":" {branch} ("\\nelse:" {branch})?')

    def _loop(self, state: str) -> str:
        """Loops of twelve calls at most; of them short walks and one other call with each."""
        inner, walk = self._inner(state), self._calls.acting("walk", state, repeated=True)
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
        look, walk = (self._calls.acting(kind, state, located=True) for kind in ("look", "walk"))
        uses = " | ".join(use for use in (walk, look) if use is not None)
        if not uses:
            return None
        condition = self._calls.condition(state, located=True)
        block = f'"if " {condition} ":\\n    " ({uses}) ("\\nelse:" {self._inner(state)})?'
        first = f'({look} "\\n")? ' if look is not None else ""
        return self._rules.add("place", f'"x, y, z = scene.position(" {TARGET} ")\\n" {first}({uses} | {block})')
