"""Carries out the calls of one program: checked, counted, told when they begin and when they end."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from services.behavior.check import CallChecker
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Action
from services.behavior.waiting import TIME
from services.robot.errors import BehaviorFailed
from services.robot.plain import plain_argument, plain_result
from services.robot.protocol import action_message, begun_message
from services.robot.robot import Robot
from services.robot.sandbox import SCENE
from services.robot.settings import GatewaySettings
from services.robot.walk_watch import WalkWatch

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Calls:
    """The calls that one program makes. Nothing else reaches the robot on a program's behalf."""

    def __init__(
        self,
        robot: Robot,
        origin: Pose,
        scene: SceneView,
        settings: GatewaySettings,
        send: Send,
        failed: Callable[[BehaviorFailed], None],
    ) -> None:
        """Begin to take calls.

        Args:
            robot: that is called.
            origin: where it is by its odometry as the behaviour begins.
            scene: what it perceived then.
            settings: how many calls there may be, and how long each may take.
            send: who is told of the calls.
            failed: whom to tell what fails beside them.
        """
        self.line = 0
        """The line of the statement that is run, for messages."""
        self.made = 0
        """How many calls have passed the checks."""
        self.cut_short: Action | None = None
        """The call that did not come to its end; not told yet."""
        self._robot = robot
        self._origin = origin
        self._scene = scene
        self._settings = settings
        self._send = send
        self._checker = CallChecker(robot.catalogue, scene)
        self._walk = WalkWatch(robot, self._checker, failed)
        self._began: float | None = None

    async def close(self) -> None:
        """The behaviour is over: nothing of it may reach a robot that another has by then."""
        self._walk.leave()
        await self._walk.ended()

    async def call(self, service: str, method: str, args: list[Any]) -> Any:
        """Check a call of the program, then carry it out, and return what the robot answers.

        Raises:
            CheckError, BehaviorFailed: it is not right, one too many, or was not carried out.
        """
        plain = [plain_argument(f"{service}.{method}", value) for value in args]
        if service == SCENE:
            return self._scene.call(method, plain, await self._moved())
        await self._walk.ended()
        at = self._robot.bridge.clock.now()
        form, checked = self._checker.check(service, method, plain, self.line, at)
        self.made += 1
        if self.made > self._settings.gateway_max_calls:
            limit = self._settings.gateway_max_calls
            raise BehaviorFailed("budget.calls", f"a behaviour may make {limit} robot calls; write a shorter one")
        if form.walks:
            self._walk.leave()
        elif form.effect != "stop":  # one that does not come to stop the walk lets it go no further
            self._walk.follow()
        answer = await self._carry_out(service, method, checked, at)
        self._walk.follow()
        return answer

    async def _carry_out(self, service: str, method: str, args: list[Any], at: float) -> Any:
        bridge, clock = self._robot.bridge, self._robot.bridge.clock
        if self._began is None:
            self._began = at
        action = Action(service=service, method=method, args=args, at_s=round(at - self._began, 3), took_s=None)
        reaches, answer = bridge.linked, None
        if reaches:
            await self._send(begun_message(action))
        try:
            if service == TIME:
                await bridge.wait(*args)
            else:
                answer = await bridge.call(service, method, args, self._settings.gateway_call_timeout_s)
        except BaseException:
            action.took_s, action.interrupted = round(max(0.0, clock.now() - at), 3), True
            self.cut_short = action if reaches else None  # told once the robot is still
            raise
        action.took_s, action.result = round(max(0.0, clock.now() - at), 3), plain_result(answer)
        await self._send(action_message(action))
        return action.result

    async def _moved(self) -> Pose:
        """How far the robot has come since the behaviour began, in its frame of then."""
        here, origin = await self._robot.position(), self._origin
        x, y, cos, sin = here.x - origin.x, here.y - origin.y, math.cos(origin.theta), math.sin(origin.theta)
        return Pose(cos * x + sin * y, cos * y - sin * x, here.theta - origin.theta)
