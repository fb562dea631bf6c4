"""One behaviour on one robot, from its turn in the line to its one final message."""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.behavior.catalogue import Catalogue
from services.behavior.check import CheckError, check_call
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Action
from services.robot.errors import BehaviorFailed
from services.robot.protocol import Begin, StatementMessage, action_message, failed_message
from services.robot.robot import Robot
from services.robot.sandbox import Program, Sandbox
from services.robot.settings import GatewaySettings

Send = Callable[[dict[str, Any]], Awaitable[None]]

DROPPED = {"type": "dropped"}  # for the log only: nobody is left to be told

SCENE = "scene"
CONNECT_WAIT_S = 5.0
_MAX_RESULT_CHARACTERS = 4000
_MAX_DEPTH = 2
_MAX_ITEMS = 200
_LARGEST_INT = 2**53  # beyond this an integer is no exact float any more

log = structlog.get_logger(__name__)


class Execution:
    """A behaviour being executed: statements are fed as they come, what happens and how it ended is sent."""

    def __init__(
        self,
        begin: Begin,
        catalogue: Catalogue,
        robot: Robot,
        sandbox: Sandbox,
        settings: GatewaySettings,
        send: Send,
    ) -> None:
        self.id = begin.behavior
        self._accepted = False
        self._begin = begin
        self._catalogue = catalogue
        self._robot = robot
        self._sandbox = sandbox
        self._settings = settings
        self._send = send
        self._scene = SceneView(begin.scene)
        self._statements: deque[StatementMessage] = deque()
        self._received = 0
        self._complete = False
        self._news = asyncio.Event()
        self._running: StatementMessage | None = None
        self._calls = 0
        self._began: float | None = None
        self._origin = Pose()
        self._ending: dict[str, Any] | None = None
        self._task = asyncio.create_task(self._run(), name=f"behavior-{self.id}")

    # --- from the worker ---------------------------------------------------------------------------------------------

    @property
    def ended(self) -> asyncio.Task[None]:
        """Done when it has let go of the robot and sent its final message."""
        return self._task

    def feed(self, statement: StatementMessage) -> None:
        """Take the next statement; those beyond the budget are not kept."""
        self._received += 1
        if self._received <= self._settings.gateway_max_statements:
            self._statements.append(statement)
        self._news.set()

    def complete(self) -> None:
        """No more statements will come."""
        self._complete = True
        self._news.set()

    @property
    def may_be_retried(self) -> bool:
        """Whether it failed, or lost its worker, before it had the robot: nothing moved and nobody wanted its end."""
        return not self._accepted and self._ending is not None and self._ending["type"] in ("failed", "dropped")

    def end(self, final: dict[str, Any]) -> asyncio.Task[None]:
        """End it before its time with this final message, unless it is ending anyway; returns ``ended``."""
        if self._ending is None:
            self._ending = final
            self._task.cancel()
        return self._task

    # --- the behaviour -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async with self._robot.turn(self):
                final = await self._outcome()
        except BehaviorFailed as failure:  # no turn came
            final = failed_message(failure.code, failure.message)
        except asyncio.CancelledError:
            if self._ending is None:
                raise
            final = self._ending
        self._ending = final  # too late for any other
        log.info("behavior ended", behavior=self.id, target=self._robot.target, how=final["type"], calls=self._calls)
        if final is not DROPPED:
            await self._send(final)

    async def _outcome(self) -> dict[str, Any]:
        """Execute the program while holding the robot, leave the robot still, and return the final message."""
        try:
            try:
                async with asyncio.timeout(self._settings.gateway_behavior_timeout_s):
                    await self._execute()
            except TimeoutError:
                limit = self._settings.gateway_behavior_timeout_s
                raise BehaviorFailed("budget.time", f"the behaviour was not done within {limit:g} s") from None
            await self._robot.stop_walking()
        except Exception as error:
            failure = error if isinstance(error, BehaviorFailed | CheckError) else self._own_fault()
            statement = self._running
            self._ending = failed_message(
                failure.code,
                failure.message,
                statement.line if statement else None,
                statement.source if statement else None,
                failure.suggestion if isinstance(failure, CheckError) else None,
            )
            await self._robot.halt()
            return self._ending
        except BaseException:
            await asyncio.shield(self._robot.halt())
            raise
        return {"type": "done"}

    def _own_fault(self) -> BehaviorFailed:
        log.exception("behavior met a defect of the gateway", behavior=self.id)
        return BehaviorFailed("robot.internal", "the robot gateway met an error of its own; its log says which")

    async def _execute(self) -> None:
        await self._robot.bridge.wait_connected(CONNECT_WAIT_S)
        await self._robot.prepare(self._begin.scene)
        self._origin = await self._robot.position()
        self._accepted = True
        await self._send({"type": "accepted"})
        async with self._sandbox.program([*self._catalogue.services, SCENE], self._call) as program:
            while (statement := await self._next()) is not None:
                await self._execute_statement(program, statement)

    async def _execute_statement(self, program: Program, statement: StatementMessage) -> None:
        self._running = statement
        await program.run(statement.source)
        self._running = None

    async def _next(self) -> StatementMessage | None:
        """Wait for the next statement; None when the program is complete."""
        while not self._statements:
            if self._received > self._settings.gateway_max_statements:
                limit = self._settings.gateway_max_statements
                raise BehaviorFailed(
                    "budget.statements", f"a behaviour may have {limit} statements; write a shorter one"
                )
            if self._complete:
                return None
            self._news.clear()
            try:
                async with asyncio.timeout(self._settings.gateway_statement_timeout_s):
                    await self._news.wait()
            except TimeoutError:
                wait_s = self._settings.gateway_statement_timeout_s
                raise BehaviorFailed("budget.idle", f"no further statement came within {wait_s:g} s") from None
        return self._statements.popleft()

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        """Check a call of the program, then carry it out. Nothing else reaches the robot on a program's behalf."""
        plain = [_plain(f"{service}.{method}", value) for value in args]
        if service == SCENE:
            return self._scene.call(method, plain, await self._moved())
        checked = check_call(self._catalogue, service, method, plain)
        self._calls += 1
        if self._calls > self._settings.gateway_max_calls:
            limit = self._settings.gateway_max_calls
            raise BehaviorFailed("budget.calls", f"a behaviour may make {limit} robot calls; write a shorter one")
        bridge = self._robot.bridge
        at = bridge.now()
        self._began = at if self._began is None else self._began
        result = _jsonable(await bridge.call(service, method, checked, self._settings.gateway_call_timeout_s))
        action = Action(
            service=service,
            method=method,
            args=checked,
            at_s=round(at - self._began, 3),
            took_s=round(max(0.0, bridge.now() - at), 3),
            result=result,
        )
        await self._send(action_message(action))
        return result

    async def _moved(self) -> Pose:
        """How far the robot has come since the behaviour began, in its frame of then."""
        here, origin = await self._robot.position(), self._origin
        x, y, cos, sin = here.x - origin.x, here.y - origin.y, math.cos(origin.theta), math.sin(origin.theta)
        return Pose(cos * x + sin * y, cos * y - sin * x, here.theta - origin.theta)


def _plain(where: str, value: Any, depth: int = 0) -> Any:
    """Return a value of plain types; CheckError for anything else that a program could hand over."""
    if isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise CheckError("call.range", f"{where}: a whole number of {value.bit_length()} bits is out of any range")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        if depth == _MAX_DEPTH or len(value) > _MAX_ITEMS:
            raise CheckError("call.length", f"{where}: a list has at most {_MAX_ITEMS} items and lists in it no others")
        return [_plain(where, item, depth + 1) for item in value]
    raise CheckError("call.type", f"{where} takes numbers, texts, True or False and lists, not {type(value).__name__}")


def _jsonable(result: Any) -> Any:
    """Return what a robot answered if it is plain and short, else None."""
    result = _rounded(result)
    try:
        return result if len(json.dumps(result, allow_nan=False)) <= _MAX_RESULT_CHARACTERS else None
    except (TypeError, ValueError):
        return None


def _rounded(result: Any) -> Any:
    """Cut floats to the digits that survive the robot's 32 bits."""
    if isinstance(result, float):
        return round(result, 6)
    return [_rounded(item) for item in result] if isinstance(result, list | tuple) else result
