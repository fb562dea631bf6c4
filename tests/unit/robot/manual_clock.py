"""A clock that tests move by hand."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class ManualClock:
    """Stands still until ``advance``; what falls due on the way happens at its own moment."""

    speed = 1.0

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def call_at(self, moment: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._order), callback))

    def advance(self, seconds: float) -> None:
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            moment, _, callback = heapq.heappop(self._due)
            self._now = max(self._now, moment)
            callback()
        self._now = end
