"""What the grammars of programs have in common: the refusal, and the plan with its fields."""

from __future__ import annotations

from abc import ABC, abstractmethod

from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import Rules, choice
from services.behavior.grammar_arguments import CONTROL, MARKS, SPACES, Setting
from services.behavior.grammar_calls import Calls
from services.behavior.grammar_states import states
from services.behavior.targets import ENDINGS, WORDS

MAX_PHRASE = 60
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
        self._known = [*WORDS, *ENDINGS, *catalogue.parts]

    def text(self) -> str:
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

    def _plan(self) -> tuple[str, str | None]:
        """The fields of a step that may go to places, and of one that may not, after the goal."""
        phrase, add = self._phrase(), self._rules.add
        rest = f'(" | prefer: " {phrase})? (" | avoid: " {phrase})?'
        if self._pictured or not self._calls.to_places:
            return add("plan", f'(" | target: " {phrase})? {rest}'), None
        known = add("known", choice(self._known))
        about = add("about", f'("the ")? ({NAME} | {known})' if self._setting.located else f'("the ")? {known}')
        return add("plan", f'(" | target: " {about})? {rest}'), add("plan-elsewhere", f'" | target: " {phrase} {rest}')
