"""One turn as it was measured: its records, the part of them that counts, and what it cost the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from loadtest.comparison.plan import Slos, Turn
from loadtest.comparison.resources import Usage
from loadtest.records import Record

#: Parts of a turn's time, of which the interval of a rate is made.
SLICES = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A turn that was played to its end.

    Only ``seconds`` of it count, after the warm-up: rates are of the requests that ended within them, and everything
    else, latencies and outcomes, of those that were sent within them. So a queue that only grows shows in both: what is
    answered after the end adds nothing to the rate, and its wait is not left out of the latencies.
    """

    turn: Turn
    began_s: float
    """When the part that counts began, since the epoch: the first request of the turn was sent one warm-up before."""
    seconds: float
    records: Sequence[Record]
    usage: Usage = field(default_factory=Usage)
    yardstick_ms: float = 0.0
    """The slower of two fixed pieces of work right before and right after: what else the machine did."""

    @property
    def sent(self) -> list[Record]:
        """Requests that were sent in the part that counts."""
        return [one for one in self.records if 0.0 <= one.sent_at_s - self.began_s < self.seconds]

    @property
    def outcomes(self) -> Counter[str]:
        """How they ended."""
        return Counter(one.outcome for one in self.sent)

    def slices(self, slos: Slos) -> dict[str, Floats]:
        """Per second, for each of ``SLICES`` equal parts of the time that counts, of the requests that ended in it.

        ``answered`` with a program that passed the checks or not, ``requests`` completed, ``tokens`` that these put
        out, and ``good``, the requests that met every objective.
        """
        found = {name: np.zeros(SLICES) for name in ("answered", "requests", "tokens", "good")}
        for one in self.records:
            place = (one.sent_at_s + one.e2e_s - self.began_s) / self.seconds * SLICES
            if one.outcome not in ("completed", "invalid") or not 0.0 <= place < SLICES:
                continue
            found["answered"][int(place)] += 1
            if one.outcome == "invalid":
                continue
            found["requests"][int(place)] += 1
            found["tokens"][int(place)] += one.output_tokens or 0
            found["good"][int(place)] += slos.met(one)
        return {name: counts * SLICES / self.seconds for name, counts in found.items()}


def measured(
    turn: Turn,
    records: Sequence[Record],
    warm_up_s: float,
    seconds: float,
    usage: Usage | None = None,
    yardstick_ms: float = 0.0,
) -> Measured:
    """A turn by its records. Raises ValueError if there are none: nothing was sent."""
    if not records:
        raise ValueError(f"{turn.name} has no record of any request")
    began = min(one.sent_at_s for one in records) + warm_up_s
    return Measured(turn, began, seconds, records, usage or Usage(), yardstick_ms)
