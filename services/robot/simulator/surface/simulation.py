"""SimulatedClock and SimulatedState: what only a simulated robot has."""

from __future__ import annotations

from typing import Any

import qi

from services.robot.simulator.surface.base import Surface, method


@qi.multiThreaded()
class SimulatedClock(Surface):
    """The robot's own time."""

    @method(qi.Double, logged=False)
    def now(self) -> float:
        """Simulated seconds since the robot was switched on."""
        return self._robot.clock.now()

    @method(qi.Double, logged=False)
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._robot.clock.speed


@qi.multiThreaded()
class SimulatedState(Surface):
    """A look at the whole robot, and setting it as a scene says."""

    @method(qi.String, logged=False)
    def snapshot(self) -> str:
        """The whole state as a JSON object."""
        return self._robot.snapshot_json()

    @method(qi.String, logged=False)
    def recording(self) -> Any:
        """What it did since it was prepared; see ``Simulated.recording_json``."""
        promise = qi.Promise()

        def tell(_: bool) -> None:
            with self._robot.lock:
                promise.setValue(self._robot.recording_json())

        self._robot.settled().when_done(tell)
        return promise.future()

    @method(qi.Void, qi.String, qi.Int32)
    def prepare(self, posture: str, battery: int) -> None:
        """Stand as a scene says; see ``Simulated.prepare``."""
        self._robot.prepare(posture, battery)
