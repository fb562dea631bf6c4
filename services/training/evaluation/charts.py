"""Bars with their intervals as SVG, in the colours of the page that they stand in."""

from __future__ import annotations

from collections.abc import Sequence

from services.picture.svg import element, text_of
from services.training.evaluation.figures import Share

_LEFT, _PLOT, _RIGHT, _TOP = 150, 400, 130, 22
_BAR, _GAP = 13, 12

Group = tuple[str, Sequence[tuple[int, Share]]]
"""A label, and the bars beside it: the number of the colour, from 0, and the share."""


def bars(title: str, groups: Sequence[Group]) -> str:
    """A chart of shares in per cent, each with its 95 % interval. ``title`` is for those who cannot see it."""
    drawn: list[str] = []
    y = float(_TOP)
    for label, shares in groups:
        middle = y + len(shares) * _BAR / 2
        drawn.append(_text(label, _LEFT - 10, middle, "end"))
        for colour, share in shares:
            drawn.append(_bar(colour, share, y))
            y += _BAR
        y += _GAP
    grid = [
        element("line", x1=_x(part), x2=_x(part), y1=_TOP - 6, y2=y - _GAP + 4, **{"class": "grid"})
        + _text(f"{100 * part:.0f} %", _x(part), 8, "middle")
        for part in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    width = _LEFT + _PLOT + _RIGHT
    return element(
        "svg",
        element("title", text_of(title)) + "".join(grid) + "".join(drawn),
        viewBox=f"0 0 {width} {y:g}",
        width=width,
        height=f"{y:g}",
        role="img",
        **{"class": "chart"},
    )


def _bar(colour: int, share: Share, y: float) -> str:
    if share.value is None:
        return ""
    low, high = share.interval
    bar = element(
        "rect",
        x=_LEFT,
        y=y + 1,
        width=f"{share.value * _PLOT:.1f}",
        height=_BAR - 2,
        **{"class": f"bar colour-{colour}"},
    )
    middle = y + _BAR / 2
    span = element("line", x1=_x(low), x2=_x(high), y1=middle, y2=middle, **{"class": "span"})
    value = f"{100 * share.value:.0f} %, {share.hits} of {share.of}"
    return bar + span + _text(value, _LEFT + _PLOT + 10, middle, "start")


def _x(part: float) -> str:
    return f"{_LEFT + part * _PLOT:.1f}"


def _text(words: str, x: object, y: float, anchor: str) -> str:
    return element("text", text_of(words), x=x, y=f"{y:g}", text_anchor=anchor, dominant_baseline="central")
