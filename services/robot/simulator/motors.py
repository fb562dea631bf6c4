"""The motors of the joints: stiff enough to hold and move them, or slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.robot.simulator.anatomy import JOINTS, LEGS
from services.robot.simulator.arguments import one_each

# A NAO on its feet falls when one of these is slack; it has ankles and hips to spare sideways.
_CARRYING = tuple(side + joint for side in "LR" for joint in ("HipPitch", "KneePitch", "AnklePitch"))


class MotorsOffError(RuntimeError):
    """A motion was asked of joints whose motors are off."""


class Motors:
    """The stiffness of every joint, from 0 (slack) to 1."""

    def __init__(self) -> None:
        self._stiffness = dict.fromkeys(JOINTS, 1.0)

    def stiffness(self, joints: Iterable[str]) -> list[float]:
        return [self._stiffness[name] for name in joints]

    def set(self, joints: list[str], values: float | Sequence[float]) -> None:
        """Set one stiffness for each joint, or one for all; what is out of range is cut to it, as on the robot."""
        for name, value in zip(joints, one_each(joints, values, "stiffness"), strict=True):
            self._stiffness[name] = min(max(value, 0.0), 1.0)

    def switch(self, on: bool) -> None:
        """Switch all motors on or off."""
        self._stiffness = dict.fromkeys(JOINTS, 1.0 if on else 0.0)

    def awake(self) -> bool:
        """Whether the legs are stiff."""
        return all(self._stiffness[name] > 0 for name in LEGS)

    def carry(self) -> bool:
        """Whether the legs can carry a robot on its feet."""
        return all(self._stiffness[name] > 0 for name in _CARRYING)

    def require(self, joints: Iterable[str]) -> None:
        """Raise MotorsOffError if one of the joints is slack."""
        if off := [name for name in joints if self._stiffness[name] <= 0]:
            raise MotorsOffError(f"the motors are off ({off[0]}): call ALMotion.wakeUp() first")
