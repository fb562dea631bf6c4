"""Engines whose figures are known, and the published formulas of the queues that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from loadtest.capacity.question import Question
from loadtest.capacity.service import Service
from loadtest.comparison.measured import Floats

QUESTION = Question(
    backend="llamacpp",
    mix="daily",
    seed=7,
    levels=(1.0, 2.0, 4.0, 8.0),
    seconds=10.0,
    warm_up_s=2.0,
    timeout_s=60.0,
    think_s=5.0,
    ttfa_s=1.0,
    e2e_s=2.0,
    percentile=95.0,
    engines=(1, 2),
    soak_s=60.0,
    queue_limit=1000,
    orders=2000,
)


def exponential(count: int = 20_000) -> Floats:
    """Values of the exponential distribution with mean 1, evenly over its whole range."""
    values = -np.log((np.arange(count) + 0.5) / count)
    return np.asarray(values / values.mean())


def engine(rate: float, slots: int, demands: Sequence[float] | Floats = (1.0,), first: float = 0.4) -> Service:
    """Places that do not disturb one another, each of which serves so many a second."""
    counts = np.arange(1, slots + 1)
    return Service(rate * counts, np.full(slots, first), slots, np.column_stack([demands, demands]))


def erlang_c(offered: float, servers: int) -> float:
    """The chance that an order has to wait in an M/M/c queue; ``offered`` is arrivals / rate of one server."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**count / math.factorial(count) for count in range(servers)) + last)


def repairmen(machines: int, menders: int, up_s: float, mend_s: float) -> tuple[float, float]:
    """Mended a second, and the mean of those that are down, of the machine repairman's problem (M/M/c//N)."""
    weights = []
    for down in range(machines + 1):
        weight = math.comb(machines, down) * (mend_s / up_s) ** down
        if down > menders:
            weight *= math.factorial(down) / (math.factorial(menders) * menders ** (down - menders))
        weights.append(weight)
    chances = [weight / sum(weights) for weight in weights]
    mended = sum(chance * min(down, menders) / mend_s for down, chance in enumerate(chances))
    return mended, sum(chance * down for down, chance in enumerate(chances))
