"""Joint angles over time: every joint follows a path of straight lines, bounded by its limits and its speed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from services.robot.simulator.anatomy import HIP_YAW_PITCH, JOINTS, head_pitch_limits
from services.robot.simulator.track import Track, linear


class Joints:
    """The joints of the robot; moments are simulated seconds and angles radians (hands 0 to 1)."""

    def __init__(self, angles: Mapping[str, float]) -> None:
        self._tracks = {name: Track(angles[name], linear) for name in JOINTS}

    def angle(self, name: str, moment: float) -> float:
        """Return where the joint is; the head's pitch gives way to the shoulders when the head is turned."""
        value = self._tracks[name].at(moment)
        if name == "HeadPitch":
            low, high = head_pitch_limits(self._tracks["HeadYaw"].at(moment))
            value = min(max(value, low), high)
        return value

    def angles(self, moment: float) -> dict[str, float]:
        """Return where all joints are."""
        return {name: self.angle(name, moment) for name in JOINTS}

    def follow(self, name: str, keys: Sequence[tuple[float, float]], moment: float) -> float:
        """Send a joint along ``keys``, pairs of (seconds from now, angle), and return the seconds that it takes.

        Angles outside the limits are clamped, and a leg too fast for the motor takes longer, as on the robot.
        """
        joint = JOINTS[name]
        arrives, was = moment, self.angle(name, moment)
        path: list[tuple[float, float]] = []
        late = 0.0
        for after, wanted in keys:
            angle = min(max(wanted, joint.low), joint.high)
            fastest = arrives + abs(angle - was) / joint.speed
            arrives = moment + after + late
            if arrives < fastest:
                late += fastest - arrives
                arrives = fastest
            path.append((arrives, angle))
            was = angle
        for driven in HIP_YAW_PITCH if name in HIP_YAW_PITCH else (name,):
            self._tracks[driven].go(moment, path)
        return arrives - moment

    def hold(self, name: str, moment: float) -> None:
        """Stop the joint where it is."""
        self._tracks[name].hold(moment)

    def put(self, angles: Mapping[str, float], moment: float) -> None:
        """Place joints at once, as a hand would between two behaviours."""
        for name, angle in angles.items():
            self._tracks[name].put(moment, angle)

    def end(self, names: Iterable[str]) -> float:
        """Return the moment from which on none of the joints moves any more."""
        return max(self._tracks[name].end for name in names)

    def forget(self, before: float) -> None:
        """Drop what was before a moment."""
        for track in self._tracks.values():
            track.forget(before)

    def moments(self, since: float, until: float) -> set[float]:
        """Return the moments between the two at which a joint's motion changes."""
        return {moment for track in self._tracks.values() for moment in track.moments(since, until)}


def require_finite(values: Sequence[object], what: str) -> list[float]:
    """Return the values as floats; ValueError if one is not a finite number."""
    numbers: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{what} must be finite numbers, not {value!r}")
        numbers.append(float(value))
    return numbers
