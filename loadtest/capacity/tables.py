"""The report for people, as text: what it says, tables, what it was measured with."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loadtest.capacity.model import Answer
from loadtest.capacity.observed import Observed
from loadtest.capacity.question import Question
from loadtest.capacity.result import Result, cautions, verdicts
from services.training.evaluation.tables import Table

_NONE = "–"
_TIMES = ("E2E p50, s", "E2E p95, s", "TTFA p50, s", "TTFA p95, s", "within both")


def markdown(result: Result) -> str:
    """All of it."""
    lines = ["# How many robots do N engines carry?", ""]
    if result.troubles:
        lines += ["**Partial report: not everything was measured.**", "", *_list(result.troubles), ""]
    lines += ["## What it says", "", *_list(verdicts(result)), ""]
    if warned := cautions(result):
        lines += ["## What to mind", "", *_list(warned), ""]
    if result.answer is not None:
        lines += ["![Charts](capacity.svg)", ""]
    lines += ["## Figures", ""]
    for table in tables(result):
        lines += [table.markdown(), ""]
    lines += ["## Measured on and with", "", *_list([f"{what}: {says}" for what, says in _made_with(result)])]
    return "\n".join(lines) + "\n"


def tables(result: Result) -> list[Table]:
    """All tables; those that have nothing to say left out."""
    found = []
    if result.answer is not None:
        found += [_carries(result.answer, result.question), _robots(result.answer, result.question)]
    found += [_check(result)]
    if result.answer is not None:
        found += [_arrivals(result.answer, result.question)]
    return [table for table in (*found, _levels(result)) if table.rows]


def _carries(answer: Answer, question: Question) -> Table:
    rows = []
    for engines, robots in answer.carries.items():
        each = f"{robots / engines:.1f}"
        if not robots:
            rows.append([str(engines), "0", each, *[_NONE] * 6])
            continue
        row = answer.row(engines, robots)
        means = row.means
        rows.append([
            str(engines), str(robots), each, _short(means.throughput), f"{means.utilisation:.0%}",
            *(_short(row.simulated.percentile(time, percent)) for time in ("e2e", "ttfa") for percent in (50, 95)),
        ])  # fmt: skip
    head = ["engines", "robots carried", "robots an engine", "orders/s", "utilisation", *_TIMES[:4]]
    return Table(f"Robots that engines carry: {question.told()}", head, rows)


def _robots(answer: Answer, question: Question) -> Table:
    rows = [
        [
            str(row.engines), f"{row.robots}{' *' if row.robots == answer.carries[row.engines] else ''}",
            _short(row.means.throughput), f"{row.means.utilisation:.0%}", _short(row.means.present),
            _short(row.means.wait_s), _short(row.means.response_s), *_times(row.simulated, question),
        ]
        for row in answer.rows
    ]  # fmt: skip
    head = ["engines", "robots", "orders/s", "utilisation", "orders there", "wait, s", "E2E mean, s", *_TIMES]
    return Table("Robots × engines; * as many as are carried. Means by formula, the rest simulated", head, rows)


def _arrivals(answer: Answer, question: Question) -> Table:
    rows = [
        [
            _short(one.per_s), f"{one.means.utilisation:.0%}", _short(one.means.present), _short(one.means.wait_s),
            _short(one.means.response_s), f"{one.means.refused:.1%}", *_times(one.simulated, question),
        ]
        for one in answer.arrivals
    ]  # fmt: skip
    head = ["orders/s", "utilisation", "orders there", "wait, s", "E2E mean, s", "refused", *_TIMES]
    return Table("Orders at random (Poisson) at one engine, predicted; N engines take N times as many", head, rows)


def _check(result: Result) -> Table:
    rows = [
        [
            str(one.robots), one.what, f"{one.predicted:.3f}", f"{one.measured:.3f}", f"{one.error:+.1%}",
            "yes" if one.within else "no", str(len(soak.measured.e2e_s)),
        ]
        for soak in result.soaks
        for one in soak.figures
    ]  # fmt: skip
    head = ["robots", "figure", "predicted", "measured", "error", "within 20 %", "orders measured"]
    return Table("The check: one engine and robots that think, predicted and measured", head, rows)


def _levels(result: Result) -> Table:
    rows = [
        [
            str(one.at_once), f"{one.rate:.3f}", f"{one.e2e_s:.3f}", f"{one.first_s.mean():.3f}", str(one.answered),
            str(one.lost),
        ]
        for one in result.levels
    ]  # fmt: skip
    head = ["at once", "orders/s", "E2E mean, s", "TTFA mean, s", "answered", "not answered"]
    return Table("One engine in a closed loop without think time, measured", head, rows)


def _times(observed: Observed | None, question: Question) -> list[str]:
    if observed is None:
        return [_NONE] * len(_TIMES)
    times = [_short(observed.percentile(time, percent)) for time in ("e2e", "ttfa") for percent in (50, 95)]
    return [*times, f"{observed.share_within(question.slos):.1%}"]


def _short(value: float) -> str:
    if math.isnan(value):
        return _NONE
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _made_with(result: Result) -> list[tuple[str, str]]:
    question = result.question
    levels = ", ".join(f"{at_once:g}" for at_once in question.levels)
    return [
        ("traffic", f"mix {question.mix}, seed {question.seed}, durable door"),
        ("measured", f"{levels} at once, {question.seconds:g} s each after {question.warm_up_s:g} s of warm-up"),
        ("soak", f"{question.soak_s / 60:g} min at each number of robots"),
        ("simulated", f"{question.orders} orders for each row, {question.queue_limit} of them there at most"),
        *result.system.items(),
    ]


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {' '.join(line.split())}" for line in lines]
