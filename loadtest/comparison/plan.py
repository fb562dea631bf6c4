"""What is measured, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loadtest.records import Door, Record

Arrivals = Literal["closed", "poisson"]


@dataclass(frozen=True, slots=True)
class Slos:
    """The longest that a request may take to count as good, in seconds; None: as long as it likes."""

    ttft_s: float | None = None
    ttfa_s: float | None = None
    e2e_s: float | None = None

    def met(self, record: Record) -> bool:
        """Whether a request was completed and met every objective. A time that never came meets none."""
        pairs = ((self.ttft_s, record.ttft_s), (self.ttfa_s, record.ttfa_s), (self.e2e_s, record.e2e_s))
        return record.outcome == "completed" and all(
            limit is None or (time is not None and time <= limit) for limit, time in pairs
        )

    def told(self) -> str:
        """The objectives in words; "none" if there is none."""
        named = (("TTFT", self.ttft_s), ("TTFA", self.ttfa_s), ("E2E", self.e2e_s))
        return ", ".join(f"{name} ≤ {limit:g} s" for name, limit in named if limit is not None) or "none"


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One backend at one level, once."""

    repeat: int
    level: float
    backend: str

    @property
    def name(self) -> str:
        """For files, such as ``r1-4-llamacpp``."""
        return f"r{self.repeat + 1}-{self.level:g}-{re.sub(r'[^a-zA-Z0-9_.]+', '-', self.backend)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison. Times in seconds."""

    backends: tuple[str, ...]
    door: Door
    mix: str
    seed: int
    arrivals: Arrivals
    #: Users at once (closed loop) or requests a second (Poisson), rising.
    levels: tuple[float, ...]
    seconds: float
    warm_up_s: float
    repeats: int
    #: A request that takes longer is given up.
    timeout_s: float
    slos: Slos
    #: Closed loop: seconds between a user's answer and its next request, on average (exponential).
    think_s: float = 0.0

    def level_told(self, level: float) -> str:
        """A level in words, such as ``4 at once``."""
        return f"{level:g} at once" if self.arrivals == "closed" else f"{level:g} requests/s"

    def traffic_seed(self, turn: Turn) -> int:
        """The same for all backends, and another for each repeat and level: repeats are samples of the traffic."""
        return self.seed + 1 + turn.repeat * len(self.levels) + self.levels.index(turn.level)

    def turns(self) -> Iterator[Turn]:
        """All turns in order: A B at one level, B A at the next, and each level the other way round in the next repeat.

        What drifts steadily, as a processor that grows warm, then meets each backend alike. Every second repeat goes
        through the levels downwards.
        """
        for repeat in range(self.repeats):
            for level in self.levels if repeat % 2 == 0 else self.levels[::-1]:
                forwards = (repeat + self.levels.index(level)) % 2 == 0
                for backend in self.backends if forwards else self.backends[::-1]:
                    yield Turn(repeat, level, backend)

    def turns_apart(self) -> Iterator[Turn]:
        """All turns for backends of which only one can be up at a time: all levels of one, then of the next; ABBA."""
        for repeat in range(self.repeats):
            for backend in self.backends if repeat % 2 == 0 else self.backends[::-1]:
                for level in self.levels if repeat % 2 == 0 else self.levels[::-1]:
                    yield Turn(repeat, level, backend)

    def lasts_s(self) -> float:
        """About how long it takes, without the starts."""
        return len(self.backends) * len(self.levels) * self.repeats * (self.seconds + self.warm_up_s + 5.0)
