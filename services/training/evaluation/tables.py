"""The figures as tables, for the terminal and for the page."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.training.evaluation.answers import Answer
from services.training.evaluation.figures import Comparison, Share, compare
from services.training.evaluation.metrics import TIMES, Metrics

_NONE = "–"
_TIMES = {"ttft_ms": "first token", "ttfs_ms": "first statement", "ttfa_ms": "first action", "total_ms": "all done"}
_LANGUAGES = {"en": "English", "zh": "Chinese"}
_LENGTHS = {"short": "1 call", "medium": "2 or 3 calls", "long": "4 calls and more"}
_OUTCOMES = {"acts": "to be done", "words": "to be answered in words", "refuses": "to be refused"}


@dataclass(frozen=True)
class Table:
    """Cells as text; the first of each row says what the row is."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table with its caption."""
        written = [[cell.replace("|", "\\|") for cell in row] for row in (self.head, *self.rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*written, strict=True)]
        lines = [
            f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in written
        ]
        lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
        return "\n".join([f"**{self.caption}**", "", *lines])


def tables(metrics: Mapping[str, Metrics], comparisons: Sequence[Comparison]) -> list[Table]:
    """All tables of a run, by variant; those that have nothing to say left out."""
    found = [_overview(metrics), _by_tag(metrics), _compared(comparisons), _failures(metrics)]
    return [table for table in found if table.rows]


def comparisons(answers: Mapping[str, Sequence[Answer]]) -> list[Comparison]:
    """Every two variants compared."""
    passed = {name: [answer.passed for answer in given] for name, given in answers.items()}
    return [compare(one, passed[one], other, passed[other]) for one, other in itertools.combinations(passed, 2)]


def told(share: Share) -> str:
    """A share with its interval, such as ``83.5 % (79 to 87), 217 of 260``."""
    if share.value is None:
        return _NONE
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.0f} to {100 * high:.0f}), {share.hits} of {share.of}"


def _overview(metrics: Mapping[str, Metrics]) -> Table:
    rows: list[list[str]] = []

    def row(label: str, cell: Callable[[Metrics], str]) -> None:
        cells = [cell(one) for one in metrics.values()]
        if any(cell != _NONE for cell in cells):
            rows.append([label, *cells])

    row("passed", lambda one: told(one.passed))
    row("valid", lambda one: told(one.valid))
    row("refusal precision", lambda one: told(one.refusal_precision))
    row("refusal recall", lambda one: told(one.refusal_recall))
    row("call precision", lambda one: _plain(one.call_precision))
    row("call recall", lambda one: _plain(one.call_recall))
    for kind, names in (("language", _LANGUAGES), ("outcome", _OUTCOMES), ("length", _LENGTHS)):
        for name, label in names.items():
            row(f"passed, {label}", lambda one, kind=kind, name=name: told(one.groups[kind].get(name, Share(0, 0))))  # type: ignore[misc]
    for name in TIMES:
        row(f"{_TIMES[name]}, p50 / p95", lambda one, name=name: _span(one, name))  # type: ignore[misc]
    row("tokens of a prompt", lambda one: _mean(one.prompt_tokens))
    row("tokens of an answer", lambda one: _mean(one.completion_tokens))
    return Table("Results, with 95 % intervals", ["", *metrics], rows)


def _by_tag(metrics: Mapping[str, Metrics]) -> Table:
    tags = dict.fromkeys(tag for one in metrics.values() for tag in one.groups["tag"])
    rows = [[tag, *(told(one.groups["tag"].get(tag, Share(0, 0))) for one in metrics.values())] for tag in tags]
    return Table("Passed by tag", ["tag", *metrics], rows)


def _compared(comparisons: Sequence[Comparison]) -> Table:
    rows = [[f"{one.one} and {one.other}", str(one.only_one), str(one.only_other), _p(one.p)] for one in comparisons]
    return Table("Two variants on the same items", ["", "only the first passed", "only the second", "p"], rows)


def _failures(metrics: Mapping[str, Metrics]) -> Table:
    codes = dict.fromkeys(code for one in metrics.values() for code in one.failures)
    rows = [[code, *(str(one.failures.get(code, 0)) for one in metrics.values())] for code in codes]
    return Table("Items without a good end, by what the engine said", ["", *metrics], rows)


def _plain(share: Share | None) -> str:
    """Without an interval: the calls of one item depend on each other."""
    return _NONE if share is None or share.value is None else f"{100 * share.value:.1f} %, {share.hits} of {share.of}"


def _span(one: Metrics, name: str) -> str:
    span = one.times[name]
    return _NONE if span.p50 is None or span.p95 is None else f"{span.p50 / 1000:.2f} / {span.p95 / 1000:.2f} s"


def _mean(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
