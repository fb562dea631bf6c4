"""What each change is worth, as bars from 1 with their intervals: to the right is faster."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loadtest.tuning.effects import Effect
from loadtest.tuning.study import Step
from services.picture.svg import element, text_of

_ROW, _TOP, _LEFT, _WIDTH, _NUMBERS = 20, 44, 330, 360, 90
#: Where the axis has lines, as ratios; the ends are the first and the last that are needed.
_TICKS = (0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_STYLE = (
    "text{font:12px sans-serif;fill:#555}.head{font-weight:bold}line{stroke:#8886}.one{stroke:#555}"
    ".more{fill:#2a78c2}.less{fill:#c2602a}.unknown{fill:#999}.interval{stroke:#111;stroke-width:1.5}"
)


def bars(steps: Sequence[Step]) -> str:
    """The picture: for each choice that was measured beside another, its ratio at the highest level."""
    shown = [(step, effect) for step in steps for effect in _highest(step) if effect.choice != step.now]
    known = [(step, effect) for step, effect in shown if effect.answered_ratio.value]
    axis = _Axis([end for _, effect in known for end in _ends(effect)])
    height = _TOP + _ROW * len(known) + 10
    parts = [element("style", _STYLE), _text("Answered behaviours a second, times what they are beside", 8, 14, "head")]
    parts += [axis.tick(tick, height) for tick in axis.ticks]
    parts += [_bar(axis, step, effect, _TOP + _ROW * row) for row, (step, effect) in enumerate(known)]
    width = _LEFT + _WIDTH + _NUMBERS
    return element(
        "svg", "".join(parts), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", role="img"
    )


class _Axis:
    """Ratios from left to right, as their logarithms."""

    def __init__(self, values: Sequence[float]) -> None:
        low, high = min([0.8, *values]), max([1.25, *values])
        first = max((tick for tick in _TICKS if tick <= low), default=_TICKS[0])
        last = min((tick for tick in _TICKS if tick >= high), default=_TICKS[-1])
        self.ticks = [tick for tick in _TICKS if first <= tick <= last]

    def x(self, ratio: float) -> float:
        first, last = math.log(self.ticks[0]), math.log(self.ticks[-1])
        place = (math.log(ratio) - first) / (last - first)
        return _LEFT + _WIDTH * min(1.0, max(0.0, place))

    def tick(self, tick: float, height: int) -> str:
        x = f"{self.x(tick):.1f}"
        line = element("line", x1=x, x2=x, y1=_TOP - 6, y2=height - 6, **{"class": "one" if tick == 1.0 else None})
        return line + _text(f"{tick:g}", self.x(tick), _TOP - 12, anchor="middle")


def _bar(axis: _Axis, step: Step, effect: Effect, y: int) -> str:
    ratio = effect.answered_ratio
    low, high = _ends(effect)
    kind = "more" if low > 1.0 else "less" if high < 1.0 else "unknown"
    one, end = axis.x(1.0), axis.x(ratio.value or 1.0)
    middle = y + _ROW / 2
    return "".join(
        (
            _text(f"{step.name}: {effect.choice}", 8, middle + 4),
            element("rect", x=f"{min(one, end):.1f}", width=f"{abs(end - one):.1f}", y=y + 4, height=_ROW - 8,
                    **{"class": kind}),
            element("line", x1=f"{axis.x(low):.1f}", x2=f"{axis.x(high):.1f}", y1=middle, y2=middle,
                    **{"class": "interval"}),
            _text(f"{ratio.value:.2f}×", _LEFT + _WIDTH + 8, middle + 4),
        )
    )  # fmt: skip


def _highest(step: Step) -> list[Effect]:
    most = max((effect.level for effect in step.effects), default=0.0)
    return [effect for effect in step.effects if effect.level == most]


def _ends(effect: Effect) -> tuple[float, float]:
    ratio = effect.answered_ratio
    value = ratio.value or 1.0
    return max(ratio.low or value, 1e-6), ratio.high or value


def _text(words: str, x: float, y: float, kind: str | None = None, anchor: str = "start") -> str:
    return element("text", text_of(words), x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **{"class": kind})
