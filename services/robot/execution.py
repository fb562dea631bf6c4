"""One behaviour on one robot, from its turn in the line to its one final message."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from services.behavior.check import CheckError
from services.picture.recording import scene_items
from services.robot.calls import Calls, Send
from services.robot.errors import BehaviorFailed
from services.robot.protocol import (
    ACCEPTED,
    CANCELLED,
    DONE,
    Begin,
    StatementMessage,
    action_message,
    cancelled_message,
    failed_message,
    recording_message,
)
from services.robot.robot import Robot
from services.robot.sandbox import Sandbox
from services.robot.settings import GatewaySettings
from services.robot.statements import Statements
from services.robot.typecheck import Mistyped, TypeChecker

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
        self._settings = settings
        self._send = send
        self._statements = Statements(types, settings)
        self._running: StatementMessage | None = None
        self._calls: Calls | None = None
        self._fell: str | None = None
        self._still = True
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
    def acted(self) -> bool:
        """Whether a call of its program may have reached the robot."""
        return self._calls is not None and self._calls.made > 0

    def feed(self, statement: StatementMessage) -> None:
        """Take the next statement."""
        self._statements.feed(statement)

    def complete(self) -> None:
        """No more statements will come."""
        self._statements.complete()

    @property
    def may_be_retried(self) -> bool:
        """Whether it failed, or lost its worker, before its first call: nothing moved and nobody wanted its end."""
        return not self.acted and self._ending is not None and self._ending["type"] in ("failed", "dropped")

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
                    if self._calls is not None:
                        await self._calls.close()
                    await self._tell_rest()
                    self._robot.on_fall = None
        except BehaviorFailed as failure:  # no turn came
            final = failed_message(failure.code, failure.message)
        except asyncio.CancelledError:
            if self._ending is None:
                raise
            final = self._ending
        final = self._after_fall(final)
        if final is CANCELLED:
            final = cancelled_message(still=self._still)
        elif final["type"] == "failed" and not self._still:
            final = final | {
                "message": f"{final['message']}; the robot did not answer to being stopped: it may still move"
            }
        self._ending = final  # too late for any other
        calls = self._calls.made if self._calls is not None else 0
        log.info("behavior ended", behavior=self.id, target=self._robot.target, how=final["type"], calls=calls)
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
            await self._leave_still()
            return self._ending
        except BaseException:
            await asyncio.shield(self._leave_still())
            raise
        return DONE

    async def _leave_still(self) -> None:
        self._still = await self._robot.still()

    def _place(self, failure: Exception | None) -> tuple[int | None, str | None]:
        """Line and source of the statement that failed, if it was one."""
        if isinstance(failure, Mistyped):
            return self._statements.place(failure)
        return (self._running.line, self._running.source) if self._running else (None, None)

    async def _tell_rest(self) -> None:
        """Send the call that was cut short, and what a simulated robot did, for its picture; note why it fell."""
        cut_short = self._calls.cut_short if self._calls is not None else None
        if cut_short is not None and self._ending is not DROPPED:
            await self._send(action_message(cut_short))
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

    def _note_failure(self, failure: BehaviorFailed) -> None:
        """Something beside the calls of the program has failed: end the behaviour."""
        self.end(failed_message(failure.code, failure.message, *self._place(None)))

    def _own_fault(self) -> BehaviorFailed:
        log.exception("behavior met a defect of the gateway", behavior=self.id)
        return BehaviorFailed("robot.internal", "the robot gateway met an error of its own; its log says which")

    async def _execute(self) -> None:
        await self._robot.bridge.wait_connected(CONNECT_WAIT_S)
        await self._robot.prepare(self._begin.scene)
        origin, scene = await asyncio.gather(self._robot.position(), self._robot.perceive(self._begin.scene))
        self._calls = calls = Calls(self._robot, origin, scene, self._settings, self._send, self._note_failure)
        self._accepted = True
        self._robot.on_fall = self._note_fall
        await self._send(ACCEPTED)
        if self._begin.mode == "atomic":
            await self._statements.whole()
        async with self._sandbox.program(calls.call) as program:
            number = 0
            while (statement := await self._statements.get(number)) is not None:
                self._running, calls.line = statement, statement.line
                await program.run(statement.source)
                self._running = None
                number += 1
