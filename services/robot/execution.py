"""One behaviour on one robot, from its turn in the line to its one final message."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.behavior.check import CallChecker, CheckError
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Action
from services.behavior.waiting import TIME
from services.picture.recording import scene_items
from services.robot.errors import BehaviorFailed
from services.robot.plain import plain_argument, plain_result
from services.robot.protocol import (
    ACCEPTED,
    ACTING,
    DONE,
    Begin,
    StatementMessage,
    action_message,
    failed_message,
    recording_message,
)
from services.robot.robot import Robot
from services.robot.sandbox import SCENE, Sandbox
from services.robot.settings import GatewaySettings
from services.robot.typecheck import Mistyped, TypeChecker

Send = Callable[[dict[str, Any]], Awaitable[None]]

DROPPED = {"type": "dropped"}  # for the log only: nobody is left to be told

CONNECT_WAIT_S = 5.0

log = structlog.get_logger(__name__)


class Execution:
    """A behaviour being executed: statements are fed as they come, what happens and how it ended is sent."""

    def __init__(
        self,
        begin: Begin,
        robot: Robot,
        sandbox: Sandbox,
        types: TypeChecker,
        settings: GatewaySettings,
        send: Send,
    ) -> None:
        self.id = begin.behavior
        self.replaces = begin.when_busy == "replace"
        self._accepted = False
        self._begin = begin
        self._robot = robot
        self._sandbox = sandbox
        self._types = types
        self._settings = settings
        self._send = send
        self._scene = SceneView(begin.scene)
        self._statements: list[StatementMessage] = []
        self._received = 0
        self._checked = 0
        self._fault: Mistyped | None = None
        self._complete = False
        self._news = asyncio.Event()
        self._running: StatementMessage | None = None
        self._calls = 0
        self._began: float | None = None
        self._origin = Pose()
        self._cut_short: Action | None = None
        self._fell: str | None = None
        self._over = False
        self._ending: dict[str, Any] | None = None
        self._task = asyncio.create_task(self._run(), name=f"behavior-{self.id}")

    # --- from the worker ---------------------------------------------------------------------------------------------

    @property
    def ended(self) -> asyncio.Task[None]:
        """Done when it has let go of the robot and sent its final message."""
        return self._task

    @property
    def attempt(self) -> int:
        """Which attempt at its behaviour it is, from 1."""
        return self._begin.attempt

    @property
    def accepted(self) -> bool:
        """Whether it has, or had, the robot."""
        return self._accepted

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
            async with self._robot.line.turn(self):
                try:
                    final = await self._outcome()
                finally:
                    self._over = True
                    await self._tell_rest()
                    self._robot.on_fall = None
        except BehaviorFailed as failure:  # no turn came
            final = failed_message(failure.code, failure.message)
        except asyncio.CancelledError:
            if self._ending is None:
                raise
            final = self._ending
        final = self._after_fall(final)
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
            await self._robot.settle()
        except Exception as error:
            failure = error if isinstance(error, BehaviorFailed | CheckError) else self._own_fault()
            suggestion = failure.suggestion if isinstance(failure, CheckError) else None
            self._ending = failed_message(failure.code, failure.message, *self._place(failure), suggestion)
            await self._robot.still()
            return self._ending
        except BaseException:
            await asyncio.shield(self._robot.still())
            raise
        return DONE

    def _place(self, failure: Exception | None) -> tuple[int | None, str | None]:
        """Line and source of the statement that failed, if it was one."""
        if isinstance(failure, Mistyped):
            statement = self._statements[failure.statement]
            return statement.line + failure.line, statement.source
        return (self._running.line, self._running.source) if self._running else (None, None)

    async def _tell_rest(self) -> None:
        """Send the call that was cut short, and what a simulated robot did, for its picture; note why it fell."""
        if self._cut_short is not None and self._ending is not DROPPED:
            await self._send(action_message(self._cut_short))
        if not self._accepted or (recording := await self._robot.recording()) is None:
            return
        if recording.fallen is not None:
            self._fell = f"the robot fell, because {recording.fallen.why}"
        recording.items = scene_items(self._begin.scene)
        if self._ending is not DROPPED and (packed := recording.packed()) is not None:
            await self._send(recording_message(packed))

    def _after_fall(self, final: dict[str, Any]) -> dict[str, Any]:
        """A behaviour that made the robot fall has failed, whatever its calls answered."""
        if self._fell is None or final["type"] not in ("done", "failed"):
            return final
        return failed_message("robot.fell", self._fell, final.get("line"), final.get("statement"))

    def _note_fall(self) -> None:
        """The robot says that it has fallen: end the behaviour, unless it has come to its end."""
        self._fell = self._fell or "the robot fell"
        if not self._over:
            self.end(failed_message("robot.fell", self._fell, *self._place(None)))

    def _own_fault(self) -> BehaviorFailed:
        log.exception("behavior met a defect of the gateway", behavior=self.id)
        return BehaviorFailed("robot.internal", "the robot gateway met an error of its own; its log says which")

    async def _execute(self) -> None:
        await self._robot.bridge.wait_connected(CONNECT_WAIT_S)
        await self._robot.prepare(self._begin.scene)
        self._origin = await self._robot.position()
        self._checker = CallChecker(self._robot.catalogue, self._scene)
        self._accepted = True
        self._robot.on_fall = self._note_fall
        await self._send(ACCEPTED)
        if self._begin.mode == "atomic":
            await self._check_whole()
        async with self._sandbox.program(self._call) as program:
            number = 0
            while await self._comes(number):
                self._running = self._statements[number]
                await program.run(self._running.source)
                self._running = None
                number += 1

    async def _check_whole(self) -> None:
        """Return once the whole program is there and checked."""
        while not self._complete:
            await self._more()
        self._check_length()
        await self._check_types()
        if self._fault is not None:
            raise self._fault

    async def _comes(self, number: int) -> bool:
        """Wait until the statement of this number, from 0, is there and checked; False when the program has ended."""
        while number >= len(self._statements):
            self._check_length()
            if self._complete:
                return False
            await self._more()
        if number >= self._checked and self._fault is None:
            await self._check_types()
        if self._fault is not None and number == self._fault.statement:
            raise self._fault
        return True

    async def _more(self) -> None:
        """Wait for news from the worker."""
        if not self._news.is_set():
            try:
                async with asyncio.timeout(self._settings.gateway_statement_timeout_s):
                    await self._wait_led()
            except TimeoutError:
                wait_s = self._settings.gateway_statement_timeout_s
                raise BehaviorFailed("budget.idle", f"no further statement came within {wait_s:g} s") from None
        self._news.clear()

    async def _wait_led(self) -> None:
        """Wait for news; a walk at a speed ends when none comes soon, for nobody leads the robot then."""
        if self._calls:
            try:
                async with asyncio.timeout(self._settings.gateway_unled_s):
                    await self._news.wait()
            except TimeoutError:
                await self._robot.settle()
        await self._news.wait()

    def _check_length(self) -> None:
        if self._received > self._settings.gateway_max_statements:
            limit = self._settings.gateway_max_statements
            raise BehaviorFailed("budget.statements", f"a behaviour may have {limit} statements; write a shorter one")

    async def _check_types(self) -> None:
        """Check the types of the program as far as it has come; a fault counts when its statement's turn comes."""
        sources = [statement.source for statement in self._statements]
        try:
            await self._types.check(sources)
        except Mistyped as fault:
            self._fault = fault
            self._checked = fault.statement
        else:
            self._checked = len(sources)

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        """Check a call of the program, then carry it out. Nothing else reaches the robot on a program's behalf."""
        plain = [plain_argument(f"{service}.{method}", value) for value in args]
        if service == SCENE:
            return self._scene.call(method, plain, await self._moved())
        checked = self._checker.check(service, method, plain, self._running.line if self._running else 0)
        self._calls += 1
        if self._calls > self._settings.gateway_max_calls:
            limit = self._settings.gateway_max_calls
            raise BehaviorFailed("budget.calls", f"a behaviour may make {limit} robot calls; write a shorter one")
        bridge, clock = self._robot.bridge, self._robot.bridge.clock
        at = clock.now()
        if self._began is None:
            self._began = at
            await self._send(ACTING)
        action = Action(service=service, method=method, args=checked, at_s=round(at - self._began, 3), took_s=0.0)
        reaches = bridge.linked
        try:
            answer = None
            if service == TIME:
                await bridge.wait(*checked)
            else:
                answer = await bridge.call(service, method, checked, self._settings.gateway_call_timeout_s)
        except BaseException:
            action.took_s, action.interrupted = round(max(0.0, clock.now() - at), 3), True
            self._cut_short = action if reaches else None  # told once the robot is still
            raise
        action.took_s, action.result = round(max(0.0, clock.now() - at), 3), plain_result(answer)
        await self._send(action_message(action))
        return action.result

    async def _moved(self) -> Pose:
        """How far the robot has come since the behaviour began, in its frame of then."""
        here, origin = await self._robot.position(), self._origin
        x, y, cos, sin = here.x - origin.x, here.y - origin.y, math.cos(origin.theta), math.sin(origin.theta)
        return Pose(cos * x + sin * y, cos * y - sin * x, here.theta - origin.theta)
