"""Walking as odometry: where the robot is on the floor, in metres and radians from where it was switched on."""

from __future__ import annotations

import math
from dataclasses import dataclass

# NAO's default gait: steps of 0.040 m ahead, 0.140 m aside and 0.349 rad of turn, a step every 0.42 s. The feet take
# turns, so only every second step can go aside or turn.
STEP_S = 0.42
MAX_X = 0.040 / STEP_S
MAX_Y = 0.140 / (2 * STEP_S)
MAX_THETA = 0.349 / (2 * STEP_S)


@dataclass(frozen=True)
class Pose:
    """Place and heading on the floor: metres, metres, radians (−π to π)."""

    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0

    def moved(self, x: float, y: float, theta: float) -> Pose:
        """Return the pose reached by a displacement given in this pose's own frame."""
        cos, sin = math.cos(self.theta), math.sin(self.theta)
        heading = math.remainder(self.theta + theta, 2 * math.pi)
        return Pose(self.x + cos * x - sin * y, self.y + sin * x + cos * y, heading)

    def driven(self, vx: float, vy: float, omega: float, seconds: float) -> Pose:
        """Return the pose after walking at a constant velocity (m/s, m/s, rad/s), which draws an arc when turning."""
        angle = omega * seconds
        if abs(angle) < 1e-9:
            return self.moved(vx * seconds, vy * seconds, 0.0)
        a, b = math.sin(angle) / omega, (1 - math.cos(angle)) / omega
        return self.moved(vx * a - vy * b, vx * b + vy * a, angle)


def walk_s(x: float, y: float, theta: float) -> float:
    """Return the seconds that a displacement takes: the slowest of its parts, in whole steps."""
    longest = max(abs(x) / MAX_X, abs(y) / MAX_Y, abs(theta) / MAX_THETA)
    return math.ceil(round(longest / STEP_S, 6)) * STEP_S


class Odometry:
    """The robot's pose over time: standing, on the way of a displacement, or walking at a velocity."""

    def __init__(self) -> None:
        self._origin = Pose()
        self._since = 0.0
        self._velocity = (0.0, 0.0, 0.0)
        self._displacement: tuple[float, float, float] | None = None
        self._takes = 0.0

    def pose(self, moment: float) -> Pose:
        elapsed = max(0.0, moment - self._since)
        if self._displacement is not None:
            share = min(1.0, elapsed / self._takes) if self._takes else 1.0
            x, y, theta = self._displacement
            return self._origin.moved(share * x, share * y, share * theta)
        return self._origin.driven(*self._velocity, elapsed)

    def moving(self, moment: float) -> bool:
        if self._displacement is not None:
            return moment < self._since + self._takes
        return any(self._velocity)

    def displace(self, x: float, y: float, theta: float, begins: float) -> float:
        """Walk a displacement in the robot's frame from the moment ``begins`` on; return the moment of arrival."""
        self.halt(begins)
        self._displacement, self._takes = (x, y, theta), walk_s(x, y, theta)
        return begins + self._takes

    def drive(self, vx: float, vy: float, omega: float, moment: float) -> None:
        """Walk at a velocity (m/s, m/s, rad/s), cut to what the gait can do, until told otherwise."""
        self.halt(moment)
        self._velocity = (
            min(max(vx, -MAX_X), MAX_X),
            min(max(vy, -MAX_Y), MAX_Y),
            min(max(omega, -MAX_THETA), MAX_THETA),
        )

    def halt(self, moment: float) -> None:
        """Stand still where the robot is."""
        self._origin, self._since = self.pose(moment), moment
        self._velocity, self._displacement = (0.0, 0.0, 0.0), None
