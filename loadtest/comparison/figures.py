"""From the turns of one backend at one level to figures with their 95 % intervals.

**Intervals** are bootstrapped in two steps. First the repeats are drawn with replacement, as many as there are; then,
within each that was drawn, requests for times (percentiles and means), and slices of the time for rates: a fixed number
of requests would make a rate that does not vary. Tokens go with their request, since the gaps of one answer depend on
each other. With two or three repeats the first step knows little of how much a machine differs from one time to
another: read such intervals as the least that there is.

**Percentiles** are nearest rank, pooled over all repeats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from loadtest.comparison.measured import SLICES, Floats, Measured
from loadtest.comparison.plan import Slos
from loadtest.records import Record

DRAWS = 1000
_SEED = 20260101
PERCENTILES = (50, 95, 99)
#: What is timed of a request, s; several values where there are several.
TIMES: dict[str, Callable[[Record], Iterable[float | None]]] = {
    "ttft": lambda one: (one.ttft_s,),
    "ttfa": lambda one: (one.ttfa_s,),
    "itl": lambda one: one.itl_s,
    "tpot": lambda one: (one.tpot_s,),
    "e2e": lambda one: (one.e2e_s,),
}
RATES = ("answered", "requests", "tokens", "good")


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, and the bootstrap's draws of it; None of nothing."""

    value: float | None
    low: float | None = None
    high: float | None = None
    #: How many values it is of.
    n: int = 0
    draws: Floats | None = None


@dataclass(frozen=True)
class Cell:
    """One backend at one level, over all its repeats."""

    backend: str
    level: float
    repeats: tuple[int, ...]
    #: By ``RATES``, a second.
    rates: dict[str, Figure]
    #: By ``TIMES`` and percentile, s, of completed requests.
    times: dict[str, dict[int, Figure]]
    #: All values of each, s, sorted.
    values: dict[str, Floats]
    #: How the requests ended that were sent.
    outcomes: Counter[str]
    #: How all ended, those of the warm-up and after the end too.
    all_outcomes: Counter[str]
    #: What the first of these went wrong with, if any did.
    first_error: str
    #: Tokens of an answer, on average.
    answer_tokens: Figure

    @property
    def sent(self) -> int:
        """Requests that were sent."""
        return self.outcomes.total()


def cell(turns: Sequence[Measured], slos: Slos) -> Cell:
    """The figures of one backend at one level from its turns, one for each repeat."""
    drawn = _draw_repeats(len(turns))
    completed = [[one for one in turn.sent if one.outcome == "completed"] for turn in turns]
    counts = _draw_requests([len(records) for records in completed], drawn)
    requests = [one for records in completed for one in records]
    times, values = {}, {}
    for name, of in TIMES.items():
        pairs = [(value, index) for index, one in enumerate(requests) for value in of(one) if value is not None]
        pairs.sort()
        values[name] = np.array([value for value, _ in pairs])
        times[name] = _percentiles(values[name], np.array([index for _, index in pairs], dtype=np.int64), counts)
    slices = [turn.slices(slos) for turn in turns]
    sent = [one for turn in turns for one in turn.sent]
    everything = [one for turn in turns for one in turn.records]
    return Cell(
        backend=turns[0].turn.backend,
        level=turns[0].turn.level,
        repeats=tuple(turn.turn.repeat for turn in turns),
        rates={name: _rate([one[name] for one in slices], drawn) for name in RATES},
        times=times,
        values=values,
        outcomes=Counter(one.outcome for one in sent),
        all_outcomes=Counter(one.outcome for one in everything),
        first_error=next((one.error or one.outcome for one in everything if one.outcome != "completed"), ""),
        answer_tokens=_mean(np.array([float(one.output_tokens or 0) for one in requests]), counts),
    )


def ratio(one: Figure, other: Figure) -> Figure:
    """How many times the other the one is, with its interval.

    Both were drawn with the same repeats where they have as many: what one repeat did to both cancels out. None if
    either is nothing or the other is 0.
    """
    if not one.value or not other.value or one.draws is None or other.draws is None:
        return Figure(None)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _figure(one.value / other.value, one.draws / other.draws, min(one.n, other.n))


def nearest_rank(ordered: Floats, percent: float) -> float:
    """The least of sorted values that ``percent`` per cent of them do not exceed."""
    return float(np.quantile(ordered, percent / 100, method="inverted_cdf"))


def _figure(value: float, draws: Floats, n: int) -> Figure:
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Figure(value, n=n)
    low, high = np.quantile(known, (0.025, 0.975))
    return Figure(value, float(low), float(high), n, draws)


def _draw_repeats(repeats: int) -> list[Sequence[int]]:
    """Which repeats each draw is of; always the same ones for as many repeats."""
    random = np.random.default_rng(_SEED)
    return list(random.integers(repeats, size=(DRAWS, repeats)))


def _draw_requests(sizes: Sequence[int], drawn: Sequence[Sequence[int]]) -> list[Floats]:
    """How often each draw has each request, all repeats' requests in one row."""
    random = np.random.default_rng(_SEED + 1)
    ends = np.cumsum([0, *sizes])
    rows = []
    for repeats in drawn:
        row = np.zeros(ends[-1])
        for repeat in repeats:
            if sizes[repeat]:
                chosen = random.integers(ends[repeat], ends[repeat + 1], size=sizes[repeat])
                row += np.bincount(chosen, minlength=len(row))
        rows.append(row)
    return rows


def _percentiles(ordered: Floats, owners: Floats, counts: Sequence[Floats]) -> dict[int, Figure]:
    """Percentiles of sorted values, each of which belongs to a request that is drawn so many times."""
    if not len(ordered):
        return {percent: Figure(None) for percent in PERCENTILES}
    draws = np.full((len(counts), len(PERCENTILES)), np.nan)
    for number, row in enumerate(counts):
        reached = np.cumsum(row[owners])
        if reached[-1]:
            wanted = np.array(PERCENTILES) / 100 * reached[-1]
            draws[number] = ordered[np.searchsorted(reached, wanted)]
    return {
        percent: _figure(nearest_rank(ordered, percent), draws[:, column], len(ordered))
        for column, percent in enumerate(PERCENTILES)
    }


def _mean(values: Floats, counts: Sequence[Floats]) -> Figure:
    if not len(values):
        return Figure(None)
    with np.errstate(invalid="ignore"):
        draws = np.array([row @ values / row.sum() for row in counts])
    return _figure(float(values.mean()), draws, len(values))


def _rate(slices: Sequence[Floats], drawn: Sequence[Sequence[int]]) -> Figure:
    """A rate over all repeats, which last equally long, from its slices."""
    random = np.random.default_rng(_SEED + 2)
    of_repeat = np.array(slices)
    draws = np.array(
        [
            of_repeat[np.repeat(repeats, SLICES), random.integers(SLICES, size=len(repeats) * SLICES)].mean()
            for repeats in drawn
        ]
    )
    return _figure(float(of_repeat.mean()), draws, of_repeat.size)
