"""Queues as birth-death chains: one step up with each order that comes, one down with each that is served.

How fast orders are served depends on how many are there: ``rates[n - 1]`` a second with n of them, and beyond the last
number as many as with the last. The formulas are exact for orders that arrive at random and need work that varies as
the exponential distribution does; where each place shares one engine evenly, they are for work of any kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtest.comparison.measured import Floats


@dataclass(frozen=True)
class Steady:
    """What a queue comes to in the long run, all of its engines together."""

    #: Orders that are served a second.
    throughput: float
    #: Orders that are there, on average, and how many of these have no place at an engine yet.
    present: float
    waiting: float
    #: Seconds from an order's arrival to its end, on average.
    response_s: float
    #: Share of the most that the engines can serve.
    utilisation: float
    #: Share of the orders that are refused since too many are there.
    refused: float = 0.0

    @property
    def wait_s(self) -> float:
        """Seconds that an order waits for a place, on average."""
        return self.waiting / self.throughput


def open_queue(rates: Floats, slots: int, arrivals_per_s: float, limit: int) -> Steady:
    """Orders that come at random, whatever became of those before (Poisson), to one engine.

    Args:
        rates: see above.
        slots: places at the engine; orders beyond them wait.
        arrivals_per_s: how many come.
        limit: as many may be there; one that comes then is refused.
    """
    served = _extended(rates, limit)
    logs = np.concatenate(([0.0], np.cumsum(np.log(arrivals_per_s / served))))
    chances = _normalised(logs)
    return _steady(chances, served, slots, 1, refused=float(chances[-1]))


class Robots:
    """A number of robots, each of whom gives an order, waits for its end, thinks, and gives the next.

    The machine repairman's problem, with as many workshops as there are engines. Each order goes to an engine drawn at
    random and waits there, as the router has it: there is no queue that engines share. Such a network has a product
    form (Gordon and Newell, 1967), from which everything follows without simulating.
    """

    def __init__(self, rates: Floats, slots: int, think_s: float, engines: int, most: int) -> None:
        """Prepare for up to ``most`` robots; what was prepared for many serves for few, too."""
        self._slots = slots
        self._engines = engines
        self._served = _extended(rates, most)
        counts = np.arange(1, most + 1)
        self._engine = np.concatenate(([0.0], -np.cumsum(np.log(engines * self._served))))
        thinking = np.concatenate(([0.0], np.cumsum(np.log(think_s / counts))))
        # Logarithms of the weights of all that is not the one engine looked at, by how many orders are there.
        self._rest = _joined(thinking, self._engine, engines - 1)

    def steady(self, robots: int) -> Steady:
        """What comes of so many robots, at least one and at most as many as were prepared for."""
        chances = _normalised(self._engine[: robots + 1] + self._rest[robots::-1])
        return _steady(chances, self._served[:robots], self._slots, self._engines)


def _steady(chances: Floats, served: Floats, slots: int, engines: int, refused: float = 0.0) -> Steady:
    """From the chances that 0, 1, 2 … orders are at an engine; engines are alike, so that one stands for all."""
    counts = np.arange(len(chances))
    throughput = float(chances[1:] @ served)
    present = float(chances @ counts)
    return Steady(
        throughput=engines * throughput,
        present=engines * present,
        waiting=engines * float(chances @ np.maximum(0, counts - slots)),
        response_s=present / throughput,
        utilisation=throughput / float(served.max()),
        refused=refused,
    )


def _extended(rates: Floats, most: int) -> Floats:
    """Rates for 1 to ``most`` orders."""
    return np.concatenate((rates[:most], np.full(max(0, most - len(rates)), rates[-1])))


def _normalised(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _joined(weights: Floats, logs: Floats, times: int) -> Floats:
    """Weights convolved with others as often as said."""
    while times:
        if times % 2:
            weights = _convolved(weights, logs)
        times //= 2
        if times:
            logs = _convolved(logs, logs)
    return weights


def _convolved(one: Floats, other: Floats) -> Floats:
    """In logarithms, for the weights of a thousand robots are beyond what a number can hold."""
    found = np.empty(len(one))
    for count in range(len(one)):
        sums = one[: count + 1] + other[count::-1]
        most = sums.max()
        found[count] = most + np.log(np.exp(sums - most).sum())
    return found
