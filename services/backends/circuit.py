"""A circuit breaker: a backend that keeps failing is left alone for a while, then tried again with care.

closed: requests go. After ``circuit_failures`` failures within ``circuit_window_s`` it opens.
open: requests go elsewhere or are refused at once. After ``circuit_open_s`` it is half-open, or sooner, if the backend
could not be reached and its health check answers again.
half-open: one request at a time is let through; ``circuit_successes`` in a row close it, one failure opens it again.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.settings import Seconds

State = Literal["closed", "open", "half-open"]
Count = Annotated[int, Field(ge=1, le=10_000)]


class CircuitSettings(BaseSettings):
    """When circuits open and close, for all backends alike."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    #: So many failures …
    circuit_failures: Count = 10
    #: … within so many seconds open it.
    circuit_window_s: Seconds = 120.0
    #: Seconds for which it stays open.
    circuit_open_s: Seconds = 60.0
    #: Successes in a row that close it again.
    circuit_successes: Count = 3


class Circuit:
    """The circuit of one backend in one process."""

    def __init__(self, settings: CircuitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=settings.circuit_failures)
        self._opened_at: float | None = None
        #: How often it has opened: what was admitted before the last time says nothing about now.
        self._openings = 0
        self._successes = 0
        self._trying = False
        self._unreachable = False

    @property
    def state(self) -> State:
        """What holds now."""
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() < self._opened_at + self._settings.circuit_open_s else "half-open"

    @property
    def admits(self) -> bool:
        """Whether ``admit`` would let a request through now."""
        return self._opened_at is None or (self.state == "half-open" and not self._trying)

    def admit(self) -> Admission | None:
        """Let a request through, or not (None). One of the admission's three outcomes must follow."""
        if not self.admits:
            return None
        self._trying = self._opened_at is not None
        return Admission(self, self._openings)

    @property
    def retry_after_s(self) -> int:
        """Whole seconds after which asking again may be worth while."""
        if self._opened_at is None:
            return 1
        return max(1, math.ceil(self._opened_at + self._settings.circuit_open_s - self._clock()))

    @property
    def waits_for_health(self) -> bool:
        """Whether it is open because nobody answered: then a health check can tell that it is worth another try."""
        return self.state == "open" and self._unreachable

    def healthy(self) -> None:
        """The health check answered: try it now."""
        if self.waits_for_health:
            self._opened_at = self._clock() - self._settings.circuit_open_s

    def _succeeded(self) -> None:
        self._trying = False
        if self._opened_at is None:
            self._failures.clear()
            return
        self._successes += 1
        if self._successes >= self._settings.circuit_successes:
            self._opened_at = None
            self._failures.clear()

    def _failed(self, *, unreachable: bool) -> None:
        self._trying = False
        self._unreachable = unreachable
        now = self._clock()
        self._failures.append(now)
        full = len(self._failures) == self._settings.circuit_failures
        if self._opened_at is not None or (full and now - self._failures[0] <= self._settings.circuit_window_s):
            self._opened_at = now
            self._openings += 1
            self._successes = 0

    def _abandoned(self) -> None:
        self._trying = False


@dataclass(frozen=True)
class Admission:
    """One request that a circuit let through. It reports one outcome; those from before it last opened do not count."""

    _circuit: Circuit
    _openings: int

    def succeeded(self) -> None:
        """The backend did what was asked."""
        if self._counts:
            self._circuit._succeeded()

    def failed(self, *, unreachable: bool = False) -> None:
        """The backend kept silent or broke down or, if so said, could not be reached at all."""
        if self._counts:
            self._circuit._failed(unreachable=unreachable)

    def abandoned(self) -> None:
        """It says nothing about the backend: the client left, its request was wrong, or the backend is only busy."""
        if self._counts:
            self._circuit._abandoned()

    @property
    def _counts(self) -> bool:
        return self._openings == self._circuit._openings
