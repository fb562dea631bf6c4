"""The body of a NAO H25: joints with limits and speeds, chains, and the head's self-collision limits."""

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
