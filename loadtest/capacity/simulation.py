"""The queue played order by order, with the work that orders were measured to need: percentiles come from here.

Means follow from the chain (``chain.py``), whose orders need work that varies exponentially. Programs vary less, which
the tail of the times shows. Here each order draws the work of one that was measured, and an engine serves as many as it
has places for, side by side: each advances at the pace that was measured with as many orders there.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from loadtest.capacity.observed import Observed
from loadtest.capacity.service import Service

#: Of all orders, those at the beginning that do not count, for then the queue still fills.
_WARM_UP = 0.1
_NEVER = float("inf")
#: Where all work is done before the first action, the rest takes no time, but must not be divided by.
_LEAST_S = 1e-9


@dataclass(slots=True)
class _Order:
    sent_s: float
    counts: bool
    work: tuple[float, float]
    acted_s: float = 0.0


class _Engine:
    """One engine: places, and a line of orders that wait for one.

    All orders in the same part of their work, before or after the first action, advance at one pace. So each part has
    a clock of work done, and an order of it ends when that clock has gone as far as its work goes.
    """

    def __init__(self, service: Service) -> None:
        counts = range(1, max(len(service.rates), service.slots) + 1)
        self._paces = [tuple(max(_LEAST_S, pace) for pace in service.paces_s(count)) for count in counts]
        self._slots = service.slots
        self._clocks = [0.0, 0.0]
        self._parts: tuple[list[tuple[float, int, _Order]], ...] = ([], [])
        self._line: deque[_Order] = deque()
        self._number = 0
        self._now = 0.0
        self.present = 0

    def next_s(self) -> float:
        """When the next order acts or ends."""
        found = _NEVER
        pace = self._pace()
        for part, orders in enumerate(self._parts):
            if orders:
                found = min(found, self._now + (orders[0][0] - self._clocks[part]) * pace[part])
        return found

    def arrive(self, order: _Order) -> None:
        """An order comes now."""
        self._go_on(order.sent_s)
        self.present += 1
        if len(self._parts[0]) + len(self._parts[1]) < self._slots:
            self._begin(0, order)
        else:
            self._line.append(order)

    def step(self, now_s: float) -> _Order | None:
        """What ``next_s`` told comes to pass: an order acts, or ends and is returned."""
        pace = self._pace()
        left = [
            (orders[0][0] - self._clocks[part]) * pace[part] if orders else _NEVER
            for part, orders in enumerate(self._parts)
        ]
        part = 0 if left[0] <= left[1] else 1
        self._go_on(now_s)
        self._clocks[part], _, order = heapq.heappop(self._parts[part])
        if part == 0:
            order.acted_s = now_s
            self._begin(1, order)
            return None
        self.present -= 1
        if self._line:
            self._begin(0, self._line.popleft())
        return order

    def _pace(self) -> tuple[float, ...]:
        return self._paces[min(self.present, len(self._paces)) - 1]

    def _go_on(self, now_s: float) -> None:
        for part, pace in enumerate(self._pace()):
            self._clocks[part] += (now_s - self._now) / pace
        self._now = now_s

    def _begin(self, part: int, order: _Order) -> None:
        self._number += 1
        heapq.heappush(self._parts[part], (self._clocks[part] + order.work[part], self._number, order))


def with_robots(
    service: Service, robots: int, think_s: float, *, engines: int, limit: int, orders: int, seed: int
) -> Observed:
    """Robots that each give an order, wait for its end, think (exponentially), and give the next.

    Args:
        service: of one engine; all are alike, and each order goes to one drawn at random.
        robots: how many.
        think_s: mean.
        engines: how many.
        limit: orders that may be there; a robot whose order is refused thinks, and asks again.
        orders: how many count.
        seed: of all that is drawn.
    """
    random = np.random.default_rng(abs(seed))
    # All think at the beginning, and the first orders of all do not count.
    begin = random.exponential(think_s, size=robots).tolist()
    return _Play(service, begin, think_s, engines, limit, random).observe(orders, robots, waits=True)


def with_arrivals(service: Service, arrivals_per_s: float, *, limit: int, orders: int, seed: int) -> Observed:
    """Orders that come at random (Poisson) to one engine, whatever became of those before; else as ``with_robots``."""
    random = np.random.default_rng(abs(seed))
    return _Play(service, [0.0], 1 / arrivals_per_s, 1, limit, random).observe(orders, 0, waits=False)


class _Play:
    """Engines, and what is still to come; ``due`` are the moments at which orders are sent."""

    def __init__(
        self, service: Service, due: list[float], gap_s: float, engines: int, limit: int, random: np.random.Generator
    ) -> None:
        self._service = service
        self._due = due
        self._gap_s = gap_s
        self._fleet = [_Engine(service) for _ in range(engines)]
        self._next = [_NEVER] * engines
        self._limit = limit
        self._random = random
        self._present = 0

    def observe(self, orders: int, begin: int, waits: bool) -> Observed:
        """Play until all orders that count have ended, with others behind them, as there would be.

        Args:
            orders: how many count.
            begin: how many are sent before these, besides the warm-up.
            waits: whether who sent an order sends the next only after its end.
        """
        self._draw(orders)
        heapq.heapify(self._due)
        first = begin + int(_WARM_UP * orders)
        sent = lost = ended = 0
        times: list[tuple[float, float]] = []
        began_s = last_s = 0.0
        while len(times) + lost < orders:
            at_s = min(self._next)
            if at_s <= (self._due[0] if self._due else _NEVER):
                order = self._step(at_s)
                if order is not None:
                    ended += first < sent <= first + orders
                    if order.counts:
                        times.append((order.acted_s - order.sent_s, at_s - order.sent_s))
                    if waits:
                        heapq.heappush(self._due, at_s + next(self._gaps))
                continue
            now_s = heapq.heappop(self._due)
            counts = first <= sent < first + orders
            taken = self._send(now_s, counts)
            lost += counts and not taken
            if counts:
                began_s, last_s = began_s or now_s, now_s
            if not (waits and taken):
                heapq.heappush(self._due, now_s + next(self._gaps))
            sent += 1
        found = np.array(times).reshape(-1, 2)
        return Observed(found[:, 0], found[:, 1], lost, ended / (last_s - began_s) if last_s > began_s else 0.0)

    def _draw(self, count: int) -> None:
        """Gaps, work and engines, that begin anew when as many are used up."""
        demands, random = self._service.demands, self._random
        self._gaps = cycle(random.exponential(self._gap_s, size=count).tolist())
        self._works = cycle(demands[random.integers(len(demands), size=count)].tolist())
        self._places = cycle(random.integers(len(self._fleet), size=count).tolist())

    def _send(self, now_s: float, counts: bool) -> bool:
        """Whether there was room for the order."""
        work, place = next(self._works), next(self._places)
        if self._present >= self._limit:
            return False
        self._present += 1
        self._fleet[place].arrive(_Order(now_s, counts, work))
        self._next[place] = self._fleet[place].next_s()
        return True

    def _step(self, at_s: float) -> _Order | None:
        """The order that ended, if one did."""
        place = self._next.index(at_s)
        order = self._fleet[place].step(at_s)
        self._next[place] = self._fleet[place].next_s()
        self._present -= order is not None
        return order
