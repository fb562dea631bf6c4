"""ALMotion and ALRobotPosture."""

from __future__ import annotations

from typing import Any

import qi

from services.robot.simulator.anatomy import JOINTS, resolve
from services.robot.simulator.clock import Activity
from services.robot.simulator.postures import POSTURES
from services.robot.simulator.surface.base import Service, method

BREATHING = ("Body", "Arms", "LArm", "RArm", "Legs", "Head")
HAND_SPEED = 0.15  # a hand opens in 0.8 s, far below what its joint could do


@qi.multiThreaded()
class ALMotion(Service):
    """Motors, joints, hands and walking."""

    @method(qi.Void)
    def wakeUp(self) -> Activity:
        return self._nao.motion.wake_up()

    @method(qi.Void)
    def rest(self) -> Activity:
        return self._nao.motion.rest()

    @method(qi.Bool)
    def robotIsWakeUp(self) -> bool:
        return self._nao.motion.motors.awake()

    @method(qi.Void, qi.Dynamic, qi.Dynamic)
    def setStiffnesses(self, names: Any, stiffnesses: Any) -> None:
        self._nao.motion.set_stiffnesses(names, stiffnesses)

    @method(qi.Dynamic, qi.Dynamic)
    def getStiffnesses(self, names: Any) -> list[float]:
        return self._nao.motion.motors.stiffness(resolve(names))

    @method(qi.Void, qi.Dynamic, qi.Dynamic, qi.Float)
    def setAngles(self, names: Any, angles: Any, fraction: float) -> None:
        self._nao.motion.set_angles(names, angles, fraction)

    @method(qi.Void, qi.Dynamic, qi.Dynamic, qi.Float)
    def changeAngles(self, names: Any, changes: Any, fraction: float) -> None:
        self._nao.motion.change_angles(names, changes, fraction)

    @method(qi.Void, qi.Dynamic, qi.Dynamic, qi.Dynamic, qi.Bool)
    def angleInterpolation(self, names: Any, angles: Any, times: Any, absolute: bool) -> Activity:
        return self._nao.motion.interpolate(names, angles, times, absolute)

    @method(qi.Void, qi.Dynamic, qi.Dynamic, qi.Float)
    def angleInterpolationWithSpeed(self, names: Any, angles: Any, fraction: float) -> Activity:
        return self._nao.motion.set_angles(names, angles, fraction)

    @method(qi.Void, qi.Dynamic, qi.Dynamic, qi.Dynamic)
    def angleInterpolationBezier(self, names: Any, times: Any, control_points: Any) -> Activity:
        return self._nao.motion.interpolate_bezier(names, times, control_points)

    @method(qi.List(qi.Float), qi.Dynamic, qi.Bool)
    def getAngles(self, names: Any, use_sensors: bool) -> list[float]:
        return self._nao.motion.angles(names)

    @method(qi.Dynamic, qi.String)
    def getLimits(self, name: str) -> list[list[float]]:
        return [[JOINTS[joint].low, JOINTS[joint].high, JOINTS[joint].speed, 0.0] for joint in resolve(name)]

    @method(qi.Void, qi.String)
    def openHand(self, hand: str) -> Activity:
        return self._hand(hand, 1.0)

    @method(qi.Void, qi.String)
    def closeHand(self, hand: str) -> Activity:
        return self._hand(hand, 0.0)

    @method(qi.Void, qi.Float, qi.Float, qi.Float)
    def moveTo(self, x: float, y: float, theta: float) -> Activity:
        return self._nao.motion.walk_to(x, y, theta)

    @method(qi.Void, qi.Float, qi.Float, qi.Float)
    def move(self, x: float, y: float, theta: float) -> None:
        self._nao.motion.walk_at(x, y, theta)

    @method(qi.Void, qi.Float, qi.Float, qi.Float)
    def moveToward(self, x: float, y: float, theta: float) -> None:
        self._nao.motion.walk_toward(x, y, theta)

    @method(qi.Void)
    def stopMove(self) -> None:
        self._nao.motion.halt()

    @method(qi.Bool)
    def moveIsActive(self) -> bool:
        return self._nao.motion.walking()

    @method(qi.List(qi.Float), qi.Bool)
    def getRobotPosition(self, use_sensors: bool) -> list[float]:
        pose = self._nao.motion.pose()
        return [pose.x, pose.y, pose.theta]

    @method(qi.Void, qi.Dynamic)
    def killTasksUsingResources(self, names: Any) -> None:
        self._nao.motion.hold(resolve(names))

    @method(qi.Void, qi.Bool)
    def wbEnable(self, enabled: bool) -> None:
        """Accepted and without effect: the simulated robot has no balancer."""

    @method(qi.Void, qi.String, qi.Bool)
    def setBreathEnabled(self, chain: str, enabled: bool) -> None:
        """Accepted and without effect: the simulated robot does not breathe."""
        if chain not in BREATHING:
            raise ValueError(f"{chain!r} cannot breathe; chains: {', '.join(BREATHING)}")

    def _hand(self, hand: str, opening: float) -> Activity:
        if hand not in ("LHand", "RHand"):
            raise ValueError(f"{hand!r} is no hand; hands: LHand, RHand")
        return self._nao.motion.set_angles(hand, opening, HAND_SPEED)


@qi.multiThreaded()
class ALRobotPosture(Service):
    """Predefined postures."""

    @method(qi.Bool, qi.String, qi.Float, result=bool)
    def goToPosture(self, posture: str, fraction: float) -> Activity:
        return self._nao.motion.go_to_posture(posture, fraction)

    @method(qi.Bool, qi.String, qi.Float, result=bool)
    def applyPosture(self, posture: str, fraction: float) -> Activity:
        return self._nao.motion.go_to_posture(posture, fraction)

    @method(qi.String)
    def getPosture(self) -> str:
        return self._nao.motion.body.posture()

    @method(qi.String)
    def getPostureFamily(self) -> str:
        return self._nao.motion.body.family()

    @method(qi.List(qi.String))
    def getPostureList(self) -> list[str]:
        return list(POSTURES)

    @method(qi.Void)
    def stopMove(self) -> None:
        self._nao.motion.hold(JOINTS)
