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
CAMERA_M = {0: 0.18, 1: 0.51, 2: 0.51}  # height of the eyes above the origin of the torso, world and robot frames


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
        x, y, z = require_finite(place, "the place")
        if frame not in CAMERA_M:
            raise ValueError(f"{frame} is no frame; frames: 0 torso, 1 world, 2 robot")
        if frame == 1:
            pose = self._nao.motion.pose()
            cos, sin, dx, dy = math.cos(pose.theta), math.sin(pose.theta), x - pose.x, y - pose.y
            x, y = cos * dx + sin * dy, cos * dy - sin * dx
        down = math.atan2(CAMERA_M[frame] - z, math.hypot(x, y))
        return self._nao.motion.set_angles(["HeadYaw", "HeadPitch"], [math.atan2(y, x), down], fraction)


@qi.multiThreaded()
class ALAutonomousLife(Service):
    """Life cycle state."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._state = "disabled"

    @method(qi.Void, qi.String)
    def setState(self, state: str) -> None:
        if state not in ("interactive", "solitary", "safeguard", "disabled"):
            raise ValueError(f"{state!r} is no state; states: interactive, solitary, safeguard, disabled")
        self._state = state

    @method(qi.String)
    def getState(self) -> str:
        return self._state


@qi.multiThreaded()
class ALBasicAwareness(Service):
    """Whether the robot reacts to people by itself."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._enabled = False

    @method(qi.Void, qi.Bool)
    def setEnabled(self, enabled: bool) -> None:
        self._enabled = enabled

    @method(qi.Bool)
    def isEnabled(self) -> bool:
        return self._enabled
