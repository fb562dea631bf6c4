"""The robot's time: simulated seconds that pass at a settable speed, and things that happen at a moment.

No thread ever sleeps on behalf of a robot call. A call that takes time is an ``Activity`` that the clock ends when its
moment comes, or that somebody ends sooner; so any number of calls may be under way and a stop is never held up.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Where the model reads the time and asks to be called back."""

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""

    def now(self) -> float:
        """Simulated seconds since the robot was switched on."""

    def call_at(self, moment: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` once ``now()`` has reached ``moment``."""


class ScaledClock:
    """A clock that follows the machine's own, ``speed`` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        if not 0.01 <= speed <= 1000.0:
            raise ValueError(f"speed must be between 0.01 and 1000 simulated seconds per second, not {speed}")
        self._speed = speed
        self._origin = time.monotonic()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="simulated-clock", daemon=True)
        self._thread.start()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return (time.monotonic() - self._origin) * self._speed

    def call_at(self, moment: float, callback: Callable[[], None]) -> None:
        with self._wake:
            heapq.heappush(self._due, (moment, next(self._order), callback))
            self._wake.notify()

    def close(self) -> None:
        """Stop calling back; what is still due is dropped."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closed and not (self._due and self._due[0][0] <= self.now()):
                    self._wake.wait((self._due[0][0] - self.now()) / self._speed if self._due else None)
                if self._closed:
                    return
                callback = heapq.heappop(self._due)[2]
            try:
                callback()
            except Exception:  # one call's trouble must not stop the time of all others
                log.exception("an activity could not end")


class SteppedClock:
    """Stands still until it is moved; what falls due on the way happens at its own moment, in the caller's thread."""

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
        """Let so many seconds pass."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            self._step()
        self._now = end

    def wait_for(self, activity: Activity) -> None:
        """Let time pass until the activity has ended."""
        while activity.completed is None:
            self._step()

    def _step(self) -> None:
        moment, _, callback = heapq.heappop(self._due)
        self._now = max(self._now, moment)
        callback()


class Activity:
    """Something the robot is doing until a known moment, unless it is ended sooner.

    ``completed`` is None while it lasts, then True when it ran its course and False when it was cut short; ``error``
    says why the call that it belongs to has failed, if it has.
    """

    def __init__(self, clock: Clock, ends: float) -> None:
        self.starts = clock.now()
        self.ends = max(ends, self.starts)
        self.completed: bool | None = None
        self.error: str | None = None
        self._listeners: list[Callable[[bool], None]] = []
        self._lock = threading.Lock()
        if self.ends <= self.starts:
            self.completed = True
        else:
            clock.call_at(self.ends, lambda: self._finish(True))

    def when_done(self, listener: Callable[[bool], None]) -> None:
        """Call ``listener(completed)`` when this ends, at once if it has ended."""
        with self._lock:
            if self.completed is None:
                self._listeners.append(listener)
                return
        listener(self.completed)

    def stop(self, error: str | None = None) -> None:
        """End it now; nothing happens if it has ended."""
        self._finish(False, error)

    def _finish(self, completed: bool, error: str | None = None) -> None:
        with self._lock:
            if self.completed is not None:
                return
            self.completed, self.error = completed, error
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(completed)
