"""One robot, simulated or real: whose turn it is, and how it is stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog

from services.behavior.scene import Pose
from services.behavior.schema import Scene
from services.robot.bridge import Bridge
from services.robot.errors import BehaviorFailed, RobotFault, RobotUnreachable
from services.robot.protocol import Target

STOP_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 5.0

# Calls that silence and still the robot, all sent at once. Services that a robot lacks are passed over.
_STOPS: tuple[tuple[str, str], ...] = (
    ("ALMotion", "stopMove"),
    ("ALTextToSpeech", "stopAll"),
    ("ALBehaviorManager", "stopAllBehaviors"),
    ("ALAudioPlayer", "stopAll"),
    ("ALTracker", "stopTracker"),
    ("ALRobotPosture", "stopMove"),
)

log = structlog.get_logger(__name__)


class Behavior(Protocol):
    """A behaviour that is running or waiting for its turn."""

    id: str

    def end(self, final: dict[str, Any]) -> asyncio.Task[None]:
        """End it at once with this final message; the task is done when it has let go of the robot."""


class Robot:
    """A robot with a line of behaviours that want it, served one at a time and in order."""

    def __init__(self, name: str, target: Target, bridge: Bridge, line_limit: int, line_timeout_s: float) -> None:
        self.name = name
        self.target: Target = target
        self.bridge = bridge
        self.current: str | None = None
        self._behaviors: dict[str, Behavior] = {}
        self._turn = asyncio.Lock()
        self._line_limit = line_limit
        self._line_timeout_s = line_timeout_s

    @property
    def waiting(self) -> int:
        """How many behaviours stand in line."""
        return len(self._behaviors) - (self.current is not None)

    @asynccontextmanager
    async def turn(self, behavior: Behavior) -> AsyncIterator[None]:
        """Own the robot for a block, after those who came before. Raises BehaviorFailed ``robot.busy``."""
        if self._turn.locked() and self.waiting >= self._line_limit:
            raise BehaviorFailed(
                "robot.busy", f"{self.waiting} behaviours wait for this robot already; try again later"
            )
        self._behaviors[behavior.id] = behavior
        try:
            try:
                async with asyncio.timeout(self._line_timeout_s):
                    await self._turn.acquire()
            except TimeoutError:
                raise BehaviorFailed(
                    "robot.busy", f"the robot was not free within {self._line_timeout_s:g} s; try again later"
                ) from None
            try:
                self.current = behavior.id
                yield
            finally:
                self.current = None
                self._turn.release()
        finally:
            del self._behaviors[behavior.id]

    async def prepare(self, scene: Scene) -> None:
        """Let a simulated robot stand, awake, as the scene says.

        A real one is left as it is: its motors are switched on by its operator or by a program that says so
        (``ALMotion.wakeUp``, ``ALRobotPosture.goToPosture``), never unasked, because it moves when they are.
        """
        if self.bridge.simulated:
            battery = -1 if scene.battery is None else scene.battery
            await self.bridge.call("SimulatedState", "prepare", [scene.posture or "", battery], READ_TIMEOUT_S)

    async def position(self) -> Pose:
        """Where the robot is by its odometry, in metres and radians."""
        x, y, theta = await self.bridge.call("ALMotion", "getRobotPosition", [True], READ_TIMEOUT_S)
        return Pose(x, y, theta)

    async def stop_walking(self) -> None:
        """End a walk that a program left going, so that nobody has to run after the robot."""
        await self.bridge.call("ALMotion", "stopMove", [], STOP_TIMEOUT_S)

    async def halt(self) -> bool:
        """Stop everything that the robot does; return whether it could be told to."""
        if not self.bridge.connected:
            return False
        heard = await asyncio.gather(*(self._tell(service, method) for service, method in _STOPS), self._freeze())
        return heard[0]

    async def stop_all(self, final: dict[str, Any]) -> tuple[list[str], bool]:
        """End the running behaviour and all in line with this final message, and still the robot.

        Returns the ids of the behaviours that were ended and whether the robot could be told.
        """
        behaviors = list(self._behaviors.values())
        endings = [behavior.end(final) for behavior in behaviors]
        heard = await self.halt()
        if endings:
            await asyncio.wait(endings, timeout=STOP_TIMEOUT_S)
        return [behavior.id for behavior in behaviors], heard

    async def state(self) -> dict[str, Any]:
        """What is known of the robot now."""
        state: dict[str, Any] = {
            "connected": self.bridge.connected,
            "behavior": self.current,
            "waiting": self.waiting,
        }
        if self.bridge.connected and self.bridge.simulated:
            try:
                snapshot = json.loads(await self.bridge.call("SimulatedState", "snapshot", [], READ_TIMEOUT_S))
            except (RobotFault, RobotUnreachable) as error:
                state["error"] = error.message
            else:
                state |= snapshot
        return state

    async def _freeze(self) -> bool:
        """Still the joints. A robot that walks keeps its legs, because it would fall without them."""
        try:
            walking = await self.bridge.call("ALMotion", "moveIsActive", [], STOP_TIMEOUT_S)
        except BehaviorFailed:
            walking = True
        parts = ["Head", "LArm", "RArm"] if walking else ["Body"]
        return await self._tell("ALMotion", "killTasksUsingResources", parts)

    async def _tell(self, service: str, method: str, *args: Any) -> bool:
        try:
            await self.bridge.call(service, method, list(args), STOP_TIMEOUT_S)
        except BehaviorFailed as error:
            log.warning("stop not heard", robot=self.name, call=f"{service}.{method}", reason=error.message)
            return False
        return True
