"""The figures as tables, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtest.comparison.figures import PERCENTILES, Figure
from loadtest.comparison.summary import Row, Summary
from loadtest.comparison.verdicts import times
from services.training.evaluation.tables import Table

_NONE = "–"
_TIMES = {
    "ttft": "TTFT, time to first token, ms",
    "ttfa": "TTFA, time to first action, ms",
    "itl": "ITL, inter-token latency, ms",
    "tpot": "TPOT, time per output token, ms",
    "e2e": "E2E, the whole request, ms",
}
_OUTCOMES = ("completed", "refused", "failed", "timed_out", "invalid")


def tables(summary: Summary) -> list[Table]:
    """All tables of a run; those that have nothing to say left out."""
    found = [_rates(summary), _ratios(summary)]
    found += [_percentiles(summary, name, caption) for name, caption in _TIMES.items()]
    found += [_outcomes(summary), _resources(summary)]
    return [table for table in found if table.rows]


def _labels(summary: Summary, row: Row) -> list[str]:
    return [row.cell.backend, f"{row.cell.level:g}"]


def _head(summary: Summary, *rest: str) -> list[str]:
    return ["backend", "at once" if summary.plan.arrivals == "closed" else "requests/s sent", *rest]


def _rates(summary: Summary) -> Table:
    rows = []
    for row in summary.rows:
        mark = " *" if row.limited else ""
        rates = row.cell.rates
        cells = [told(rates["requests"]) + mark, told(rates["tokens"]), told(rates["good"])]
        rows.append([*_labels(summary, row), *cells, _plain(row.cell.answer_tokens), str(row.cell.sent)])
    head = _head(summary, "requests/s", "output tokens/s", "goodput, requests/s", "tokens an answer", "requests sent")
    return Table(
        f"Throughput, with 95 % intervals. Goodput: {summary.plan.slos.told()}. * the load generator may have been the "
        "bottleneck",
        head,
        rows,
    )


def _ratios(summary: Summary) -> Table:
    rows = [
        [f"{one.one} ÷ {one.other}", f"{one.level:g}", one.what, times(one.figure), "yes" if one.differs else "no"]
        for one in summary.ratios
    ]
    return Table("Ratios, with 95 % intervals", _head(summary, "figure", "ratio", "differs from 1"), rows)


def _percentiles(summary: Summary, name: str, caption: str) -> Table:
    rows = []
    for row in summary.rows:
        figures = row.cell.times[name]
        if figures[50].value is not None:
            cells = [told(figures[percent], 1000.0) for percent in PERCENTILES]
            rows.append([*_labels(summary, row), *cells, str(len(row.cell.values[name]))])
    return Table(caption, _head(summary, *(f"p{percent}" for percent in PERCENTILES), "n"), rows)


def _outcomes(summary: Summary) -> Table:
    rows = [
        [*_labels(summary, row), *(str(row.cell.outcomes[kind]) for kind in _OUTCOMES), row.cell.first_error]
        for row in summary.rows
    ]
    kinds = [kind.replace("_", " ") for kind in _OUTCOMES]
    return Table("How requests ended", _head(summary, *kinds, "the first trouble"), rows)


def _resources(summary: Summary) -> Table:
    parts = list(dict.fromkeys(name for row in summary.rows for name in row.parts))
    if not parts:
        return Table("", [], [])

    def row_of(row: Row) -> list[str]:
        cells = [
            f"{row.parts[name].cores:.2f} / {row.parts[name].memory_mib:.0f}" if name in row.parts else _NONE
            for name in parts
        ]
        gpus = "; ".join(
            f"{gpu.name}: {_of(gpu.utilisation, lambda share: f'{share:.0%}')}, "
            f"{_of(gpu.memory_mib, lambda mib: f'{mib:.0f} MiB')}, {_of(gpu.power_w, lambda watt: f'{watt:.0f} W')}"
            for gpu in row.gpus
        )
        return [*cells, _of(row.others_cores, lambda cores: f"{cores:.2f}"), gpus or "no GPU"]

    rows = [[*_labels(summary, row), *row_of(row)] for row in summary.rows]
    return Table("Resources: cores in use / memory, MiB", _head(summary, *parts, "all else, cores", "GPU"), rows)


def told(figure: Figure, times: float = 1.0) -> str:
    """A figure with its interval, such as ``3.21 (3.05 to 3.40)``."""
    if figure.value is None:
        return _NONE
    if figure.low is None or figure.high is None:
        return _short(figure.value * times)
    return f"{_short(figure.value * times)} ({_short(figure.low * times)} to {_short(figure.high * times)})"


def _plain(figure: Figure) -> str:
    return _NONE if figure.value is None else f"{figure.value:.1f}"


def _short(value: float) -> str:
    """Three digits or, for large numbers, all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _of(value: float | None, words: Callable[[float], str]) -> str:
    return _NONE if value is None else words(value)


def markdown(summary: Summary) -> str:
    """The report for people, as text."""
    lines: list[str] = ["# Comparison of " + " and ".join(summary.plan.backends), ""]
    if summary.troubles:
        lines += ["**Partial report: not all of the plan was measured.**", "", *_list(summary.troubles), ""]
    lines += ["## What it says", "", *_list(summary.verdicts or ["Nothing was measured."]), ""]
    if summary.cautions:
        lines += ["## What to mind", "", *_list(summary.cautions), ""]
    lines += ["## Figures", ""]
    for table in tables(summary):
        lines += [table.markdown(), ""]
    lines += ["## Measured on and with", "", *_list([f"{what}: {says}" for what, says in made_with(summary)])]
    return "\n".join(lines) + "\n"


def made_with(summary: Summary) -> list[tuple[str, str]]:
    """Label and value of the plan and the machine."""
    plan = summary.plan
    traffic = f"mix {plan.mix}, seed {plan.seed}, {plan.door} door, "
    traffic += "closed loop" if plan.arrivals == "closed" else "Poisson arrivals"
    how = f"{plan.repeats} × {plan.seconds:g} s at each level after {plan.warm_up_s:g} s of warm-up, backends in turns"
    given_up = f"requests are given up after {plan.timeout_s:g} s"
    return [("traffic", traffic), ("measured", f"{how}; {given_up}"), ("objectives", plan.slos.told()),
            *summary.system.items()]  # fmt: skip


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {' '.join(line.split())}" for line in lines]
