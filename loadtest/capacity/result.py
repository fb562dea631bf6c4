"""What came of a question, and what it says in words."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtest.bars import NOISY
from loadtest.capacity.check import TOLERANCE, Soak, holds
from loadtest.capacity.model import Answer
from loadtest.capacity.question import Question
from loadtest.capacity.service import Level
from loadtest.comparison.measured import Measured
from loadtest.comparison.resources import GENERATOR_LIMIT

#: Fewer orders than this tell little of a mean, and of a 95th percentile.
_FEW, _FEW_FOR_P95 = 30, 100
#: Means by the chain and by the simulation that lie further apart are told.
_APART = 0.05


@dataclass
class Result:
    """Whatever there is when the report is made."""

    question: Question
    system: Mapping[str, str]
    levels: Sequence[Level] = ()
    #: None if the levels could not be measured, or the run was stopped before.
    answer: Answer | None = None
    soaks: Sequence[Soak] = ()
    #: Every turn that was measured, for what else the machine did.
    turns: list[Measured] = field(default_factory=list)
    #: Why it is not everything, in sentences.
    troubles: list[str] = field(default_factory=list)
    #: The exit status of a process that was told to stop; None if nobody did.
    stopped: int | None = None


def verdicts(result: Result) -> list[str]:
    """The sentences that stand above the figures."""
    question, answer = result.question, result.answer
    if answer is None:
        return ["There is no model: not enough was measured."]
    service = answer.service
    top = max(result.levels, key=lambda one: one.rate)
    carried = "; ".join(
        f"{engines} engine{'s carry' if engines > 1 else ' carries'} {robots} robot{'' if robots == 1 else 's'}"
        for engines, robots in answer.carries.items()
    )
    most = max(answer.carries)
    at_most = [row for row in answer.rows if (row.engines, row.robots) == (most, answer.carries[most])]
    said = [
        f"With {question.think_s:g} s from an answer to the same robot's next order, on average, and "
        f"{question.told()}: {carried}.",
        f"One {question.backend} served up to {top.rate:.2f} orders a second, with {top.at_once} at once; "
        f"{service.slots} are served at a time, and others wait.",
        "Several engines are modelled as separate queues with each order at one drawn at random, which is what the "
        "router does (BACKEND_SPLIT): an order may wait at one engine while another has nothing to do.",
        *(
            f"Router, worker and store have to pass {row.means.throughput:.1f} orders a second on to {most} engines; "
            "the model takes for granted that they can."
            for row in at_most
        ),
        _check_told(result),
    ]
    return said


def _check_told(result: Result) -> str:
    figures = [one for soak in result.soaks for one in soak.figures]
    if not figures:
        why = "" if result.question.soak_s else ": --soak-minutes 0"
        return f"The model was not checked against a soak run{why}. Do not rely on it."
    worst = max(figures, key=lambda one: abs(one.error))
    if holds(result.soaks):
        robots = " and ".join(str(soak.predicted.robots) for soak in result.soaks)
        return (
            f"The model holds: of what was measured with {robots} robots at one engine no figure is more than "
            f"{TOLERANCE:.0%} off (the furthest: {worst.what.split(',')[0]} with {worst.robots} robots, "
            f"{worst.error:+.0%})."
        )
    off = "; ".join(
        f"{one.what.split(',')[0]} with {one.robots} robots was predicted as {one.predicted:.2f} and measured as "
        f"{one.measured:.2f} ({one.error:+.0%})"
        for one in figures
        if not one.within
    )
    return f"The model does not hold within {TOLERANCE:.0%}: {off}."


def cautions(result: Result) -> list[str]:
    """What a reader must know before believing the figures."""
    said = []
    if result.answer is not None:
        if result.answer.service.grows:
            said.append(
                f"Whether an engine serves more with more than {result.levels[-1].at_once} orders at once is not "
                "known, and the model supposes that it does not: measure higher --levels."
            )
        if none := [engines for engines, robots in result.answer.carries.items() if not robots]:
            said.append(f"Not even one robot is served within the objectives by {none[0]} engine(s).")
        said += _of_the_model(result.answer)
    for one in result.levels:
        if one.lost:
            said.append(f"At {one.at_once} at once {one.lost} orders of {one.lost + one.answered} had no answer.")
        if one.answered < _FEW:
            said.append(f"At {one.at_once} at once only {one.answered} orders were answered: --seconds may be short.")
    for soak in result.soaks:
        count, robots = len(soak.measured.e2e_s), soak.predicted.robots
        if soak.measured.lost:
            said.append(f"In the soak with {robots} robots {soak.measured.lost} orders had no answer.")
        if count < _FEW_FOR_P95:
            said.append(f"The soak with {robots} robots has {count} answers: of fewer than 100 p95 says little.")
    limited = [one for one in result.turns if one.usage.generator_cores > GENERATOR_LIMIT]
    if limited:
        where = ", ".join(f"{one.turn.level:g}" for one in limited)
        said.append(f"The load generator used most of a core and may have been the limit itself, with robots: {where}.")
    yardsticks = [one.yardstick_ms for one in result.turns if one.yardstick_ms]
    if yardsticks and statistics.median(yardsticks) > NOISY * min(yardsticks):
        said.append(
            f"The machine was noisy: a fixed piece of work took {min(yardsticks):.0f} ms at best and "
            f"{statistics.median(yardsticks):.0f} in the middle."
        )
    return said


def _of_the_model(answer: Answer) -> list[str]:
    apart = [
        (abs(row.simulated.throughput / row.means.throughput - 1), row) for row in answer.rows if not row.simulated.lost
    ]
    share, row = max(apart, key=lambda pair: pair[0], default=(0.0, None))
    if row is None or share <= _APART:
        return []
    return [
        f"Formula and simulation tell throughputs that differ by up to {share:.0%} ({row.robots} robots, {row.engines} "
        "engines): orders need work that varies otherwise than the formula supposes."
    ]
