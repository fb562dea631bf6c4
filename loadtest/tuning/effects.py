"""What a change is worth: how many times the figure that it stands beside, and which change is to be kept.

Ratios are of matched requests: with the same seed each robot asks for the same things in the same order whatever
answers it, so its first, second, … request is the same work for every choice. In a closed loop as many answers come a
second as there are robots over the mean time of a request (Little's law), so the ratio of rates is that of times, of
the requests that both had. Rates by themselves would differ by which requests happened to come in a short turn, too.

Their intervals are bootstrapped: repeats are drawn with replacement, then within each pairs of requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtest.comparison.figures import DRAWS, Cell, Figure, cell
from loadtest.comparison.measured import Measured
from loadtest.comparison.run import Run
from loadtest.records import Record

#: A gain below this is not worth a setting that somebody has to understand.
LEAST_GAIN = 1.03
#: How much later the first action may come, at the lowest level, for the sake of throughput.
MOST_WAIT = 1.1
#: Of fewer matched requests there is no interval, and so no certainty.
FEWEST = 5
_SEED = 20260101
_ANSWERED = ("completed", "invalid")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Value:
    """A figure with its 95 % interval; None of what was not seen."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, figure: Figure) -> Value:
        """Without the bootstrap's draws."""
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
    #: Both over those of the other, of matched requests; there are so many of these.
    answered_ratio: Value
    ttfa_ratio: Value
    matched: int
    #: Of the behaviours that were sent, how many ended how.
    outcomes: Mapping[str, int]


def effects(run: Run, beside: str) -> list[Effect]:
    """Every choice of a run beside one of them, level by level."""
    found = []
    for level in run.plan.levels:
        turns = {name: _turns(run, name, level) for name in run.plan.backends}
        if turns[beside]:
            found += [_effect(run, name, beside, turns) for name in run.plan.backends if turns[name]]
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


def _turns(run: Run, name: str, level: float) -> list[Measured]:
    turns = [one for one in run.turns if (one.turn.backend, one.turn.level) == (name, level)]
    return sorted(turns, key=lambda one: one.turn.repeat)


def _effect(run: Run, name: str, beside: str, turns: Mapping[str, Sequence[Measured]]) -> Effect:
    one: Cell = cell(turns[name], run.plan.slos)
    others = {turn.turn.repeat: turn for turn in turns[beside]}
    pairs = [_matched(turn, others[turn.turn.repeat]) for turn in turns[name] if turn.turn.repeat in others]
    return Effect(
        choice=name,
        beside=beside,
        level=one.level,
        answered=Value.of(one.rates["answered"]),
        ttfa_s=Value.of(one.times["ttfa"][50]),
        answered_ratio=_ratio([_times(found, lambda record: record.e2e_s) for found in pairs], _faster),
        ttfa_ratio=_ratio([_times(found, lambda record: record.ttfa_s) for found in pairs], _later),
        matched=sum(len(found) for found in pairs),
        outcomes=dict(one.outcomes),
    )


def _matched(one: Measured, other: Measured) -> list[tuple[Record, Record]]:
    """The requests that both answered, those of a robot by their place in its sequence.

    One of the two has to have been sent in the part that counts: a fast choice is beyond the first ones of a slow one
    while both warm up.
    """
    counts = {id(record) for turn in (one, other) for record in turn.sent}
    theirs = _by_place(other)
    pairs = [(record, theirs[place]) for place, record in _by_place(one).items() if place in theirs]
    return [pair for pair in pairs if not counts.isdisjoint(map(id, pair))]


def _by_place(turn: Measured) -> dict[tuple[str, int, str], Record]:
    asked: dict[str, int] = defaultdict(int)
    found = {}
    for record in sorted(turn.records, key=lambda record: record.sent_at_s):
        if record.outcome in _ANSWERED:
            found[record.robot, asked[record.robot], record.item] = record
        asked[record.robot] += 1
    return found


def _times(pairs: Sequence[tuple[Record, Record]], of: Callable[[Record], float | None]) -> Floats:
    known = [(of(one), of(other)) for one, other in pairs]
    return np.array([pair for pair in known if None not in pair], dtype=float).reshape(-1, 2)


def _faster(pairs: Floats) -> float:
    return float(pairs[:, 1].sum() / pairs[:, 0].sum())


def _later(pairs: Floats) -> float:
    return float(np.median(pairs[:, 0]) / np.median(pairs[:, 1]))


def _ratio(repeats: Sequence[Floats], of: Callable[[Floats], float]) -> Value:
    """A ratio of pairs of times, repeat by repeat, with its interval."""
    repeats = [pairs for pairs in repeats if len(pairs)]
    if not repeats:
        return Value(None)
    random = np.random.default_rng(_SEED)

    def drawn() -> Floats:
        chosen = [repeats[index] for index in random.integers(len(repeats), size=len(repeats))]
        return np.concatenate([pairs[random.integers(len(pairs), size=len(pairs))] for pairs in chosen])

    if sum(map(len, repeats)) < FEWEST:
        return Value(of(np.concatenate(repeats)))
    low, high = np.quantile([of(drawn()) for _ in range(DRAWS)], (0.025, 0.975))
    return Value(of(np.concatenate(repeats)), float(low), float(high))
