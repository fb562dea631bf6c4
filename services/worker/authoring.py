"""Has the program of one behaviour written: which engine is asked, what it answers, and what is read of that."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog

from services.backends.base import (
    Backend,
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.behavior.program import ProgramError, ProgramReader, Refusal, Statement
from services.behavior.prompt import repair_messages
from services.behavior.schema import BehaviorRequest, Failure, PlanStep, StatementEvent, Usage
from services.jobs.ledger import Lease
from services.worker.asking import Asking
from services.worker.draft import Draft
from services.worker.engines import Attempt, Engine
from services.worker.journal import Page
from services.worker.tools import BehaviorFailed, Tools

log = structlog.get_logger("worker.authoring")

_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0


class Author:
    """Has one program written. ``draft`` is what there is of it, ``backend`` who was asked last."""

    def __init__(
        self,
        lease: Lease,
        tools: Tools,
        page: Page,
        elapsed_ms: Callable[[], float],
        written: Callable[[Statement], Awaitable[bool]],
    ) -> None:
        """Prepare to have a program written.

        Args:
            lease: of the behaviour.
            tools: the engines, and what they are told of robots.
            page: where plan steps and statements are told.
            elapsed_ms: milliseconds since the behaviour was accepted.
            written: given each statement that is complete and checked; returns whether the robot has begun with the
                program, so that no other can take its place.
        """
        self.draft = Draft()
        self.backend = lease.backend
        self._id = lease.id
        self._lease = lease
        self._request = lease.request
        self._tools = tools
        self._page = page
        self._elapsed_ms = elapsed_ms
        self._written = written
        self._acting = False
        self._announced: str | None = None
        self._asked_again = False
        self._spent = Usage()

    @property
    def usage(self) -> Usage:
        """The tokens that were read and written, for a first answer that was mended too."""
        usage = self.draft.usage
        return Usage(
            prompt_tokens=self._spent.prompt_tokens + usage.prompt_tokens,
            completion_tokens=self._spent.completion_tokens + usage.completion_tokens,
        )

    async def write(self) -> None:
        """Have it written.

        While the robot has not acted, another backend is asked, and those that are away or full are asked again.

        Raises:
            BehaviorFailed, ProgramError, BackendError: there is no program that could be carried out; and whatever
                comes of handing a statement on.
        """
        engines = self._tools.engines
        named, vision = self._request.backend is not None, self._request.image is not None
        candidates = engines.candidates(self._lease.backend, named=named, vision=vision)
        if not candidates:
            known = ", ".join(engines.names)
            message = (
                f"this worker knows no backend {self._lease.backend!r}, only {known}; give it the router's settings"
            )
            raise BehaviorFailed(Failure(code="backend.unknown", message=message))
        catalogue = self._tools.robots.catalogue(self._request.robot, self._request.execute)
        asking = Asking(await self._as_perceived(), catalogue, self._tools.settings.api_card, self._lease.trace)
        if not named and not vision:
            engines.copy_to_shadows(self._lease.backend, asking)
        give_up = time.monotonic() + self._tools.settings.engine_wait_s
        delay_s = _RETRY_FIRST_S
        while True:
            error = await self._ask_each(candidates, asking)
            if error is None:
                return
            if not isinstance(error, Unavailable | Overloaded) or time.monotonic() + delay_s > give_up:
                raise error
            log.info("engine unavailable, trying again", behavior=self._id, code=error.code, delay_s=delay_s)
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay_s = min(delay_s * 2, _RETRY_MOST_S)

    async def _as_perceived(self) -> BehaviorRequest:
        """The request; where its scene does not say how the robot that is to act sits or lies, the robot does."""
        request = self._request
        if request.execute == "none" or request.scene.posture is not None:
            return request
        posture = await self._tools.robots.posture(request.robot, request.execute)
        return request.model_copy(update={"scene": request.scene.model_copy(update={"posture": posture})})

    async def _ask_each(self, candidates: list[Engine], asking: Asking) -> BackendError | None:
        """Ask one backend after the other until one writes the program; else the error, one worth a retry if any is.

        Raises what another backend would not mend: a wrong request or program, and any error once the robot has acted.
        """
        errors: list[BackendError] = []
        for engine in candidates:
            if (admission := engine.circuit.admit()) is None:
                continue
            try:
                with engine.attempt(admission) as attempt:
                    self._announce(engine.backend)
                    await self._generate(engine, attempt, asking)
                return None
            except (Unavailable, Overloaded, TimedOut, Failed) as error:
                if self._acting:
                    raise
                errors.append(error)
                if self.draft.plan or self.draft.statements:
                    self._announced = None  # followers have to forget what the answer that broke off had shown
                self.draft = Draft()
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
        self.backend = self._announced = backend.config.name
        data: dict[str, Any] = {
            "backend": backend.config.name,
            "model": backend.config.model or None,
            "attempt": self._lease.attempt,
            "repairs": mends.failure().model_dump() if mends is not None else None,
        }
        self._page.emit("started", json.dumps(data))

    async def _generate(self, engine: Engine, attempt: Attempt, asking: Asking) -> None:
        """Have the program written; one that fails a check goes back to the model, once, before anything has acted."""
        backend = engine.backend
        generation = asking.of(backend.config)
        reader = ProgramReader(asking.catalogue, asking.request.scene, pictured=asking.request.image is not None)
        try:
            await self._read(engine.answers.stream(generation, attempt.served), reader)
        except ProgramError as error:
            again = None if asking.tuned(backend.config) else self._repair(generation, reader, error)
            if again is None:
                raise
            log.info("program goes back to the model", behavior=self._id, code=error.code, finding=error.message)
            self._announced = None
            self.draft = Draft(repaired=True)
            self._announce(backend, mends=error)
            reader = ProgramReader(asking.catalogue, asking.request.scene, pictured=asking.request.image is not None)
            await self._read(engine.answers.stream(again, attempt.served), reader)

    def _repair(
        self, generation: GenerationRequest, reader: ProgramReader, error: ProgramError
    ) -> GenerationRequest | None:
        """What to ask once more for a program that fails a check, or None if it is to fail.

        It is not asked again once the robot may have acted, for what was refused, or when so few of the tokens are left
        that another program as long as this one would be cut off.
        """
        if not self._tools.settings.repair or self._asked_again or self._acting:
            return None
        took = self.draft.took(reader.text)
        left = generation.max_tokens - took.completion_tokens
        if self.draft.refusal is not None or left < took.completion_tokens or not reader.text.strip():
            return None
        self._asked_again = True
        self._spent = took
        messages = repair_messages(generation.messages, reader.text, error)
        return replace(generation, messages=messages, max_tokens=left, temperature=0.0)

    async def _read(self, answer: AsyncGenerator[Delta | Finish, None], reader: ProgramReader) -> None:
        draft = self.draft
        try:
            async with aclosing(answer):
                async for item in answer:
                    if isinstance(item, Finish):
                        draft.finish = item
                        continue
                    if draft.ttft_ms is None:
                        draft.ttft_ms = self._elapsed_ms()
                    draft.pieces += 1
                    for found in reader.feed(item.text):
                        await self._take(found)
                    if reader.fault is not None:  # what the engine may still write need not be waited for
                        raise reader.fault
            if draft.finish is not None and draft.finish.reason == "length":
                limit = f"the program was cut at {self._request.max_tokens} tokens"
                mend = "raise max_tokens or ask for less"
                raise BehaviorFailed(Failure(code="program.truncated", message=limit, suggestion=mend))
            for found in reader.close():
                await self._take(found)
        finally:
            draft.code = reader.code

    async def _take(self, found: PlanStep | Statement | Refusal) -> None:
        draft = self.draft
        if isinstance(found, PlanStep):
            draft.plan.append(found)
            self._page.emit("step", found)
        elif isinstance(found, Refusal):
            draft.refusal = found.reason
        else:
            if draft.ttfs_ms is None:
                draft.ttfs_ms = self._elapsed_ms()
            draft.statements.append(found)
            self._page.emit("statement", StatementEvent(line=found.line, step=found.step, source=found.source))
            self._acting = await self._written(found)
