"""What is asked of the model, and what has to be measured for it. Needs only the standard library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.comparison.plan import Plan, Slos

#: The soak's traffic is drawn with a seed that is so much higher.
_ANEW = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """How many robots do so many engines carry? Times in seconds."""

    backend: str
    mix: str
    seed: int
    #: Orders at once at which one engine is measured, rising.
    levels: tuple[float, ...]
    seconds: float
    warm_up_s: float
    #: An order that takes longer is given up.
    timeout_s: float
    #: From an answer to the same robot's next order, on average (exponential).
    think_s: float
    #: The longest that an order may take to its first action, and to its end.
    ttfa_s: float
    e2e_s: float
    #: Per cent of all orders that must keep both.
    percentile: float
    engines: tuple[int, ...]
    #: How long the model is checked, at each of two numbers of robots; 0: not at all.
    soak_s: float
    #: Orders that the router lets wait or be in hand; one more is refused.
    queue_limit: int
    #: Orders of each simulation.
    orders: int

    @property
    def slos(self) -> Slos:
        """Both objectives."""
        return Slos(None, self.ttfa_s, self.e2e_s)

    @property
    def share(self) -> float:
        """Of all orders that must keep both objectives, from 0 to 1."""
        return self.percentile / 100

    def measuring(self) -> Plan:
        """The closed loops without think time from which the model is made."""
        return self._plan(self.seed, self.levels, self.warm_up_s, self.seconds, 0.0)

    def soak(self, robots: Sequence[int]) -> Plan:
        """The run that the model is checked against.

        Its orders are others than those that the model was made of. All robots ask at its start, and only after
        thinking once does each have a time of its own: the warm-up is longer by that.
        """
        numbers = tuple(sorted({float(count) for count in robots}))
        return self._plan(self.seed + _ANEW, numbers, self.warm_up_s + self.think_s, self.soak_s, self.think_s)

    def lasts_s(self) -> float:
        """About how long measuring takes, without the start."""
        return self.measuring().lasts_s() + (self.soak((1, 2)).lasts_s() if self.soak_s else 0.0)

    def told(self) -> str:
        """What an order must keep, in words."""
        return f"{self.percentile:g} % of all orders with {self.slos.told()}"

    def _plan(self, seed: int, levels: tuple[float, ...], warm_up_s: float, seconds: float, think_s: float) -> Plan:
        return Plan(
            backends=(self.backend,),
            door="durable",
            mix=self.mix,
            seed=seed,
            arrivals="closed",
            levels=levels,
            seconds=seconds,
            warm_up_s=warm_up_s,
            repeats=1,
            timeout_s=self.timeout_s,
            slos=self.slos,
            think_s=think_s,
        )
