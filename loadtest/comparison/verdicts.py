"""What the figures say, in words: where each backend is saturated, how many times the other it is, what to mind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtest.comparison.figures import Cell, Figure, ratio
from loadtest.comparison.plan import Plan

#: Less than this is no growth and no fall: the noise between repeats on a quiet machine is about as large.
LEAST_CHANGE = 0.05
#: Answers whose lengths differ by more are not the same work.
_SAME_LENGTH = 0.1

Cells = Mapping[str, Sequence[Cell]]
"""By backend, the levels rising."""


@dataclass(frozen=True)
class Saturation:
    """The level from which a backend gives no more; ``level`` is None if it was not reached.

    It is the lower of two levels, whichever there is:

    - from which on **throughput grows no more**: the lowest whose completed requests a second no higher level exceeds
      by more than 5 %. More load only makes requests wait.
    - from which on **goodput falls**: the one with the most requests that meet the objectives, if a higher one has more
      than 5 % fewer. More load then serves fewer people well, though throughput may still grow.

    The highest level that was measured is never it: nobody knows what lies beyond. 5 % is about what two repeats on the
    same quiet machine differ by. A bend found by fitting a curve would need more levels than people have time for.
    """

    level: float | None
    why: str


def saturation(cells: Sequence[Cell]) -> Saturation:
    """Where one backend is saturated, by its levels in rising order."""
    found = []
    throughput = [cell.rates["requests"].value or 0.0 for cell in cells]
    goodput = [cell.rates["good"].value or 0.0 for cell in cells]
    if not any(throughput):
        return Saturation(None, "nothing was completed")
    for index in range(len(cells) - 1):
        if max(throughput[index + 1 :]) <= (1 + LEAST_CHANGE) * throughput[index]:
            found.append(Saturation(cells[index].level, "throughput grows no more"))
            break
    best = goodput.index(max(goodput)) if goodput else 0
    if goodput and min(goodput[best:]) < (1 - LEAST_CHANGE) * goodput[best]:
        found.append(Saturation(cells[best].level, "goodput falls"))
    return min(found, key=lambda one: one.level or 0.0, default=Saturation(None, "not reached"))


@dataclass(frozen=True)
class Ratio:
    """How many times the ``other``'s figure the ``one``'s is, at one level."""

    one: str
    other: str
    level: float
    what: str
    figure: Figure

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1."""
        low, high = self.figure.low, self.figure.high
        return low is not None and high is not None and not low <= 1.0 <= high


#: What is compared: a name in words, and the figure.
_COMPARED: dict[str, Callable[[Cell], Figure]] = {
    "requests/s": lambda cell: cell.rates["requests"],
    "output tokens/s": lambda cell: cell.rates["tokens"],
    "goodput": lambda cell: cell.rates["good"],
    "TTFT p50": lambda cell: cell.times["ttft"][50],
    "TTFA p50": lambda cell: cell.times["ttfa"][50],
    "TPOT p50": lambda cell: cell.times["tpot"][50],
    "E2E p50": lambda cell: cell.times["e2e"][50],
    "E2E p95": lambda cell: cell.times["e2e"][95],
}


def ratios(cells: Cells) -> list[Ratio]:
    """Every two backends at every level that both have, those without figures left out."""
    found = []
    for one, other in itertools.combinations(cells, 2):
        others = {cell.level: cell for cell in cells[other]}
        for cell in cells[one]:
            if cell.level not in others:
                continue
            for what, of in _COMPARED.items():
                figure = ratio(of(cell), of(others[cell.level]))
                if figure.value is not None:
                    found.append(Ratio(one, other, cell.level, what, figure))
    return found


def verdicts(plan: Plan, cells: Cells, found: Sequence[Ratio]) -> list[str]:
    """The sentences that stand above the figures."""
    said = []
    for level in plan.levels:
        at = f"At {plan.level_told(level)}"
        for one, other in itertools.combinations(plan.backends, 2):
            here = {
                ratio.what: ratio for ratio in found if (ratio.one, ratio.other, ratio.level) == (one, other, level)
            }
            if "requests/s" in here:
                said.append(f"{at}, {_more(here['requests/s'], 'completes')}.")
            if "goodput" in here and here["goodput"].figure.value != here["requests/s"].figure.value:
                said.append(f"{at}, {_more(here['goodput'], 'serves within the objectives')}.")
            if first := here.get("TTFA p50") or here.get("TTFT p50"):
                said.append(f"{at}, {_sooner(first)}.")
    for name, levels in cells.items():
        end = saturation(levels)
        most = max(levels, key=lambda cell: cell.rates["requests"].value or 0.0)
        top = f"{most.rates['requests'].value or 0.0:.2f} requests a second at {plan.level_told(most.level)}"
        if not most.rates["requests"].value:
            said.append(f"{name} completed nothing in the time that counts.")
        elif end.level is None:
            said.append(f"{name} was not saturated at any level that was measured; its most was {top}.")
        else:
            said.append(f"{name} is saturated from {plan.level_told(end.level)} on: {end.why}. Its most was {top}.")
    return said


def _more(found: Ratio, verb: str) -> str:
    if not found.differs:
        what = "requests a second" if found.what == "requests/s" else "requests a second within the objectives"
        return f"this run can tell no difference between {found.one} and {found.other} in {what}: {times(found.figure)}"
    return f"{found.one} {verb} {times(found.figure)} as many requests a second as {found.other}"


def _sooner(found: Ratio) -> str:
    what = {"TTFA p50": "first action", "TTFT p50": "first token"}[found.what]
    if not found.differs:
        pair = f"{found.one} and {found.other}"
        return f"this run can tell no difference between {pair} in the wait for the {what} (p50): {times(found.figure)}"
    return f"the wait for the {what} (p50) with {found.one} is {times(found.figure)} that with {found.other}"


def times(figure: Figure) -> str:
    """A ratio with its interval, such as ``1.80× (1.62 to 2.01)``."""
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}×"
    return f"{figure.value:.2f}× ({figure.low:.2f} to {figure.high:.2f})"


def cautions(plan: Plan, cells: Cells) -> list[str]:
    """What in the figures themselves a reader must know before believing them."""
    said: list[str] = []
    few: list[str] = []
    for name, levels in cells.items():
        for cell in levels:
            where = f"{name} at {plan.level_told(cell.level)}"
            bad = {kind: count for kind, count in cell.outcomes.items() if kind != "completed"}
            if bad:
                said.append(
                    f"{where}: {sum(bad.values())} of {cell.sent} requests were not completed ({_kinds(bad)}); the "
                    f"first trouble: {cell.first_error}"
                )
            if 0 < cell.outcomes["completed"] < 100:
                few.append(f"{where} ({cell.outcomes['completed']})")
            if not cell.rates["requests"].value:
                said.append(
                    f"{where}: no request was completed in the time that counts, for which --seconds may be too short. "
                    f"Of all, with those of the warm-up: {_kinds(cell.all_outcomes)}."
                )
            if len(cell.repeats) < plan.repeats:
                said.append(f"{where}: {len(cell.repeats)} of {plan.repeats} repeats were measured.")
    if few:
        said.append(f"Of fewer than 100 completed requests p99 is the slowest: {', '.join(few)}.")
    for one, other in itertools.combinations(cells, 2):
        lengths = [_length(cells[name]) for name in (one, other)]
        if all(lengths) and abs(lengths[0] - lengths[1]) > _SAME_LENGTH * max(lengths):
            said.append(
                f"{one} writes {lengths[0]:.0f} tokens an answer and {other} {lengths[1]:.0f}: their requests are not "
                "the same work. Output tokens a second and TPOT compare the engines; requests a second and E2E what "
                "robots get."
            )
    return said


def _kinds(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(outcomes.items()))


def _length(cells: Sequence[Cell]) -> float:
    """Tokens of an answer on average over all levels; 0 if unknown."""
    known = [cell.answer_tokens.value for cell in cells if cell.answer_tokens.value]
    return sum(known) / len(known) if known else 0.0
