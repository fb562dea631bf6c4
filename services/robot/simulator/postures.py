"""The postures of a NAO, and the ways from one to another that a NAO takes."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from services.robot.simulator.anatomy import JOINTS


@dataclass(frozen=True)
class Posture:
    """A named attitude: its family as NAOqi calls it, and the angle of every joint in radians."""

    family: str
    angles: dict[str, float]
    on_feet: bool
    """Whether its feet carry it."""
    lean: float
    """Radians by which the torso leans ahead, for one that its feet do not carry."""


def _posture(
    family: str,
    *,
    shoulder: tuple[float, float] = (1.44, 0.22),
    elbow: tuple[float, float] = (-1.20, -0.42),
    hip: tuple[float, float, float] = (0.0, 0.0, 0.0),
    knee: float = 0.0,
    ankle: tuple[float, float] = (0.0, 0.0),
    head_pitch: float = 0.0,
    hands: float = 0.3,
    lean: float | None = None,
) -> Posture:
    """Build a symmetric posture from the left side: (pitch, roll), (yaw, roll), (yaw-pitch, roll, pitch)."""
    left = {
        "ShoulderPitch": shoulder[0],
        "ShoulderRoll": shoulder[1],
        "ElbowYaw": elbow[0],
        "ElbowRoll": elbow[1],
        "WristYaw": 0.0,
        "Hand": hands,
        "HipYawPitch": hip[0],
        "HipRoll": hip[1],
        "HipPitch": hip[2],
        "KneePitch": knee,
        "AnklePitch": ankle[0],
        "AnkleRoll": ankle[1],
    }
    mirrored = {"ShoulderRoll", "ElbowYaw", "ElbowRoll", "HipRoll", "AnkleRoll"}
    angles = {"HeadYaw": 0.0, "HeadPitch": head_pitch}
    for name, value in left.items():
        angles["L" + name] = value
        angles["R" + name] = -value if name in mirrored else value
    clamped = {name: min(max(angles[name], joint.low), joint.high) for name, joint in JOINTS.items()}
    return Posture(family, clamped, on_feet=lean is None, lean=lean or 0.0)


# Angles of a NAO's own postures as qibullet has them, rounded and made symmetric.
POSTURES: dict[str, Posture] = {
    "Stand": _posture("Standing", hip=(-0.17, 0.12, 0.127), knee=-0.092, ankle=(0.087, -0.11), head_pitch=-0.17),
    "StandInit": _posture("Standing", shoulder=(1.40, 0.30), elbow=(-1.39, -1.01), hip=(0.0, 0.0, -0.45), knee=0.70,
                          ankle=(-0.35, 0.0), hands=0.25),
    "StandZero": _posture("Standing", shoulder=(0.0, 0.009), elbow=(0.0, -0.035), hands=0.0),
    "Crouch": _posture("Crouching", shoulder=(1.40, 0.16), elbow=(-0.79, -1.07), hip=(-0.25, -0.08, -0.70), knee=2.11,
                       ankle=(-1.18, 0.077), head_pitch=0.1, hands=0.0),
    "Sit": _posture("Sitting", shoulder=(0.91, 0.29), elbow=(-0.49, -1.21), hip=(-0.607, 0.266, -1.533), knee=1.396,
                    ankle=(0.844, -0.018), lean=-0.30),
    "SitRelax": _posture("Sitting", shoulder=(2.085, 0.12), elbow=(-2.078, -0.12), hip=(-0.52, 0.176, -1.088),
                         knee=-0.067, ankle=(0.92, 0.0), hands=0.14, lean=-0.18),
    "LyingBelly": _posture("LyingBelly", shoulder=(-0.92, 0.28), elbow=(-0.44, -1.30), hip=(-0.02, 0.12, 0.21),
                           knee=-0.091, ankle=(0.83, 0.0), head_pitch=-0.67, hands=0.1, lean=1.3),
    "LyingBack": _posture("LyingBack", shoulder=(1.68, 0.23), elbow=(-0.88, -1.53), hip=(-0.51, 0.10, 0.0), knee=0.82,
                          ankle=(0.75, 0.0), head_pitch=0.15, lean=-1.5),
}  # fmt: skip

# Seconds at full speed from one posture straight to another, there and back: estimates, as NAO's documentation gives
# none. What is not here leads through others: a NAO sits down out of a crouch and gets up by way of one.
_WAYS: dict[tuple[str, str], tuple[float, float]] = {
    ("Stand", "StandInit"): (1.5, 1.5),
    ("Stand", "StandZero"): (1.5, 1.5),
    ("StandInit", "StandZero"): (1.5, 1.5),
    ("Stand", "Crouch"): (2.0, 2.0),
    ("StandInit", "Crouch"): (1.5, 2.0),
    ("StandZero", "Crouch"): (2.0, 2.0),
    ("Crouch", "Sit"): (3.0, 3.5),
    ("Sit", "SitRelax"): (1.5, 1.5),
    ("Sit", "LyingBack"): (2.5, 3.0),
    ("LyingBack", "LyingBelly"): (3.0, 3.0),
    ("LyingBelly", "Crouch"): (5.0, 4.0),
}
_NEXT: dict[str, dict[str, float]] = {name: {} for name in POSTURES}
for (_one, _other), (_there, _back) in _WAYS.items():
    _NEXT[_one][_other], _NEXT[_other][_one] = _there, _back
SETTLE_S = 1.0
"""Seconds at full speed to come into a posture that the robot is in, or nearly."""


def route(start: str, goal: str) -> list[tuple[str, float]]:
    """Return the quickest way: the postures on it, the goal last, each with the seconds that it takes to reach it."""
    if start == goal:
        return [(goal, SETTLE_S)]
    reached = {start: (0.0, start)}
    waiting = [(0.0, start)]
    while waiting:
        seconds, here = heapq.heappop(waiting)
        for there, takes in _NEXT[here].items():
            if seconds + takes < reached.get(there, (math.inf, ""))[0]:
                reached[there] = (seconds + takes, here)
                heapq.heappush(waiting, (seconds + takes, there))
    way: list[tuple[str, float]] = []
    while goal != start:
        before = reached[goal][1]
        way.insert(0, (goal, _NEXT[before][goal]))
        goal = before
    return way
