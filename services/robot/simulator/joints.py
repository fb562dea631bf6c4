"""Joint angles over time: every joint follows a path of straight lines, bounded by its limits and its speed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from services.robot.simulator.anatomy import HIP_YAW_PITCH, JOINTS, head_pitch_limits

Path = list[tuple[float, float]]  # (moment in simulated seconds, angle in radians), moments rising


def _at(path: Path, moment: float) -> float:
    index = bisect_right(path, moment, key=lambda point: point[0])
    if index == 0:
        return path[0][1]
    if index == len(path):
        return path[-1][1]
    (t0, v0), (t1, v1) = path[index - 1], path[index]
    return v0 + (v1 - v0) * (moment - t0) / (t1 - t0)


class Joints:
    """The joints of the robot; moments are simulated seconds and angles radians (hands 0 to 1)."""

    def __init__(self, angles: Mapping[str, float]) -> None:
        self._paths: dict[str, Path] = {name: [(0.0, angles[name])] for name in JOINTS}

    def angle(self, name: str, moment: float) -> float:
        """Return where the joint is; the head's pitch gives way to the shoulders when the head is turned."""
        value = _at(self._paths[name], moment)
        if name == "HeadPitch":
            low, high = head_pitch_limits(_at(self._paths["HeadYaw"], moment))
            value = min(max(value, low), high)
        return value

    def target(self, name: str) -> float:
        """Return where the joint's present path ends."""
        return self._paths[name][-1][1]

    def follow(self, name: str, keys: Sequence[tuple[float, float]], moment: float) -> float:
        """Send a joint along ``keys``, pairs of (seconds from now, angle), and return the seconds that it takes.

        Angles outside the limits are clamped, and a leg too fast for the motor takes longer, as on the robot.
        """
        joint = JOINTS[name]
        path: Path = [(moment, self.angle(name, moment))]
        late = 0.0
        for after, angle in keys:
            angle = min(max(angle, joint.low), joint.high)
            moment_before, angle_before = path[-1]
            fastest = moment_before + abs(angle - angle_before) / joint.speed
            arrival = moment + after + late
            if arrival < fastest:
                late += fastest - arrival
                arrival = fastest
            path.append((arrival, angle))
        for driven in HIP_YAW_PITCH if name in HIP_YAW_PITCH else (name,):
            self._paths[driven] = path
        return path[-1][0] - moment

    def hold(self, name: str, moment: float) -> None:
        """Stop the joint where it is."""
        self._paths[name] = [(moment, self.angle(name, moment))]

    def put(self, angles: Mapping[str, float], moment: float) -> None:
        """Place joints at once, as a hand would between two behaviours."""
        for name, angle in angles.items():
            self._paths[name] = [(moment, angle)]


def require_finite(values: Sequence[object], what: str) -> list[float]:
    """Return the values as floats; ValueError if one is not a finite number."""
    numbers: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{what} must be finite numbers, not {value!r}")
        numbers.append(float(value))
    return numbers
