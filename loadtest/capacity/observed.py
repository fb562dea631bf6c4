"""What became of many orders, measured or simulated alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtest.comparison.figures import nearest_rank
from loadtest.comparison.measured import Floats, Measured
from loadtest.comparison.plan import Slos
from loadtest.records import Record

#: An order whose program was refused by the checks had its answer, and the engine its work.
_SERVED = ("completed", "invalid")


@dataclass(frozen=True)
class Observed:
    """Orders that were served, by their times in seconds, and how many were not."""

    ttfa_s: Floats
    e2e_s: Floats
    #: Orders that were sent and not served: refused, given up, failed.
    lost: int
    #: Orders served a second.
    throughput: float

    def share_within(self, slos: Slos) -> float:
        """Share of all orders that were served and kept both objectives."""
        kept = np.ones(len(self.e2e_s), dtype=bool)
        for values, limit in ((self.ttfa_s, slos.ttfa_s), (self.e2e_s, slos.e2e_s)):
            if limit is not None:
                kept &= values <= limit
        return float(kept.sum()) / max(1, len(kept) + self.lost)

    def percentile(self, time: str, percent: float) -> float:
        """Nearest rank; ``time`` is "ttfa" or "e2e". NaN of none."""
        values = self.ttfa_s if time == "ttfa" else self.e2e_s
        return nearest_rank(np.sort(values), percent) if len(values) else float("nan")


def served(record: Record) -> bool:
    """Whether an order had an answer, and the engine its work with it."""
    return record.outcome in _SERVED


def first_action_s(record: Record) -> float:
    """Seconds to the first action; an answer without any, such as one that declines, is its own first action."""
    return min(record.e2e_s, record.e2e_s if record.ttfa_s is None else record.ttfa_s)


def observed(turn: Measured) -> Observed:
    """A measured turn: times of the orders sent in the part that counts, and the rate of those that ended in it."""
    answered = [one for one in turn.sent if served(one)]
    ends = (one.sent_at_s + one.e2e_s - turn.began_s for one in turn.records if served(one))
    return Observed(
        ttfa_s=np.array([first_action_s(one) for one in answered]),
        e2e_s=np.array([one.e2e_s for one in answered]),
        lost=len(turn.sent) - len(answered),
        throughput=sum(0.0 <= end < turn.seconds for end in ends) / turn.seconds,
    )
