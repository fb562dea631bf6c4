"""The charts of a report, in one picture that stands by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtest.capacity.observed import Observed
from loadtest.capacity.result import Result
from loadtest.comparison.charts import Axes, Line, Point, chart
from services.picture.svg import element, text_of

_WIDTH, _HEIGHT, _GAP, _LEGEND = 440, 260, 20, 34
_COLOURS = ("#0072b2", "#b35c00", "#00795a", "#a8447f", "#6b5b00")
_DASHES = ("", "6 3", "2 3")
_STYLE = (
    "svg{font:11px system-ui,sans-serif;fill:#1b1f24}.name{font-weight:600}.grid{stroke:#d0d7de}"
    ".line{fill:none!important;stroke-width:1.8}.open{fill:#fff!important;stroke-width:2}"
    + "".join(f".colour-{number}{{fill:{colour};stroke:{colour}}}" for number, colour in enumerate(_COLOURS))
)


def picture(result: Result) -> str:
    """Four charts as SVG: what was measured of one engine, and what robots get of so many; empty without a model."""
    answer = result.answer
    if answer is None:
        return ""
    slos = result.question.slos
    shown = [
        _measured(result),
        _of_robots(result, "Orders within both objectives", "%", lambda one: 100 * one.share_within(slos), top=100.0),
        _of_robots(result, "E2E p95", "s", lambda one: one.percentile("e2e", 95)),
        _of_robots(result, "TTFA p95", "s", lambda one: one.percentile("ttfa", 95)),
    ]
    places = [(column * (_WIDTH + _GAP), _LEGEND + row * (_HEIGHT + _GAP)) for row in (0, 1) for column in (0, 1)]
    drawn = [
        element("g", one, transform=f"translate({x} {y})") for one, (x, y) in zip(shown, places, strict=True) if one
    ]
    width, height = 2 * _WIDTH + _GAP, _LEGEND + 2 * (_HEIGHT + _GAP)
    return element(
        "svg",
        element("title", "What was measured of one engine, and what robots get of so many engines")
        + element("style", _STYLE)
        + element("rect", width=width, height=height, fill="#fff")
        + _legend(list(answer.carries))
        + "".join(drawn),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )


def _measured(result: Result) -> str:
    points = [Point(one.at_once, one.rate) for one in result.levels]
    axes = Axes("One engine, measured", "orders at once", "orders/s", [point.x for point in points])
    return chart(axes, [Line(0, points)])


def _of_robots(
    result: Result, title: str, unit: str, value: Callable[[Observed], float], top: float | None = None
) -> str:
    assert result.answer is not None  # noqa: S101 - the caller has looked
    lines = []
    for number, engines in enumerate(result.answer.carries):
        points = [Point(row.robots, value(row.simulated)) for row in result.answer.rows if row.engines == engines]
        lines.append(_line(number, points))
    soaked = [Point(soak.predicted.robots, value(soak.measured), open=True) for soak in result.soaks]
    lines += [Line(0, [point]) for point in soaked]
    return chart(Axes(title, "robots", unit, top=top), lines)


def _line(number: int, points: Sequence[Point]) -> Line:
    """Each number of engines in a colour, and once these are used up in dashes of the same."""
    count = len(_COLOURS)
    return Line(number % count, points, _DASHES[number // count % len(_DASHES)], marks=False)


def _legend(engines: Sequence[int]) -> str:
    found, x = [], 58
    for number, count in enumerate(engines):
        words = f"{count} engine{'s' if count > 1 else ''}"
        dash = _DASHES[number // len(_COLOURS) % len(_DASHES)] or None
        stroke = element(
            "line", x1=x, x2=x + 22, y1=14, y2=14, stroke_dasharray=dash,
            **{"class": f"line colour-{number % len(_COLOURS)}"},
        )  # fmt: skip
        found.append(stroke + element("text", text_of(words), x=x + 28, y=18))
        x += 40 + 7 * len(words)
    ring = element("circle", cx=x + 4, cy=14, r=3, **{"class": "mark colour-0 open"})
    return "".join(found) + ring + element("text", "measured with 1 engine", x=x + 14, y=18)
