"""The report as a page: one file that needs nothing else, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from loadtest.comparison.charts import Axes, Line, Point, chart, distribution
from loadtest.comparison.figures import Cell, Figure, nearest_rank
from loadtest.comparison.summary import Summary
from loadtest.comparison.tables import made_with, tables

_DASHES = {50: "", 95: "6 3", 99: "2 3"}
_NAMES = {"ttft": "TTFT", "ttfa": "TTFA", "itl": "ITL", "tpot": "TPOT", "e2e": "E2E"}


def page(summary: Summary) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        backends=summary.plan.backends,
        troubles=summary.troubles,
        verdicts=summary.verdicts,
        cautions=summary.cautions,
        slos=summary.plan.slos.told(),
        throughput=_shown(_throughput(summary)),
        latencies=_shown(_latencies(summary)),
        distributions=[
            (f"{_NAMES[name]} at {summary.plan.level_told(level)}", chart)
            for name in _NAMES
            for level in summary.plan.levels
            if (chart := Markup(_distribution(summary, name, level)))  # noqa: S704 - made of escaped text
        ],
        tables=tables(summary),
        made_with=made_with(summary),
    )


def _shown(charts: list[str]) -> list[Markup]:
    return [Markup(chart) for chart in charts if chart]  # noqa: S704 - made of escaped text


def _axis(summary: Summary) -> str:
    return "requests at once" if summary.plan.arrivals == "closed" else "requests sent a second"


def _lines(summary: Summary, of: Callable[[Cell], Figure], scale: float = 1.0, dash: str = "") -> list[Line]:
    """One line for each backend over the levels, where there is a figure."""
    found = []
    for colour, name in enumerate(summary.plan.backends):
        points = []
        for row in summary.of(name):
            figure = of(row.cell)
            if figure.value is not None:
                low, high = (None if end is None else end * scale for end in (figure.low, figure.high))
                points.append(Point(row.cell.level, figure.value * scale, low, high, row.limited))
        found.append(Line(colour, points, dash))
    return found


def _throughput(summary: Summary) -> list[str]:
    shown = {"requests": "completed requests/s", "tokens": "output tokens/s", "good": "goodput, requests/s"}
    return [
        chart(
            Axes(label.split(",")[0], _axis(summary), label, summary.plan.levels),
            _lines(summary, lambda cell, name=name: cell.rates[name]),  # type: ignore[misc]
        )
        for name, label in shown.items()
    ]


def _latencies(summary: Summary) -> list[str]:
    return [
        chart(
            Axes(label, _axis(summary), "ms", summary.plan.levels),
            [
                line
                for percent, dash in _DASHES.items()
                for line in _lines(summary, lambda cell, n=name, p=percent: cell.times[n][p], 1000.0, dash)  # type: ignore[misc]
            ],
        )
        for name, label in _NAMES.items()
    ]


def _distribution(summary: Summary, name: str, level: float) -> str:
    """Which share of the values lies below each, up to the slowest backend's 99th percentile."""
    found = {
        colour: row.cell.values[name] * 1000.0
        for colour, backend in enumerate(summary.plan.backends)
        for row in summary.of(backend)
        if row.cell.level == level and len(row.cell.values[name])
    }
    if not found:
        return ""
    most = max(nearest_rank(values, 99) for values in found.values()) or 1.0
    lines = [
        Line(colour, [point for point in distribution(list(values)) if point.x <= most], marks=False)
        for colour, values in found.items()
    ]
    title = f"{_NAMES[name]}, {summary.plan.level_told(level)}"
    return chart(Axes(title, "ms", "% of all at or below", top=100.0, width=340, height=220), lines)
