"""Puts the simulated Porter on a qi session of its own."""

from __future__ import annotations

from services.robot.simulator.clock import Clock
from services.robot.simulator.porter.model import Porter
from services.robot.simulator.porter.surface import robot
from services.robot.simulator.server import SimulatedRobot
from services.robot.simulator.surface.base import Surface
from services.robot.simulator.surface.simulation import SimulatedClock, SimulatedState


class SimulatedPorter(SimulatedRobot):
    """A simulated Porter."""

    def _services(self, clock: Clock) -> list[Surface]:
        self.porter = Porter(clock)
        return [robot(self.porter), SimulatedClock(self.porter), SimulatedState(self.porter)]
