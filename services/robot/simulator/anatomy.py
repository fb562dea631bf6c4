"""The body of a NAO H25: joints with limits and speeds, chains, postures, and the head's self-collision limits."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True)
class Joint:
    """Limits in radians (hands: 0 closed to 1 open, no unit) and the highest speed per second."""

    low: float
    high: float
    speed: float


JOINTS: dict[str, Joint] = {
    "HeadYaw": Joint(-2.0857, 2.0857, 8.268),
    "HeadPitch": Joint(-0.6720, 0.5149, 7.194),
    "LShoulderPitch": Joint(-2.0857, 2.0857, 8.268),
    "LShoulderRoll": Joint(-0.3142, 1.3265, 7.194),
    "LElbowYaw": Joint(-2.0857, 2.0857, 8.268),
    "LElbowRoll": Joint(-1.5446, -0.0349, 7.194),
    "LWristYaw": Joint(-1.8239, 1.8239, 24.62),
    "LHand": Joint(0.0, 1.0, 8.33),
    "LHipYawPitch": Joint(-1.1453, 0.7407, 4.162),
    "LHipRoll": Joint(-0.3794, 0.7905, 4.162),
    "LHipPitch": Joint(-1.5359, 0.4840, 6.402),
    "LKneePitch": Joint(-0.0923, 2.1126, 6.402),
    "LAnklePitch": Joint(-1.1894, 0.9226, 6.402),
    "LAnkleRoll": Joint(-0.3978, 0.7690, 4.162),
    "RHipYawPitch": Joint(-1.1453, 0.7407, 4.162),
    "RHipRoll": Joint(-0.7905, 0.3794, 4.162),
    "RHipPitch": Joint(-1.5359, 0.4840, 6.402),
    "RKneePitch": Joint(-0.0923, 2.1126, 6.402),
    "RAnklePitch": Joint(-1.1863, 0.9320, 6.402),
    "RAnkleRoll": Joint(-0.7690, 0.3978, 4.162),
    "RShoulderPitch": Joint(-2.0857, 2.0857, 8.268),
    "RShoulderRoll": Joint(-1.3265, 0.3142, 7.194),
    "RElbowYaw": Joint(-2.0857, 2.0857, 8.268),
    "RElbowRoll": Joint(0.0349, 1.5446, 7.194),
    "RWristYaw": Joint(-1.8239, 1.8239, 24.62),
    "RHand": Joint(0.0, 1.0, 8.33),
}

# One motor drives both hips' yaw-pitch: a command to either moves the two.
HIP_YAW_PITCH = ("LHipYawPitch", "RHipYawPitch")


def _starting(*prefixes: str) -> tuple[str, ...]:
    return tuple(name for name in JOINTS if name.startswith(prefixes))


_LEFT_ARM = _starting("LShoulder", "LElbow", "LWrist", "LHand")
_RIGHT_ARM = _starting("RShoulder", "RElbow", "RWrist", "RHand")
_LEFT_LEG = _starting("LHip", "LKnee", "LAnkle")
_RIGHT_LEG = _starting("RHip", "RKnee", "RAnkle")

CHAINS: dict[str, tuple[str, ...]] = {
    "Body": tuple(JOINTS),
    "Head": _starting("Head"),
    "LArm": _LEFT_ARM,
    "RArm": _RIGHT_ARM,
    "Arms": _LEFT_ARM + _RIGHT_ARM,
    "LLeg": _LEFT_LEG,
    "RLeg": _RIGHT_LEG,
    "Legs": _LEFT_LEG + _RIGHT_LEG,
}
LEGS = CHAINS["Legs"]

# |HeadYaw| -> lowest and highest HeadPitch that does not hit the shoulders; linear between the rows.
_HEAD_COLLISION = (
    (0.0000, -0.6720, 0.5150),
    (0.4861, -0.6720, 0.4220),
    (0.7561, -0.5480, 0.3700),
    (0.9030, -0.4800, 0.3300),
    (1.0900, -0.4300, 0.3000),
    (1.5270, -0.3300, 0.2000),
    (2.0860, -0.4491, 0.3300),
)


def head_pitch_limits(head_yaw: float) -> tuple[float, float]:
    """Return the lowest and highest HeadPitch, in radians, that the head can take at ``head_yaw`` radians."""
    yaw = min(abs(head_yaw), _HEAD_COLLISION[-1][0])
    above = min(bisect_right(_HEAD_COLLISION, (yaw, float("inf"), 0.0)), len(_HEAD_COLLISION) - 1)
    (yaw0, low0, high0), (yaw1, low1, high1) = _HEAD_COLLISION[above - 1], _HEAD_COLLISION[above]
    share = (yaw - yaw0) / (yaw1 - yaw0)
    return low0 + share * (low1 - low0), high0 + share * (high1 - high0)


def resolve(names: str | list[str]) -> list[str]:
    """Return the joints that a joint name, a chain name or a list of them stands for.

    Raises ValueError for a name that the robot does not have.
    """
    joints: list[str] = []
    for name in [names] if isinstance(names, str) else names:
        if name in CHAINS:
            joints.extend(CHAINS[name])
        elif name in JOINTS:
            joints.append(name)
        else:
            raise ValueError(f"{name!r} is no joint or chain of this robot; chains: {', '.join(CHAINS)}")
    return joints


@dataclass(frozen=True)
class Posture:
    """A named attitude: its family as NAOqi calls it, and the angle of every joint."""

    family: str
    angles: dict[str, float]


def _posture(
    family: str,
    *,
    shoulder: tuple[float, float] = (1.40, 0.30),
    elbow: tuple[float, float] = (-1.39, -1.02),
    hip: tuple[float, float, float] = (0.0, 0.0, 0.0),
    knee: float = 0.0,
    ankle: tuple[float, float] = (0.0, 0.0),
    head_pitch: float = 0.0,
    hands: float = 0.3,
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
    return Posture(family, {name: min(max(angles[name], joint.low), joint.high) for name, joint in JOINTS.items()})


POSTURES: dict[str, Posture] = {
    "Stand": _posture("Standing", hip=(-0.17, 0.10, 0.13), knee=-0.09, ankle=(0.09, -0.13), head_pitch=-0.17),
    "StandInit": _posture("Standing", hip=(0.0, 0.0, -0.44), knee=0.70, ankle=(-0.35, 0.0), elbow=(-1.0, -0.5)),
    "StandZero": _posture("Standing", shoulder=(0.0, 0.0), elbow=(0.0, -0.0349), hands=0.0),
    "Crouch": _posture("Crouching", hip=(-0.20, 0.07, -0.70), knee=2.11, ankle=(-1.18, -0.07)),
    "Sit": _posture("Sitting", shoulder=(0.93, 0.25), elbow=(-0.50, -1.20), hip=(-0.60, 0.28, -1.53), knee=1.40,
                    ankle=(0.86, 0.0)),
    "SitRelax": _posture("Sitting", shoulder=(2.06, 0.15), elbow=(-1.40, -0.30), hip=(-0.67, 0.21, -0.79), knee=0.80,
                         ankle=(0.75, -0.10)),
    "LyingBelly": _posture("LyingBelly", shoulder=(-1.20, 0.10), elbow=(-0.70, -0.05), hip=(-0.30, 0.0, 0.30),
                           ankle=(0.90, 0.0), head_pitch=-0.60),
    "LyingBack": _posture("LyingBack", shoulder=(2.08, 0.30), elbow=(-0.60, -0.70), hip=(-0.20, 0.10, 0.0),
                          ankle=(0.75, 0.0), head_pitch=-0.30),
}  # fmt: skip

# Seconds at full speed to come from one family to another; getting up from the floor takes several moves.
_SAME_FAMILY_S = 1.5
_CHANGE_S = {"Standing": 2.0, "Crouching": 2.0, "Sitting": 5.0, "LyingBelly": 8.0, "LyingBack": 8.0}


def transition_s(from_family: str, to_family: str) -> float:
    """Return the seconds at full speed that the robot needs between two posture families."""
    if from_family == to_family:
        return _SAME_FAMILY_S
    return max(_CHANGE_S.get(from_family, 5.0), _CHANGE_S[to_family])
