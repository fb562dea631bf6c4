"""Walking as odometry: where the robot is on the floor, in metres and radians from where it was switched on."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

# NAO's default gait: steps of 0.040 m ahead, 0.140 m aside and 0.349 rad of turn, a step every 0.42 s. The feet take
# turns, so only every second step can go aside or turn.
STEP_S = 0.42
MAX_X = 0.040 / STEP_S
MAX_Y = 0.140 / (2 * STEP_S)
MAX_THETA = 0.349 / (2 * STEP_S)

BEND_RAD = 0.2
MOST_BENDS = 200
KEPT_LEGS = 1000  # of the past: a bound on memory that a behaviour seldom meets and nothing but its picture needs


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

    def seen(self, other: Pose) -> Pose:
        """Return another pose in this one's own frame."""
        cos, sin, x, y = math.cos(self.theta), math.sin(self.theta), other.x - self.x, other.y - self.y
        heading = math.remainder(other.theta - self.theta, 2 * math.pi)
        return Pose(cos * x + sin * y, cos * y - sin * x, heading)

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


@dataclass(frozen=True)
class _Leg:
    """A stretch of the way: from ``since`` on at a velocity, or along a displacement that takes ``takes`` seconds."""

    since: float
    origin: Pose
    steps: float
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    displacement: tuple[float, float, float] | None = None
    takes: float = 0.0

    def pose(self, moment: float) -> Pose:
        elapsed = max(0.0, moment - self.since)
        if self.displacement is not None:
            share = min(1.0, elapsed / self.takes) if self.takes else 1.0
            x, y, theta = self.displacement
            return self.origin.moved(share * x, share * y, share * theta)
        return self.origin.driven(*self.velocity, elapsed)

    def walked_s(self, moment: float) -> float:
        elapsed = max(0.0, moment - self.since)
        if self.displacement is not None:
            return min(elapsed, self.takes)
        return elapsed if any(self.velocity) else 0.0

    def bends(self, until: float) -> list[float]:
        """Moments at which its course has turned so far that a straight line would cut the corner."""
        found = [self.since]
        if self.displacement is not None:
            found.append(self.since + self.takes)
        elif self.velocity[2]:
            every = BEND_RAD / abs(self.velocity[2])
            count = min(int((until - self.since) / every), MOST_BENDS)
            found += [self.since + every * (number + 1) for number in range(count)]
        return found


class Odometry:
    """The robot's pose over time: standing, on the way of a displacement, or walking at a velocity."""

    def __init__(self) -> None:
        self._legs = [_Leg(0.0, Pose(), 0.0)]

    def pose(self, moment: float) -> Pose:
        return self._leg(moment).pose(moment)

    def steps(self, moment: float) -> float:
        """Return how many steps it has made, whole and begun."""
        leg = self._leg(moment)
        return leg.steps + leg.walked_s(moment) / STEP_S

    def moving(self, moment: float) -> bool:
        leg = self._legs[-1]
        if leg.displacement is not None:
            return moment < leg.since + leg.takes
        return any(leg.velocity)

    def displace(self, x: float, y: float, theta: float, begins: float) -> float:
        """Walk a displacement in the robot's frame from the moment ``begins`` on; return the moment of arrival."""
        takes = walk_s(x, y, theta)
        self._go_on(begins, displacement=(x, y, theta), takes=takes)
        return begins + takes

    def drive(self, vx: float, vy: float, omega: float, moment: float) -> None:
        """Walk at a velocity (m/s, m/s, rad/s), cut to what the gait can do, until told otherwise."""
        velocity = (
            min(max(vx, -MAX_X), MAX_X),
            min(max(vy, -MAX_Y), MAX_Y),
            min(max(omega, -MAX_THETA), MAX_THETA),
        )
        self._go_on(moment, velocity=velocity)

    def halt(self, moment: float) -> None:
        """Stand still where the robot is."""
        self._go_on(moment)

    def forget(self, before: float) -> None:
        """Drop the past before a moment."""
        self._legs = self._legs[self._legs.index(self._leg(before)) :]

    def moments(self, since: float, until: float) -> set[float]:
        """Return the moments between the two at which the way bends."""
        return {moment for leg in self._legs for moment in leg.bends(until) if since < moment < until}

    def _leg(self, moment: float) -> _Leg:
        index = bisect_right(self._legs, moment, key=lambda leg: leg.since)
        return self._legs[max(0, index - 1)]

    def _go_on(self, moment: float, **course: Any) -> None:
        """Begin another leg; those that were to begin later are dropped."""
        leg = _Leg(moment, self.pose(moment), self.steps(moment), **course)
        past = [known for known in self._legs if known.since < moment]
        self._legs = [*past[-KEPT_LEGS:], leg]
