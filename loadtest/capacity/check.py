"""What the model predicted beside what a soak run measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.capacity.model import Row
from loadtest.capacity.observed import Observed

#: The model holds if it is nowhere further off than this.
TOLERANCE = 0.2


@dataclass(frozen=True)
class Figure:
    """One figure of both; times in seconds, throughput in orders a second."""

    robots: int
    what: str
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """How much more than what was measured was predicted, over what was measured."""
        return self.predicted / self.measured - 1

    @property
    def within(self) -> bool:
        """Whether it lies within the tolerance; not if nothing was measured."""
        return abs(self.error) <= TOLERANCE


@dataclass(frozen=True)
class Soak:
    """So many robots for so long, as predicted and as it was."""

    predicted: Row
    measured: Observed

    @property
    def figures(self) -> list[Figure]:
        """Throughput and times side by side; none if no order was answered."""
        row, was = self.predicted, self.measured
        if not len(was.e2e_s) or not was.throughput:
            return []
        pairs = [("orders/s", row.means.throughput, was.throughput)]
        for time, name in (("e2e", "E2E"), ("ttfa", "TTFA")):
            for percent in (50, 95):
                both = (row.simulated.percentile(time, percent), was.percentile(time, percent))
                pairs.append((f"{name} p{percent}, s", *both))
        return [Figure(row.robots, what, predicted, measured) for what, predicted, measured in pairs]


def holds(soaks: Sequence[Soak]) -> bool | None:
    """Whether the model holds, at every number of robots in every figure; None if nothing was checked."""
    figures = [one for soak in soaks for one in soak.figures]
    return all(one.within for one in figures) if figures else None
