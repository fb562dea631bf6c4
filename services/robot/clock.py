"""The time that a robot lives in: a simulated one's own, or this machine's."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.robot.errors import RobotFault


class RobotClock:
    """Follows the clock of a simulated robot, read once for each connection; a real robot has none."""

    def __init__(self) -> None:
        self._read: tuple[float, float, float] | None = None

    @property
    def simulated(self) -> bool:
        """Whether the robot has a clock of its own."""
        return self._read is not None

    @property
    def speed(self) -> float:
        """Seconds of the robot's clock in one of this machine's."""
        return 1.0 if self._read is None else self._read[2]

    def now(self) -> float:
        """Return seconds on the robot's clock: the simulation's own time, else this machine's steady clock."""
        moment = time.monotonic()
        if self._read is None:
            return moment
        simulated, real, speed = self._read
        return simulated + (moment - real) * speed

    async def read(self, ask: Callable[[str], Awaitable[Any]]) -> None:
        """Read the clock: ``ask`` calls a method of ``SimulatedClock``, the service of every simulated robot.

        Raises RobotUnreachable as it does.
        """
        try:
            speed = float(await ask("speed"))
            simulated = float(await ask("now"))
            self._read = (simulated, time.monotonic(), speed)
        except RobotFault:  # a real robot has no such service
            self._read = None
