"""Runs behaviour programs in pydantic-monty worker processes, statement by statement.

A program sees the robot's services and ``scene`` as objects whose method calls come out here; it has no files, no
network, no clock and no modules, and bounded time, memory and recursion. Each statement is type-checked against the
stubs of those objects before it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from uuid import UUID

from pydantic_monty import (
    AsyncFunctionSnapshot,
    AsyncMonty,
    AsyncMontySession,
    AsyncNameLookupSnapshot,
    ClassInstance,
    CollectString,
    MontyComplete,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
    MontyTypingError,
    ResourceLimits,
)

from services.robot.errors import BehaviorFailed

HostCall = Callable[[str, str, list[Any]], Awaitable[Any]]
"""Carries out ``object.method(*args)`` for a program and returns the result."""

LIMITS = ResourceLimits(
    max_feed_duration_secs=1.0,  # computing time of one statement; waiting for the robot does not count
    max_memory=32 * 1024 * 1024,
    max_recursion_depth=50,
    max_suspensions=10_000,  # the executor's budget of calls is far lower; this bounds its work all the same
)
SCENE = "scene"
CHECKOUT_TIMEOUT_S = 10.0
TURN_TIMEOUT_S = 5.0
_MAX_PRINTED_BYTES = 64 * 1024
_DIAGNOSIS = re.compile(r"behavior:\d+:\d+: \w+\[([\w-]+)\] (.*)")
_BUDGET_CODES = {"TimeoutError": "budget.time", "MemoryError": "budget.memory", "RecursionError": "budget.recursion"}


class _HostObject:
    """What a program holds when it names a service; every use of it comes back to the host."""


@dataclass(frozen=True)
class _Session:
    """A session that has read the stubs and knows the objects, which takes a moment."""

    monty: AsyncMontySession
    names: dict[UUID, str]
    end: AsyncExitStack


class Sandbox:
    """Worker processes for the programs of one robot; one that crashes is replaced, this process never is in danger.

    One session is always ready for the next program, so that none waits for the type checker to read the stubs.
    """

    def __init__(self, services: Iterable[str], stubs: str, programs: int) -> None:
        self._objects = [*services, SCENE]
        self._stubs = stubs
        self._pool = AsyncMonty(
            min_processes=1,
            max_processes=programs + 1,
            checkout_timeout=CHECKOUT_TIMEOUT_S,
            request_timeout=TURN_TIMEOUT_S,
        )
        self._taking = asyncio.Lock()
        self._spare: asyncio.Task[_Session]

    async def __aenter__(self) -> Sandbox:
        await self._pool.__aenter__()
        self._spare = asyncio.create_task(self._prepare())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(TimeoutError, MontyError):
            spare = await self._spare
            await spare.end.aclose()
        await self._pool.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def program(self, call: HostCall) -> AsyncIterator[Program]:
        """Open a program, whose calls go to ``call``; its variables last until the block ends.

        Raises:
            BehaviorFailed: no worker process came free in time.
        """
        try:
            session = await self._take()
        except TimeoutError:
            message = f"no sandbox came free within {CHECKOUT_TIMEOUT_S:g} s; try again later"
            raise BehaviorFailed("robot.busy", message) from None
        except MontyError as error:
            raise BehaviorFailed("robot.internal", f"no sandbox can be made: {error}"[:500]) from None
        async with session.end:
            yield Program(session.monty, session.names, call)

    async def _take(self) -> _Session:
        async with self._taking:
            session = None
            with contextlib.suppress(TimeoutError, MontyError):
                session = await asyncio.shield(self._spare)  # whoever gives up here leaves it for the next
            self._spare = asyncio.create_task(self._prepare())
            if session is not None and await self._lives(session):
                return session
            return await self._prepare()

    async def _lives(self, session: _Session) -> bool:
        """Whether a session that has waited can still be used; else it is ended."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(session.end.aclose)
            try:
                await session.monty.feed_start("None", skip_type_check=True)
            except MontyError:
                return False
            stack.pop_all()
            return True

    async def _prepare(self) -> _Session:
        wrappers = {name: ClassInstance(_HostObject()) for name in self._objects}
        async with AsyncExitStack() as stack:
            monty = await stack.enter_async_context(
                self._pool.checkout(
                    script_name="behavior",
                    limits=LIMITS,
                    type_check=True,
                    type_check_stubs=self._stubs,
                    type_check_format="concise",
                )
            )
            await monty.feed_start("None", inputs=wrappers)
            return _Session(monty, {wrapper.id: name for name, wrapper in wrappers.items()}, stack.pop_all())


class Program:
    """One behaviour's program, fed statement by statement."""

    def __init__(self, session: AsyncMontySession, names: dict[UUID, str], call: HostCall) -> None:
        self._session = session
        self._names = names
        self._call = call

    async def run(self, source: str) -> None:
        """Run one statement to its end.

        Raises:
            BehaviorFailed: with a code ``program.…`` or ``budget.…`` if the sandbox refuses the statement or it fails;
                whatever the host's call raises passes through and the program must not be run any further.
        """
        try:
            state = await self._session.feed_start(source, print_callback=CollectString(_MAX_PRINTED_BYTES))
            while not isinstance(state, MontyComplete):
                if isinstance(state, AsyncFunctionSnapshot):
                    state = await state.resume({"return_value": await self._host_call(state)})
                elif isinstance(state, AsyncNameLookupSnapshot):
                    state = await state.resume()  # unknown here too, so the program gets its NameError
                else:
                    raise BehaviorFailed("program.forbidden", "a program cannot wait for several things at once")
        except MontyError as error:
            raise _failure(error) from None

    async def _host_call(self, state: AsyncFunctionSnapshot) -> Any:
        name = self._names.get(state.object_id) if state.object_id is not None else None
        method = str(state.function_name)
        if name is None:
            what = "files, modules, clocks and the system" if state.is_os_function else "anything but the robot's API"
            raise BehaviorFailed("program.forbidden", f"{method!r} is refused: a program has no access to {what}")
        if state.kwargs:
            first = next(iter(state.kwargs))
            raise BehaviorFailed("call.arity", f"{name}.{method}: write {first!r} by position, not as {first}=…")
        return await self._call(name, method, list(state.args))


def _failure(error: MontyError) -> BehaviorFailed:
    if isinstance(error, MontyCrashedError):
        return BehaviorFailed("budget.memory", "the program's sandbox was ended because it used up its resources")
    if isinstance(error, MontySyntaxError):
        return BehaviorFailed("program.syntax", f"the statement cannot be read: {error.display('msg')}")
    if isinstance(error, MontyTypingError):
        return _mistyped(error.display())
    kind = type(error.exception()).__name__
    message = error.display("msg") if isinstance(error, MontyRuntimeError) else str(error)
    if kind in _BUDGET_CODES:
        return BehaviorFailed(_BUDGET_CODES[kind], f"the statement used more than it may: {message}")
    return BehaviorFailed("program.error", f"{kind}: {message}"[:500])


def _mistyped(diagnoses: str) -> BehaviorFailed:
    """The first of the type checker's findings, which stand one on a line."""
    first = diagnoses.split("\n", 1)[0]
    rule, words = found.groups() if (found := _DIAGNOSIS.match(first)) else ("", first)
    if rule == "invalid-syntax":
        return BehaviorFailed("program.syntax", f"the statement cannot be read: {words}"[:500])
    return BehaviorFailed("program.type", f"the statement fails its type check: {words}"[:500])
