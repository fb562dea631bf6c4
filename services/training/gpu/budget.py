"""The time that a run may take, and being asked to stop: both end it between two pieces of work."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

#: Seconds before the end that nothing is begun in any more: for what a piece of work takes longer than was thought.
RESERVE_S = 15.0


class Budget:
    """Counts from its making."""

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + 60 * minutes
        self._asked = False

    def stop(self) -> None:
        """Nothing is begun any more."""
        self._asked = True

    def left_s(self) -> float:
        """Seconds that work may still take; 0 when it is over or was asked to stop."""
        return 0.0 if self._asked else max(0.0, self._end - RESERVE_S - self._clock())

    def over(self) -> bool:
        """Whether what goes on is to stop at the next occasion."""
        return self.left_s() <= 0

    def listen(self) -> None:
        """SIGINT and SIGTERM stop; the second one ends the process as ever."""

        def note(number: int, frame: object) -> None:
            self.stop()
            signal.signal(number, signal.SIG_DFL)
            print("\nStopping …", file=sys.stderr, flush=True)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, note)
