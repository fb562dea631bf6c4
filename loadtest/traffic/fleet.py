"""The robots of a load test: who each is, what it asks for and when, all of it from the seed.

Robot 0, 1, 2 … of every run with the same settings asks for the same instructions at the same times of its own. With
several backends each belongs to one, in turn, and the first robots of all backends ask for the same, then the second:
so every backend gets the same traffic, and a slow one does not hold up the others' robots.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtest.traffic.answers import Ask
from loadtest.traffic.mix import Instruction, mixes
from loadtest.traffic.settings import Settings
from loadtest.traffic.trace import Entry


@dataclass
class Robot:
    """One robot: an identity that stays its own for the whole run."""

    number: int
    name: str
    backend: str
    priority: int
    _settings: Settings
    _sequence: Iterator[Instruction] = field(repr=False)
    _chance: random.Random = field(repr=False)
    _trace: tuple[Entry, ...] = field(default=(), repr=False)
    _asked: int = 0

    def next_ask(self) -> Ask:
        """Closed loop: what it asks for next."""
        return self._settings.ask(next(self._sequence), self.backend, self.name, self.priority)

    def think_s(self) -> float:
        """Closed loop: how long it thinks before it asks again; exponential around the mean that is set."""
        mean = self._settings.think_time_s
        return self._chance.expovariate(1 / mean) if mean > 0 else 0.0

    def next_arrival(self) -> tuple[float, Ask] | None:
        """Open loop: seconds from its request before (first: from its start) to its next one, and that; None: no more.

        Robots that each ask at random with a share of the rate make, together, a Poisson process of the whole rate;
        those that ask at a constant rate begin one after the other, so that together they do, too.
        """
        settings = self._settings
        number, self._asked = self._asked, self._asked + 1
        if settings.arrivals == "replay":
            if number >= len(self._trace):
                return None
            entry = self._trace[number]
            before_s = self._trace[number - 1].at_s if number else 0.0
            return entry.at_s - before_s, settings.ask(entry.instruction, self.backend, entry.robot, self.priority)
        every_s = settings.robots / settings.rate
        if settings.arrivals == "poisson":
            gap_s = self._chance.expovariate(1 / every_s)
        else:
            gap_s = every_s if number else every_s * (self.number % settings.robots + 1) / settings.robots
        return gap_s, self.next_ask()


class Fleet:
    """All robots of one process of the load test; ``process`` of ``processes``, so that no two share a robot."""

    def __init__(self, settings: Settings, trace: Sequence[Entry] = (), process: int = 0, processes: int = 1) -> None:
        self._settings = settings
        self._trace = trace
        self._process = process
        self._processes = processes
        self._resting: list[tuple[int, Robot]] = []
        self._made = 0

    def take(self) -> Robot:
        """A robot for a user who begins: the one with the lowest number that nobody has."""
        if self._resting:
            return heapq.heappop(self._resting)[1]
        robot = self._make(self._made * self._processes + self._process)
        self._made += 1
        return robot

    def give_back(self, robot: Robot) -> None:
        """A user ends; who takes its robot next goes on where it was."""
        heapq.heappush(self._resting, (robot.number, robot))

    def _make(self, number: int) -> Robot:
        settings = self._settings
        stream, backend = divmod(number, len(settings.backends))
        seed = f"{settings.seed}/{stream}"
        priorities, weights = zip(*settings.priorities.items(), strict=True)
        return Robot(
            number=number,
            name=f"robot-{number:04d}",
            backend=settings.backends[backend],
            priority=random.Random(f"{seed}/priority").choices(priorities, weights)[0],  # noqa: S311 - to be repeated
            _settings=settings,
            _sequence=mixes()[settings.mix].sequence(f"{seed}/instructions"),
            _chance=random.Random(f"{seed}/times"),  # noqa: S311
            _trace=tuple(self._trace[stream :: settings.robots // len(settings.backends)]),
        )
