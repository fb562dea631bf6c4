"""The life of one behaviour in the worker: prompt, engine, checked statements, robot, final document."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal

import aiohttp
import structlog

from services.backends.base import (
    Backend,
    BackendError,
    Failed,
    Finish,
    GenerationRequest,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.behavior.program import ProgramError, ProgramReader, Refusal, Statement
from services.behavior.prompt import repair_messages
from services.behavior.schema import (
    Action,
    BehaviorResult,
    Failure,
    PlanStep,
    StatementEvent,
    Status,
    Timings,
    Usage,
)
from services.jobs.documents import picture_path, result_document, stopped_failure
from services.jobs.ledger import Lease
from services.worker import metrics
from services.worker.asking import Asking
from services.worker.engines import Engine, Engines
from services.worker.gateway import Execution, ExecutionFailed, Listener, RobotReplaced, RobotStopped
from services.worker.journal import EmergencyStopped, Journal, LeaseLost
from services.worker.robots import Robots
from services.worker.settings import WorkerSettings

log = structlog.get_logger("worker.behave")

#: Why a running behaviour is made to end early: somebody cancelled it; another worker has it; this one shuts down; the
#: emergency stop was pressed; the gateway broke it off.
Interruption = Literal["cancel", "lost", "shutdown", "stop", "robot"]
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0
_CHARACTERS_OF_A_TOKEN = 4


class BehaviorFailed(Exception):
    """The behaviour ends as failed; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True)
class Tools:
    """What all behaviours of a worker share."""

    settings: WorkerSettings
    engines: Engines
    journal: Journal
    robots: Robots
    http: aiohttp.ClientSession


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
        self._acting = False
        self._settled = False
        self._backend = lease.backend
        self._announced: str | None = None
        self._actions: list[Action] = []
        self._asked_again = False
        self._spent = Usage()
        self._reset()

    def _reset(self) -> None:
        """Forget what an engine produced before it failed."""
        self._plan: list[PlanStep] = []
        self._statements: list[Statement] = []
        self._refusal: str | None = None
        self._code = ""
        self._finish: Finish | None = None
        self._pieces = 0
        self._repaired = False
        self._ttft_ms: float | None = None
        self._ttfs_ms: float | None = None
        self._ttfa_ms: float | None = None
        self._execution: Execution | None = None

    def interrupt(self, reason: Interruption) -> None:
        """End the behaviour early; the first reason counts."""
        if self._interruption is None and not self._settled:
            self._interruption = reason
            if self._task is not None:
                self._task.cancel()

    @property
    def acting(self) -> bool:
        """True once the robot may have moved."""
        return self._acting

    async def run(self) -> bool:
        """See the behaviour through to its one terminal event."""
        self._task = asyncio.current_task()
        if self._interruption is not None:  # before it could start
            asyncio.get_running_loop().call_soon(self._task.cancel)  # type: ignore[union-attr]
        document = await self._document()
        if document is None:
            return self._interruption != "shutdown"
        try:
            await self._page.finish(document, self._recording if document.picture else "")
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
                self._backend,
                "failed",
                error=Failure(code="worker.internal", message=message),
                waited_ms=self.lease.waited_ms,
            )
            document.actions = self._actions
        self._settled = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # takes an interruption that came too late to change anything
        if self._execution is not None:
            await self._execution.close()
        return document

    async def _outcome(self) -> BehaviorResult | None:
        try:
            async with asyncio.timeout(self._tools.settings.behavior_timeout_s):
                await self._generate_with_retries()
                await self._execute_rest()
        except asyncio.CancelledError:
            return await self._interrupted()
        except LeaseLost:
            return None
        except Exception as error:
            return self._ended_by(error)
        return self._result("refused" if self._refusal is not None else "succeeded", None)

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
        if self._execution is not None:
            await self._execution.cancel()
        if self._interruption == "cancel":
            return self._result("cancelled", None)
        if self._interruption == "stop":
            return self._result("cancelled", stopped_failure())
        if self._interruption == "shutdown" and self._acting:
            reason = "its worker was shut down while the robot was acting; the robot was stopped"
            return self._result("failed", Failure(code="worker.lost", message=reason))
        return None

    async def _generate_with_retries(self) -> None:
        """Generate; while the robot has not acted, another backend is asked, and those that are away or full again."""
        engines = self._tools.engines
        named, vision = self._request.backend is not None, self._request.image is not None
        candidates = engines.candidates(self.lease.backend, named=named, vision=vision)
        if not candidates:
            known = ", ".join(engines.names)
            message = (
                f"this worker knows no backend {self.lease.backend!r}, only {known}; give it the router's settings"
            )
            raise BehaviorFailed(Failure(code="backend.unknown", message=message))
        catalogue = self._tools.robots.catalogue(self._request.robot, self._request.execute)
        asking = Asking(self._request, catalogue, self._tools.settings.api_card, self.lease.trace)
        if not named and not vision:
            engines.copy_to_shadows(self.lease.backend, asking)
        give_up = time.monotonic() + self._tools.settings.engine_wait_s
        delay_s = _RETRY_FIRST_S
        while True:
            error = await self._ask_each(candidates, asking)
            if error is None:
                return
            if not isinstance(error, Unavailable | Overloaded) or time.monotonic() + delay_s > give_up:
                raise error
            log.info("engine unavailable, trying again", behavior=self.lease.id, code=error.code, delay_s=delay_s)
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay_s = min(delay_s * 2, _RETRY_MOST_S)

    async def _ask_each(self, candidates: list[Engine], asking: Asking) -> BackendError | None:
        """Ask one backend after the other until one writes the program; else the error, one worth a retry if any is.

        Raises what another backend would not mend: a wrong request or program, and any error once the robot has acted.
        """
        errors: list[BackendError] = []
        for engine in candidates:
            if (admission := engine.circuit.admit()) is None:
                continue
            try:
                with engine.attempt(admission):
                    self._announce(engine.backend)
                    await self._generate(engine.backend, asking)
                return None
            except (Unavailable, Overloaded, TimedOut, Failed) as error:
                if self._acting:
                    raise
                errors.append(error)
                if self._plan or self._statements:
                    self._announced = None  # followers have to forget what the answer that broke off had shown
                self._reset()
        if not errors:
            names = " and ".join(engine.backend.config.name for engine in candidates)
            return Unavailable(f"after failures {names} is left alone for a while; try again later")
        return next((error for error in errors if isinstance(error, Unavailable | Overloaded)), errors[-1])

    def _announce(self, backend: Backend, mends: ProgramError | None = None) -> None:
        """Say who is asked, and for a second answer what is to be mended.

        Said again, it tells followers to forget what was shown before.
        """
        if self._announced == backend.config.name:
            return
        self._backend = self._announced = backend.config.name
        data: dict[str, Any] = {
            "backend": backend.config.name,
            "model": backend.config.model or None,
            "attempt": self.lease.attempt,
            "repairs": mends.failure().model_dump() if mends is not None else None,
        }
        self._page.emit("started", json.dumps(data))

    async def _generate(self, backend: Backend, asking: Asking) -> None:
        """Have the program written; one that fails a check goes back to the model, once, before anything has acted."""
        generation = asking.of(backend.config)
        reader = ProgramReader(asking.catalogue, self._request.scene, pictured=self._request.image is not None)
        try:
            await self._read(backend, generation, reader)
        except ProgramError as error:
            again = None if asking.tuned(backend.config) else self._repair(generation, reader, error)
            if again is None:
                raise
            log.info("program goes back to the model", behavior=self.lease.id, code=error.code, finding=error.message)
            self._announced = None
            self._reset()
            self._repaired = True
            self._announce(backend, mends=error)
            reader = ProgramReader(asking.catalogue, self._request.scene, pictured=self._request.image is not None)
            await self._read(backend, again, reader)

    def _repair(
        self, generation: GenerationRequest, reader: ProgramReader, error: ProgramError
    ) -> GenerationRequest | None:
        """What to ask once more for a program that fails a check, or None if it is to fail.

        It is not asked again once the robot may have acted, for what was refused, or when so few of the tokens are left
        that another program as long as this one would be cut off.
        """
        if not self._tools.settings.repair or self._asked_again or self._execution is not None:
            return None
        # An answer that is broken off never tells what it took. Each piece is a token or several that came together.
        pieces = Usage(completion_tokens=max(self._pieces, len(reader.text) // _CHARACTERS_OF_A_TOKEN))
        took = pieces if self._finish is None else usage_of(self._finish)
        left = generation.max_tokens - took.completion_tokens
        if self._refusal is not None or left < took.completion_tokens or not reader.text.strip():
            return None
        self._asked_again = True
        self._spent = took
        messages = repair_messages(generation.messages, reader.text, error)
        return replace(generation, messages=messages, max_tokens=left, temperature=0.0)

    async def _read(self, backend: Backend, generation: GenerationRequest, reader: ProgramReader) -> None:
        try:
            async with aclosing(backend.stream(generation)) as stream:
                async for item in stream:
                    if isinstance(item, Finish):
                        self._finish = item
                        continue
                    if self._ttft_ms is None:
                        self._ttft_ms = self._elapsed_ms()
                    self._pieces += 1
                    for found in reader.feed(item.text):
                        await self._handle(found)
                    if reader.fault is not None:  # what the engine may still write need not be waited for
                        raise reader.fault
            if self._finish is not None and self._finish.reason == "length":
                limit = f"the program was cut at {self._request.max_tokens} tokens"
                mend = "raise max_tokens or ask for less"
                raise BehaviorFailed(Failure(code="program.truncated", message=limit, suggestion=mend))
            for found in reader.close():
                await self._handle(found)
        finally:
            self._code = reader.code

    async def _handle(self, found: PlanStep | Statement | Refusal) -> None:
        if isinstance(found, PlanStep):
            self._plan.append(found)
            self._page.emit("step", found)
        elif isinstance(found, Refusal):
            self._refusal = found.reason
        else:
            if self._ttfs_ms is None:
                self._ttfs_ms = self._elapsed_ms()
            self._statements.append(found)
            self._page.emit("statement", StatementEvent(line=found.line, step=found.step, source=found.source))
            if self._request.mode == "stream" and self._request.execute != "none":
                await self._execute(found)

    async def _execute(self, statement: Statement) -> None:
        if self._execution is None:
            self._execution = await Execution.begin(
                self._tools.http,
                self._tools.settings.gateway_url,
                self.lease.id,
                self._request,
                Listener(self._begins_to_act, self._acted, self._broken_off),
                attempt=self.lease.attempt,
                age_s=self._elapsed_ms() / 1000,
            )
            self._acting = True
            await self._page.declare_acting()
        await self._execution.send(statement.line, statement.source)

    async def _execute_rest(self) -> None:
        """Atomic mode acts only now that the whole program is checked; stream mode waits for the last action."""
        if self._request.execute == "none":
            return
        if self._request.mode == "atomic":
            for statement in self._statements:
                await self._execute(statement)
        if self._execution is not None:
            await self._execution.end()

    def _begins_to_act(self) -> None:
        self._ttfa_ms = self._elapsed_ms()

    def _broken_off(self, error: BaseException) -> None:
        self._break = error
        self.interrupt("robot")

    def _acted(self, action: Action) -> None:
        self._actions.append(action)
        self._page.emit("action", action)

    @property
    def _recording(self) -> str:
        """What a simulated robot did, as the gateway told it."""
        return self._execution.recording if self._execution else ""

    def _elapsed_ms(self) -> float:
        """Milliseconds since acceptance."""
        return round(self.lease.waited_ms + (time.monotonic() - self._started) * 1000, 3)

    def _result(self, status: Status, error: Failure | None) -> BehaviorResult:
        usage = Usage() if self._finish is None else usage_of(self._finish)
        return BehaviorResult(
            id=self.lease.id,
            status=status,
            instruction=self._request.instruction,
            robot=self._request.robot,
            backend=self._backend,
            model=None if self._finish is None else self._finish.model,
            plan=self._plan,
            code=self._code,
            actions=self._actions,
            refusal=self._refusal,
            error=error,
            picture=picture_path(self.lease.id) if self._recording else None,
            timings=Timings(
                queue_ms=self.lease.waited_ms,
                ttft_ms=self._ttft_ms,
                ttfs_ms=self._ttfs_ms,
                ttfa_ms=self._ttfa_ms,
                total_ms=self._elapsed_ms(),
            ),
            repaired=self._repaired,
            usage=Usage(
                prompt_tokens=self._spent.prompt_tokens + usage.prompt_tokens,
                completion_tokens=self._spent.completion_tokens + usage.completion_tokens,
            ),
        )


def usage_of(finish: Finish) -> Usage:
    """The tokens that an engine counted."""
    return Usage(prompt_tokens=finish.prompt_tokens, completion_tokens=finish.completion_tokens)
