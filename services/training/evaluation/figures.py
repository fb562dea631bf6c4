"""Shares with their intervals, a paired comparison, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959964  # of the normal distribution, 95 % lie within


@dataclass(frozen=True)
class Share:
    """So many hits of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's for 95 %; of nothing everything is possible."""
        if not self.of:
            return 0.0, 1.0
        share, spread = self.hits / self.of, _Z * _Z / self.of
        middle = (share + spread / 2) / (1 + spread)
        half = _Z * math.sqrt(share * (1 - share) / self.of + spread / self.of / 4) / (1 + spread)
        return max(middle - half, 0.0), min(middle + half, 1.0)


def share(flags: Iterable[bool]) -> Share:
    """How many of the flags are true."""
    known = list(flags)
    return Share(sum(known), len(known))


@dataclass(frozen=True)
class Comparison:
    """Two variants on the same items."""

    one: str
    other: str
    only_one: int
    """Items that only the first passed."""
    only_other: int
    p: float
    """McNemar's exact test: how likely a difference as large as this is, or a larger one, where there is none."""


def compare(one: str, passed_one: Sequence[bool], other: str, passed_other: Sequence[bool]) -> Comparison:
    """Compare two variants by whether each item passed; both in the same order."""
    pairs = list(zip(passed_one, passed_other, strict=True))
    only_one = sum(a and not b for a, b in pairs)
    only_other = sum(b and not a for a, b in pairs)
    return Comparison(one, other, only_one, only_other, mcnemar(only_one, only_other))


def mcnemar(only_one: int, only_other: int) -> float:
    """The two-sided p of as uneven a division of the items that only one of two passed, if each were a coin's toss."""
    count = only_one + only_other
    tail = sum(math.comb(count, hits) for hits in range(min(only_one, only_other) + 1))
    return min(1.0, tail / 2 ** (count - 1)) if count else 1.0


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The least of the values that ``percent`` per cent of them do not exceed; None of none."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1] if values else None
