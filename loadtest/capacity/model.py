"""From an engine's service to how many robots so many of such engines carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.capacity.chain import Robots, Steady, open_queue
from loadtest.capacity.observed import Observed
from loadtest.capacity.question import Question
from loadtest.capacity.service import Service
from loadtest.capacity.simulation import with_arrivals, with_robots

#: Numbers of robots that are told, over the number with which the engines have just no time left.
_GRID = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25)
#: Arrivals that are told, over the most that one engine serves. Beyond 1 only the chain is asked: the queue of a
#: simulation would take as long as a real one to fill.
_ARRIVALS = (0.5, 0.7, 0.8, 0.9, 1.2)
#: A number of robots is found to within so much of itself.
_CLOSE = 0.005


@dataclass(frozen=True)
class Row:
    """So many robots at so many engines: means by the chain, everything else as simulated."""

    engines: int
    robots: int
    means: Steady
    simulated: Observed


@dataclass(frozen=True)
class Arrivals:
    """Orders at random at one engine; beyond what it can serve there is no simulation."""

    per_s: float
    means: Steady
    simulated: Observed | None


@dataclass(frozen=True)
class Answer:
    """What the model says, of one engine and as many as were asked for.

    ``carries`` are robots by engines: so many are served within the objectives.
    """

    service: Service
    carries: dict[int, int]
    rows: Sequence[Row]
    arrivals: Sequence[Arrivals]

    def row(self, engines: int, robots: int) -> Row:
        """One that there is."""
        return next(row for row in self.rows if (row.engines, row.robots) == (engines, robots))


class Model:
    """Asks chain and simulation, each only once for the same."""

    def __init__(self, service: Service, question: Question) -> None:
        self._service = service
        self._question = question
        self._simulated: dict[tuple[int, int], Observed] = {}

    def answer(self) -> Answer:
        """Everything; of one engine, which is what is checked, there is a row for each number of robots checked."""
        question = self._question
        carries = {engines: self.carries(engines) for engines in sorted({1, *question.engines})}
        rows = []
        for engines, most in carries.items():
            balance = self._balance(engines)
            robots = {max(1, round(share * balance)) for share in _GRID} | {most}
            robots |= set(soaked(most)) if engines == 1 else set()
            rows += self.rows(engines, sorted(robots - {0}))
        return Answer(self._service, carries, rows, [self._arrivals(share) for share in _ARRIVALS])

    def carries(self, engines: int) -> int:
        """The most robots of whose orders the share asked for keeps the objectives; 0 if not even one robot's do."""
        if not self._kept(engines, 1):
            return 0
        low, high = 1, max(2, math.ceil(self._balance(engines)))
        while self._kept(engines, high):
            low, high = high, 2 * high
        while high - low > max(1, int(_CLOSE * low)):
            middle = (low + high) // 2
            if self._kept(engines, middle):
                low = middle
            else:
                high = middle
        return low

    def rows(self, engines: int, robots: Sequence[int]) -> list[Row]:
        """Rows for so many engines, and rising numbers of robots."""
        service, question = self._service, self._question
        chain = Robots(service.rates, service.slots, question.think_s, engines, robots[-1])
        return [Row(engines, count, chain.steady(count), self._simulate(engines, count)) for count in robots]

    def _balance(self, engines: int) -> float:
        """Robots with which the engines have just no time left, if none of them ever waits."""
        alone_s = sum(self._service.paces_s(1))
        return engines * self._service.most * (self._question.think_s + alone_s)

    def _kept(self, engines: int, robots: int) -> bool:
        return self._simulate(engines, robots).share_within(self._question.slos) >= self._question.share

    def _simulate(self, engines: int, robots: int) -> Observed:
        if (engines, robots) not in self._simulated:
            question = self._question
            self._simulated[engines, robots] = with_robots(
                self._service, robots, question.think_s, engines=engines, limit=question.queue_limit,
                orders=question.orders, seed=question.seed,
            )  # fmt: skip
        return self._simulated[engines, robots]

    def _arrivals(self, share: float) -> Arrivals:
        service, question = self._service, self._question
        per_s, limit = share * service.most, question.queue_limit
        simulated = None
        if share < 1:
            simulated = with_arrivals(service, per_s, limit=limit, orders=question.orders, seed=question.seed)
        return Arrivals(per_s, open_queue(service.rates, service.slots, per_s, limit), simulated)


def soaked(carries: int) -> tuple[int, ...]:
    """Numbers of robots at which a model of one engine is checked: what it says that are carried, and half of them."""
    return tuple(sorted({max(1, carries // 2), max(1, carries)}))
