"""The life of one behaviour in the worker: it is written, carried out, perhaps interrupted, and ends in a document."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Literal

import structlog

from services.backends.base import BackendError
from services.behavior.program import ProgramError, Statement
from services.behavior.schema import BehaviorResult, Failure, Status, Timings
from services.jobs.documents import picture_path, result_document, stopped_failure
from services.jobs.ledger import Lease
from services.worker import metrics
from services.worker.authoring import Author
from services.worker.gateway import ExecutionFailed, RobotReplaced, RobotStopped
from services.worker.journal import EmergencyStopped, LeaseLost
from services.worker.performing import Performer
from services.worker.tools import BehaviorFailed, Tools

log = structlog.get_logger("worker.behave")

#: Why a running behaviour is made to end early: somebody cancelled it; another worker has it; this one shuts down; the
#: emergency stop was pressed; the gateway broke it off.
Interruption = Literal["cancel", "lost", "shutdown", "stop", "robot"]


class Behavior:
    """One attempt at one behaviour. ``run`` returns True when it ended, False when it is to be given back."""

    def __init__(self, lease: Lease, tools: Tools) -> None:
        self.lease = lease
        self._tools = tools
        self._request = lease.request
        self._page = tools.journal.page(lease, lambda: self.interrupt("lost"))
        self._started = time.monotonic()
        self._task: asyncio.Task[bool] | None = None
        self._interruption: Interruption | None = None
        self._break: BaseException | None = None
        self._settled = False
        self._performer = Performer(lease, tools, self._page, self._elapsed_ms, self._broken_off)
        self._author = Author(lease, tools, self._page, self._elapsed_ms, self._written)

    def interrupt(self, reason: Interruption) -> None:
        """End the behaviour early; the first reason counts."""
        if self._interruption is None and not self._settled:
            self._interruption = reason
            if self._task is not None:
                self._task.cancel()

    @property
    def acting(self) -> bool:
        """True once the robot may have moved."""
        return self._performer.acting

    async def run(self) -> bool:
        """See the behaviour through to its one terminal event."""
        self._task = asyncio.current_task()
        if self._interruption is not None:  # before it could start
            asyncio.get_running_loop().call_soon(self._task.cancel)  # type: ignore[union-attr]
        document = await self._document()
        if document is None:
            return self._interruption != "shutdown"
        try:
            await self._page.finish(document, self._performer.recording if document.picture else "")
        except LeaseLost:
            log.warning("lease lost before the end was written", behavior=self.lease.id, attempt=self.lease.attempt)
            return True
        metrics.record(document, self._request.mode)
        return True

    async def _document(self) -> BehaviorResult | None:
        """The final document, or None when this worker must not write one."""
        try:
            document = await self._outcome()
            if document is not None:
                document.model_dump_json()  # what cannot be written down is found here, where it can still be mended
        except Exception as error:
            log.exception("the final document could not be made", behavior=self.lease.id)
            message = f"unexpected {type(error).__name__} in the worker; its log has the details"
            document = result_document(
                self.lease.id,
                self._request,
                self._author.backend,
                "failed",
                error=Failure(code="worker.internal", message=message),
                waited_ms=self.lease.waited_ms,
            )
            document.actions = self._performer.actions
        self._settled = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # takes an interruption that came too late to change anything
        await self._performer.close()
        return document

    async def _outcome(self) -> BehaviorResult | None:
        try:
            async with asyncio.timeout(self._tools.settings.behavior_timeout_s):
                await self._author.write()
                await self._perform_rest()
        except asyncio.CancelledError:
            return await self._interrupted()
        except LeaseLost:
            return None
        except Exception as error:
            await self._stop_acting()
            return self._ended_by(error)
        return self._result("refused" if self._author.draft.refusal is not None else "succeeded", None)

    async def _stop_acting(self) -> None:
        """It has failed, and nothing else can end it any more: stop the robot, and hear what it did until then."""
        self._settled = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # takes an interruption that came too late to change anything
        await self._performer.cancel()

    def _ended_by(self, error: BaseException | None) -> BehaviorResult:
        """How it ended, when something kept it from its good end."""
        match error:
            case BehaviorFailed() | ExecutionFailed():
                return self._result("failed", error.failure)
            case RobotStopped() | EmergencyStopped():
                return self._result("cancelled", stopped_failure())
            case RobotReplaced():
                reason = f"behaviour {error.by} took the robot from it"
                return self._result("cancelled", Failure(code="robot.replaced", message=reason))
            case ProgramError():
                return self._result("failed", error.failure())
            case BackendError():
                return self._result("failed", Failure(code=error.code, message=error.message))
            case TimeoutError():
                limit = f"it took longer than {self._tools.settings.behavior_timeout_s:g} s and was stopped"
                return self._result("failed", Failure(code="worker.timeout", message=limit))
        log.error("behaviour failed unexpectedly", behavior=self.lease.id, exc_info=error)
        message = f"unexpected {type(error).__name__} in the worker; its log has the details"
        return self._result("failed", Failure(code="worker.internal", message=message))

    async def _interrupted(self) -> BehaviorResult | None:
        """After a cancellation: stop the robot, then say how it ended, or nothing if another worker goes on."""
        task = asyncio.current_task()
        if self._interruption is None or task is None:
            raise asyncio.CancelledError
        task.uncancel()
        if self._interruption == "robot":
            return self._ended_by(self._break)
        unconfirmed = await self._performer.cancel()
        if self._interruption == "cancel":
            return self._result("cancelled", unconfirmed)
        if self._interruption == "stop":
            return self._result("cancelled", stopped_failure())
        if self._interruption == "shutdown" and self.acting:
            how = "the robot was stopped" if unconfirmed is None else unconfirmed.message
            reason = f"its worker was shut down while the robot was acting; {how}"
            return self._result("failed", Failure(code="worker.lost", message=reason))
        return None

    async def _written(self, statement: Statement) -> bool:
        """Stream mode acts on each statement as it is written. Returns whether the robot has begun."""
        if self._request.mode == "stream" and self._request.execute != "none":
            await self._performer.perform(statement)
        return self.acting

    async def _perform_rest(self) -> None:
        """Atomic mode acts only now that the whole program is checked; stream mode waits for the last action."""
        if self._request.execute == "none":
            return
        if self._request.mode == "atomic":
            for statement in self._author.draft.statements:
                await self._performer.perform(statement)
        await self._performer.end()

    def _broken_off(self, error: BaseException) -> None:
        self._break = error
        self.interrupt("robot")

    def _elapsed_ms(self) -> float:
        """Milliseconds since acceptance."""
        return round(self.lease.waited_ms + (time.monotonic() - self._started) * 1000, 3)

    def _result(self, status: Status, error: Failure | None) -> BehaviorResult:
        draft = self._author.draft
        return BehaviorResult(
            id=self.lease.id,
            status=status,
            instruction=self._request.instruction,
            robot=self._request.robot,
            backend=self._author.backend,
            model=None if draft.finish is None else draft.finish.model,
            plan=draft.plan,
            code=draft.code,
            actions=self._performer.actions,
            refusal=draft.refusal,
            error=error,
            picture=picture_path(self.lease.id) if self._performer.recording else None,
            timings=Timings(
                queue_ms=self.lease.waited_ms,
                ttft_ms=draft.ttft_ms,
                ttfs_ms=draft.ttfs_ms,
                ttfa_ms=self._performer.ttfa_ms,
                total_ms=self._elapsed_ms(),
            ),
            repaired=draft.repaired,
            usage=self._author.usage,
        )
