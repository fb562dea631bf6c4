"""The search: every factor by itself, then what helped together; each step is kept as soon as it is done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtest.comparison.plan import Plan
from loadtest.comparison.run import TURNS, Run, play, read_run
from loadtest.comparison.targets import Target
from loadtest.tuning.effects import Effect, Value, best, effects
from loadtest.tuning.right import NotEvaluated
from loadtest.tuning.space import Choice, Factor, together
from services.training.machine import commit

NOW = "as it is"
ALL = "all that helped"
_STEP = "step.json"

#: Has a target up for choices by name.
Up = Callable[[Mapping[str, Choice]], AbstractContextManager[Target]]
#: The share of right answers with some settings, its report in the folder.
Right = Callable[[Mapping[str, str], Path], Value]


class Stopped(Exception):
    """The search cannot go on or was told to stop; what was found is kept. ``status`` is that of the process."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Step:
    """One comparison of the search, as it is kept."""

    name: str
    about: str
    #: What the others are beside.
    now: str
    #: What is kept.
    kept: str
    effects: Sequence[Effect]
    #: Of the code that measured it.
    commit: str
    #: A fixed piece of work around each turn: what else the machine did.
    yardsticks_ms: Sequence[float]
    #: Why a part of it is missing.
    troubles: Sequence[str] = ()
    #: Why what was faster is not kept.
    remark: str = ""
    #: Share of right answers, by choice, where it was asked for.
    right: Mapping[str, Value] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class Study:
    """A search in a folder; what was measured there already with the same plan is not measured again.

    Args:
        folder: gets a folder for each step, with every turn's records and, once it is whole, ``asked.json``.
        plan: how each step is measured; its ``backends`` are those of the step.
        up: has what is measured up.
        right: how many answers are right, or None if nobody is to ask.
        say: is told what goes on.
    """

    def __init__(self, folder: Path, plan: Callable[[Sequence[str]], Plan], up: Up, right: Right | None,
                 say: Callable[[str], None]) -> None:  # fmt: skip
        self._folder, self._plan, self._up, self._right, self._say = folder, plan, up, right, say

    def factor(self, factor: Factor) -> Step:
        """Measure the choices of a factor beside what it is now, and say which is kept. Raises Stopped, TargetGone."""
        choices = {choice.name: choice for choice in factor.choices}

        def judge(step: Step) -> Step:
            if step.kept == step.now:
                return step
            if factor.told_only:
                return replace(step, kept=step.now)
            return self._judged(step, choices) if factor.answers else step

        return self._step(factor.name, factor.about, choices, factor.now.name, judge)

    def all(self, factors: Sequence[Factor], steps: Sequence[Step]) -> tuple[Choice, Step | None]:
        """Everything that is kept, as one choice, and what it is worth beside what there was; None: nothing changed."""
        kept = [
            choice
            for factor, step in zip(factors, steps, strict=True)
            for choice in factor.choices
            if choice.name == step.kept and step.kept != step.now
        ]
        whole = together(kept, ALL)
        if not kept:
            return whole, None
        about = "everything that helped by itself, beside none of it"
        return whole, self._step("together", about, {NOW: Choice(NOW), ALL: whole}, NOW)

    def beside(self, name: str, about: str, choices: Mapping[str, Choice], now: str) -> Step:
        """Measure some choices beside one of them."""
        return self._step(name, about, choices, now)

    def right(self, name: str, settings: Mapping[str, str]) -> Value | None:
        """The share of right answers with some settings; None if nobody asks or it could not be told."""
        if self._right is None:
            return None
        self._say(f"{name}: how many answers are right")
        try:
            told = " ".join(f"{variable} {value}" for variable, value in settings.items())
            return self._right(settings, self._folder / _slug(f"right {told}"))
        except NotEvaluated as reason:
            self._say(str(reason))
            return None

    def _judged(self, step: Step, choices: Mapping[str, Choice]) -> Step:
        """What is faster is kept only if it is not wrong more often than chance would have it."""
        if self._right is None:
            remark = f"{step.kept} is faster, but nobody has asked how many of its answers are right"
            return replace(step, kept=step.now, remark=remark)
        found = {name: self.right(f"{step.name}: {name}", choices[name].settings) for name in (step.now, step.kept)}
        right = {name: value for name, value in found.items() if value is not None}
        now, other = right.get(step.now), right.get(step.kept)
        if now and other and (other.value or 0.0) >= (now.low or 0.0):
            return replace(step, right=right)
        remark = f"{step.kept} is faster, but fewer of its answers are right"
        return replace(step, kept=step.now, right=right, remark=remark)

    def _step(
        self,
        name: str,
        about: str,
        choices: Mapping[str, Choice],
        now: str,
        judge: Callable[[Step], Step] = lambda step: step,
    ) -> Step:
        plan = self._plan(tuple(choices))
        folder = self._folder / _slug(name)
        asked = json.loads(
            json.dumps({"plan": asdict(plan), "choices": {one: asdict(choices[one]) for one in choices}})
        )
        if (before := _read(plan, folder, asked)) is not None:
            run, by = before
            self._say(f"{name}: measured before")
        else:
            self._say(f"{name}: {about}")
            run = self._measured(plan, folder, choices)
            by = commit() or "unknown"
            note = {"asked": asked, "troubles": run.troubles, "commit": by}
            text = json.dumps(note, ensure_ascii=False, indent=1)
            (folder / _STEP).write_text(text + "\n", encoding="utf-8")
        found = effects(run, now)
        yardsticks = [turn.yardstick_ms for turn in run.turns]
        step = judge(Step(name, about, now, best(found, now), found, by, yardsticks, run.troubles))
        self._say(f"{name}: {step.kept} is kept")
        return step

    def _measured(self, plan: Plan, folder: Path, choices: Mapping[str, Choice]) -> Run:
        """All of a plan. A choice that was given up is one less; anything else that went wrong raises Stopped."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TURNS).unlink(missing_ok=True)
        with self._up(choices) as target:
            run = play(plan, target, folder, self._say)
        if run.stopped is not None:
            raise Stopped(run.troubles[-1], run.stopped)
        if ended := [trouble for trouble in run.troubles if trouble.startswith("The run ended early")]:
            raise Stopped(ended[0], 1)
        return run


def _read(plan: Plan, folder: Path, asked: Mapping[str, Any]) -> tuple[Run, str] | None:
    """What a folder has of a plan and by which commit, if it is whole and was measured as is asked for now."""
    try:
        document = json.loads((folder / _STEP).read_text(encoding="utf-8"))
        if document["asked"] != asked:
            return None
        run = read_run(plan, folder)
        run.troubles += document["troubles"]
        return run, document["commit"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
