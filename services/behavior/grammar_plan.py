"""What the grammars of programs have in common: the refusal, and the plan with its fields."""

from __future__ import annotations

from abc import ABC, abstractmethod

from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import Rules, choice
from services.behavior.grammar_arguments import CONTROL, MARKS, SPACES, TARGET, Setting, Where
from services.behavior.grammar_calls import Calls
from services.behavior.grammar_states import states
from services.behavior.targets import ENDINGS, WORDS

MAX_PHRASE = 60
MAX_STILL = 4
NAME = "name"


class Grammar(ABC):
    """Rules are written when they are first used, so that there are none that cannot be reached."""

    def __init__(self, catalogue: Catalogue, setting: Setting, start: str, *, pictured: bool) -> None:
        self._rules = Rules()
        self._setting = setting
        self._states = states(catalogue)
        self._calls = Calls(self._rules, catalogue, self._states, setting)
        self._start = start
        self._pictured = pictured
        self._known = [*WORDS, *ENDINGS]
        self._parts = catalogue.parts

    def text(self) -> str:
        """The whole grammar, in GBNF."""
        rules = self._rules
        speech = self._calls.speech()
        said = f' ("\\n" {speech})?' if speech is not None else ""
        # The root stands first: readers of grammars expect it there.
        rules.put("root", "refusal | program")
        rules.put("refusal", f'"# Refuse: " {self._phrase()}{said}')
        rules.put("program", self._first(self._start))
        return rules.text()

    @abstractmethod
    def _first(self, state: str) -> str:
        """The first step of the plan, its statements, and perhaps the steps after it."""

    def _phrase(self) -> str:
        # No bar, of either width: it would begin the next field.
        return self._rules.add(
            "phrase", rf"[^{MARKS}{SPACES}{CONTROL}\uFF5C] [^|\uFF5C{CONTROL}]{{0,{MAX_PHRASE - 1}}}"
        )

    def _fields(self) -> str:
        phrase = self._phrase()
        return f'(" | prefer: " {phrase})? (" | avoid: " {phrase})?'

    @property
    def _anywhere(self) -> bool:
        """Whether a step may be about what the scene does not name: it is in the picture, or nothing goes there."""
        return self._pictured or not self._calls.to_places

    def _plan(self) -> str:
        """The rule of the fields of a step, after the goal."""
        add = self._rules.add
        if self._anywhere:
            return add("plan", f'(" | target: " {self._phrase()})? {self._fields()}')
        known = add("known", choice(self._known))
        about = add("about", f'("the ")? ({NAME} | {known})' if self._setting.located else f'("the ")? {known}')
        return add("plan", f'(" | target: " {about})? {self._fields()}')

    def _plan_of_parts(self) -> str | None:
        """The rule of the fields of a step that is about a part of the robot, or None where that is nothing special."""
        if self._anywhere or not self._parts:
            return None
        return self._rules.add("plan-part", f'" | target: " ("the ")? {choice(self._parts)} {self._fields()}')

    def _parts_moved(self, state: str) -> list[tuple[str, str]]:
        """What a step about a part of the robot may do, each with the state it leads to: anything but walk."""
        calm, look = (self._calls.acting(kind, Where(state)) for kind in ("calm", "look"))
        there = self._calls.acting("look", Where(state, "place")) if self._setting.located else None
        ways = [calm, look, there and f'"x, y, z = scene.position(" {TARGET} ")\\n" {there}']
        one = self._rules.add("still", " | ".join(way for way in ways if way is not None))
        moved = [(self._rules.add("stills", f'{one} ("\\n" {one}){{0,{MAX_STILL - 1}}}'), state)]
        changes = [(self._calls.changing(state, after), after) for after in self._states.all_targets(state)]
        return moved + [(change, after) for change, after in changes if change is not None]
