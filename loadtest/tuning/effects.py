"""What a change is worth: how many times the figure that it stands beside, and which change is to be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.comparison.figures import Cell, Figure, cell, ratio
from loadtest.comparison.run import Run

#: A gain below this is not worth a setting that somebody has to understand.
LEAST_GAIN = 1.03
#: How much later the first action may come, at the lowest level, for the sake of throughput.
MOST_WAIT = 1.1


@dataclass(frozen=True)
class Value:
    """A figure with its 95 % interval; None of what was not seen."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, figure: Figure) -> Value:
        return cls(figure.value, figure.low, figure.high)

    def times(self) -> str:
        """As a ratio, such as ``1.80× (1.62 to 2.01)``."""
        if self.value is None:
            return "–"
        interval = f" ({self.low:.2f} to {self.high:.2f})" if self.low is not None and self.high is not None else ""
        return f"{self.value:.2f}×{interval}"


@dataclass(frozen=True)
class Effect:
    """One choice at one level, beside another one."""

    choice: str
    beside: str
    level: float
    #: Behaviours a second for which a program was written, whether it passed the checks or not.
    answered: Value
    #: Seconds to the first action, p50.
    ttfa_s: Value
    #: Both over those of the other.
    answered_ratio: Value
    ttfa_ratio: Value
    #: Of the behaviours that were sent, how many ended how.
    outcomes: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Effect:
        """What ``document`` told."""
        values = {name: Value(**document[name]) for name in ("answered", "ttfa_s", "answered_ratio", "ttfa_ratio")}
        return cls(**{**document, **values})


def effects(run: Run, beside: str) -> list[Effect]:
    """Every choice of a run beside one of them, level by level."""
    found = []
    for level in run.plan.levels:
        cells = {name: _cell(run, name, level) for name in run.plan.backends}
        other = cells[beside]
        if other is None:
            continue
        for name, one in cells.items():
            if one is not None:
                found.append(_effect(name, one, beside, other))
    return found


def best(found: Sequence[Effect], now: str) -> str:
    """The choice to keep: the one with most behaviours a second at the highest level, if it is better for certain.

    It is not where it makes a robot that is alone wait much longer for its first action.
    """
    levels = sorted({effect.level for effect in found})
    if not levels:
        return now
    alone = {effect.choice: effect.ttfa_ratio for effect in found if effect.level == levels[0]}
    kept, most = now, LEAST_GAIN
    for effect in found:
        gain, wait = effect.answered_ratio, alone.get(effect.choice)
        if effect.level != levels[-1] or gain.value is None or gain.low is None or gain.low <= 1.0:
            continue
        patient = wait is None or wait.low is None or wait.low <= 1.0 or (wait.value or 0.0) <= MOST_WAIT
        if gain.value > most and patient:
            kept, most = effect.choice, gain.value
    return kept


def _cell(run: Run, name: str, level: float) -> Cell | None:
    turns = [one for one in run.turns if (one.turn.backend, one.turn.level) == (name, level)]
    return cell(sorted(turns, key=lambda one: one.turn.repeat), run.plan.slos) if turns else None


def _effect(name: str, one: Cell, beside: str, other: Cell) -> Effect:
    return Effect(
        choice=name,
        beside=beside,
        level=one.level,
        answered=Value.of(one.rates["answered"]),
        ttfa_s=Value.of(one.times["ttfa"][50]),
        answered_ratio=Value.of(ratio(one.rates["answered"], other.rates["answered"])),
        ttfa_ratio=Value.of(ratio(one.times["ttfa"][50], other.times["ttfa"][50])),
        outcomes=dict(one.outcomes),
    )
