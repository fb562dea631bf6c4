"""Lines over an axis as SVG, in the colours of the page that they stand in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.picture.svg import element, text_of

_LEFT, _TOP, _RIGHT, _BOTTOM = 58, 24, 14, 40
_TICKS = 5


@dataclass(frozen=True)
class Point:
    """A point with its interval, if it has one; an ``open`` one is drawn as a ring, for figures that are in doubt."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    open: bool = False


@dataclass(frozen=True)
class Line:
    """Points from left to right; ``colour`` is the number of a backend, ``dash`` sets lines of one backend apart."""

    colour: int
    points: Sequence[Point]
    dash: str = ""
    marks: bool = True


@dataclass(frozen=True)
class Axes:
    """What a chart is of. ``ticks`` of x are the levels that were measured, or none: then round numbers."""

    title: str
    x: str
    y: str
    ticks: Sequence[float] = ()
    #: Largest y; None: that of the points.
    top: float | None = None
    width: int = 440
    height: int = 260


def chart(axes: Axes, lines: Sequence[Line]) -> str:
    """The chart; empty if there is nothing to draw. Levels stand at equal distances, since they mostly double."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    ticks = list(axes.ticks) or round_steps(max(point.x for point in points))
    top = axes.top or max(max(point.y, point.high or 0.0) for point in points) or 1.0
    steps = round_steps(top)
    frame = _Frame(axes, ticks, max(steps[-1], top))
    drawn = [frame.grid(step) for step in steps] + [frame.tick(tick) for tick in ticks]
    drawn += [frame.line(line) for line in lines if line.points]
    words = [
        _text(axes.y, 4, 9, "start"),
        _text(axes.x, _LEFT + frame.plot_width / 2, axes.height - 8, "middle"),
        _text(axes.title, axes.width - _RIGHT, 9, "end", "name"),
    ]
    return element(
        "svg",
        element("title", text_of(f"{axes.title}: {axes.y} over {axes.x}")) + "".join(drawn) + "".join(words),
        viewBox=f"0 0 {axes.width} {axes.height}",
        width=axes.width,
        height=axes.height,
        role="img",
        **{"class": "chart"},
    )


def distribution(values: Sequence[float], most: int = 200) -> list[Point]:
    """Which share of sorted values lies at or below each, in per cent; thinned out to about ``most`` points."""
    count, shown = len(values), min(most, len(values))
    places = [round(index * (count - 1) / max(1, shown - 1)) for index in range(shown)]
    return [Point(float(values[place]), 100 * (place + 1) / count) for place in places]


def round_steps(most: float) -> list[float]:
    """About five round numbers from 0 up to at least ``most``."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / _TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough * 0.999)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)]


class _Frame:
    """Where things lie within a chart."""

    def __init__(self, axes: Axes, ticks: Sequence[float], top: float) -> None:
        self._axes = axes
        self._ticks = ticks
        self._top = top
        self.plot_width = axes.width - _LEFT - _RIGHT
        self._plot_height = axes.height - _TOP - _BOTTOM
        self._floor = _TOP + self._plot_height

    def x(self, value: float) -> float:
        if not self._axes.ticks:
            return _LEFT + min(1.0, value / self._ticks[-1]) * self.plot_width
        place = self._ticks.index(value)
        return _LEFT + (place + 0.5) / len(self._ticks) * self.plot_width

    def y(self, value: float) -> float:
        return self._floor - min(1.0, value / self._top) * self._plot_height

    def grid(self, step: float) -> str:
        y = self.y(step)
        rule = element("line", x1=_LEFT, x2=_LEFT + self.plot_width, y1=_n(y), y2=_n(y), **{"class": "grid"})
        return rule + _text(f"{step:g}", _LEFT - 6, y, "end")

    def tick(self, tick: float) -> str:
        return _text(f"{tick:g}", self.x(tick), self._floor + 12, "middle")

    def line(self, line: Line) -> str:
        path = " ".join(f"{_n(self.x(point.x))},{_n(self.y(point.y))}" for point in line.points)
        colour = f"colour-{line.colour}"
        drawn = [element("polyline", points=path, stroke_dasharray=line.dash or None, **{"class": f"line {colour}"})]
        for point in line.points:
            x = _n(self.x(point.x))
            if point.low is not None and point.high is not None:
                y1, y2 = _n(self.y(point.low)), _n(self.y(point.high))
                drawn.append(element("line", x1=x, x2=x, y1=y1, y2=y2, **{"class": f"line {colour}"}))
            if line.marks:
                kind = f"mark {colour} open" if point.open else f"mark {colour}"
                drawn.append(element("circle", cx=x, cy=_n(self.y(point.y)), r=3, **{"class": kind}))
        return "".join(drawn)


def _n(value: float) -> str:
    return f"{value:.1f}"


def _text(words: str, x: float, y: float, anchor: str, kind: str | None = None) -> str:
    return element(
        "text", text_of(words), x=_n(x), y=_n(y), text_anchor=anchor, dominant_baseline="central", **{"class": kind}
    )
