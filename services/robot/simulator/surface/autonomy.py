"""ALTracker, ALAutonomousLife and ALBasicAwareness: what they are set to; they move nothing by themselves here."""

from __future__ import annotations

import math
from typing import Any

import qi

from services.robot.simulator.clock import Activity
from services.robot.simulator.joints import require_finite
from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.base import Service, method

TARGETS = ("RedBall", "Face", "LandMark", "LandMarks", "People", "Sound")
TORSO_M = {0: 0.0, 1: 0.33, 2: 0.33}  # height of the torso above the origin of the torso, world and robot frames
CAMERA_M = 0.18  # height of the eyes above the torso
SHOULDER_M = (0.098, 0.1)  # how far the left shoulder is to the left of the torso and above it
STRAIGHT_RAD = 0.0349  # the least that an elbow bends
ABILITIES = (
    "AutonomousBlinking", "BackgroundMovement", "BasicAwareness", "ListeningMovement", "SpeakingMovement",
)  # fmt: skip
ENGAGEMENT_MODES = ("Unengaged", "FullyEngaged", "SemiEngaged")
TRACKING_MODES = ("Head", "BodyRotation", "WholeBody", "MoveContextually")


@qi.multiThreaded()
class ALTracker(Service):
    """Targets, and looking at a place."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._targets: dict[str, Any] = {}
        self._tracked = ""
        self._mode = "Head"

    @method(qi.Void, qi.String, qi.Dynamic)
    def registerTarget(self, target: str, parameters: Any) -> None:
        if target not in TARGETS:
            raise ValueError(f"{target!r} is no target; targets: {', '.join(TARGETS)}")
        self._targets[target] = parameters

    @method(qi.Void, qi.String)
    def track(self, target: str) -> None:
        if target not in self._targets:
            raise ValueError(f"target {target!r} is not registered: call ALTracker.registerTarget first")
        self._tracked = target

    @method(qi.Void, qi.String)
    def setMode(self, mode: str) -> None:
        if mode not in ("Head", "WholeBody", "Move"):
            raise ValueError(f"{mode!r} is no mode; modes: Head, WholeBody, Move")
        self._mode = mode

    @method(qi.String)
    def getMode(self) -> str:
        return self._mode

    @method(qi.String)
    def getActiveTarget(self) -> str:
        return self._tracked

    @method(qi.Void)
    def stopTracker(self) -> None:
        self._tracked = ""

    @method(qi.Void)
    def unregisterAllTargets(self) -> None:
        self._tracked = ""
        self._targets.clear()

    @method(qi.Void, qi.List(qi.Float), qi.Int32, qi.Float, qi.Bool)
    def lookAt(self, place: list[float], frame: int, fraction: float, whole_body: bool) -> Activity:
        x, y, z = self._from_torso(place, frame)
        down = math.atan2(CAMERA_M - z, math.hypot(x, y))
        return self._nao.motion.set_angles(["HeadYaw", "HeadPitch"], [math.atan2(y, x), down], fraction)

    @method(qi.Void, qi.String, qi.List(qi.Float), qi.Int32, qi.Float)
    def pointAt(self, effector: str, place: list[float], frame: int, fraction: float) -> Activity:
        if effector not in ("LArm", "RArm"):
            raise ValueError(f"{effector!r} cannot point; effectors: LArm, RArm")
        x, y, z = self._from_torso(place, frame)
        side, sign = effector[0], 1.0 if effector == "LArm" else -1.0
        aside, above = y - sign * SHOULDER_M[0], z - SHOULDER_M[1]
        pitch, roll = math.atan2(-above, x), math.atan2(aside, math.hypot(x, above))  # the roll turns with the pitch
        joints = [f"{side}ShoulderPitch", f"{side}ShoulderRoll", f"{side}ElbowRoll"]
        return self._nao.motion.set_angles(joints, [pitch, roll, -sign * STRAIGHT_RAD], fraction)

    def _from_torso(self, place: list[float], frame: int) -> tuple[float, float, float]:
        """A place in the frame of the torso, metres."""
        x, y, z = require_finite(place, "the place")
        if frame not in TORSO_M:
            raise ValueError(f"{frame} is no frame; frames: 0 torso, 1 world, 2 robot")
        if frame == 1:
            pose = self._nao.motion.pose()
            cos, sin, dx, dy = math.cos(pose.theta), math.sin(pose.theta), x - pose.x, y - pose.y
            x, y = cos * dx + sin * dy, cos * dy - sin * dx
        return x, y, z - TORSO_M[frame]


@qi.multiThreaded()
class ALAutonomousLife(Service):
    """Life cycle state."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._state = "disabled"
        self._abilities = dict.fromkeys(ABILITIES, False)

    @method(qi.Void, qi.String)
    def setState(self, state: str) -> None:
        if state not in ("interactive", "solitary", "safeguard", "disabled"):
            raise ValueError(f"{state!r} is no state; states: interactive, solitary, safeguard, disabled")
        self._state = state

    @method(qi.String)
    def getState(self) -> str:
        return self._state

    @method(qi.Void, qi.String, qi.Bool)
    def setAutonomousAbilityEnabled(self, ability: str, enabled: bool) -> None:
        _require(ability, ABILITIES, "ability")
        self._abilities[ability] = enabled

    @method(qi.Bool, qi.String)
    def getAutonomousAbilityEnabled(self, ability: str) -> bool:
        _require(ability, ABILITIES, "ability")
        return self._abilities[ability]


@qi.multiThreaded()
class ALBasicAwareness(Service):
    """Whether the robot reacts to people by itself."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._enabled = False
        self._engagement = "Unengaged"
        self._tracking = "Head"

    @method(qi.Void, qi.Bool)
    def setEnabled(self, enabled: bool) -> None:
        self._enabled = enabled

    @method(qi.Bool)
    def isEnabled(self) -> bool:
        return self._enabled

    @method(qi.Void, qi.String)
    def setEngagementMode(self, mode: str) -> None:
        _require(mode, ENGAGEMENT_MODES, "mode")
        self._engagement = mode

    @method(qi.String)
    def getEngagementMode(self) -> str:
        return self._engagement

    @method(qi.Void, qi.String)
    def setTrackingMode(self, mode: str) -> None:
        _require(mode, TRACKING_MODES, "mode")
        self._tracking = mode

    @method(qi.String)
    def getTrackingMode(self) -> str:
        return self._tracking


def _require(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        raise ValueError(f"{name!r} is no {what}; there are {', '.join(known)}")
