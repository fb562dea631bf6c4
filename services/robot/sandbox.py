"""Runs behaviour programs in pydantic-monty worker processes, statement by statement.

A program sees the robot's services and ``scene`` as objects whose method calls come out here; it has no files, no
network, no clock and no modules, and bounded time, memory and recursion.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
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
_BUDGET_CODES = {"TimeoutError": "budget.time", "MemoryError": "budget.memory", "RecursionError": "budget.recursion"}


class _HostObject:
    """What a program holds when it names a service; every use of it comes back to the host."""


class Sandbox:
    """Worker processes for the programs of one robot; one that crashes is replaced, this process never is in danger."""

    def __init__(self, services: Iterable[str], programs: int) -> None:
        self._objects = [*services, SCENE]
        self._pool = AsyncMonty(
            min_processes=1,
            max_processes=programs,
            checkout_timeout=CHECKOUT_TIMEOUT_S,
            request_timeout=TURN_TIMEOUT_S,
        )

    async def __aenter__(self) -> Sandbox:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def program(self, call: HostCall) -> AsyncIterator[Program]:
        """Open a program, whose calls go to ``call``; its variables last until the block ends.

        Raises:
            BehaviorFailed: no worker process came free in time.
        """
        async with AsyncExitStack() as stack:
            try:
                checkout = self._pool.checkout(script_name="behavior", limits=LIMITS)
                session = await stack.enter_async_context(checkout)
            except TimeoutError:
                message = f"no sandbox came free within {CHECKOUT_TIMEOUT_S:g} s; try again later"
                raise BehaviorFailed("robot.busy", message) from None
            yield Program(session, self._objects, call)


class Program:
    """One behaviour's program, fed statement by statement."""

    def __init__(self, session: AsyncMontySession, objects: Iterable[str], call: HostCall) -> None:
        wrappers = {name: ClassInstance(_HostObject()) for name in objects}
        self._session = session
        self._inputs: dict[str, ClassInstance] | None = wrappers
        self._names: dict[UUID, str] = {wrapper.id: name for name, wrapper in wrappers.items()}
        self._call = call

    async def run(self, source: str) -> None:
        """Run one statement to its end.

        Raises:
            BehaviorFailed: with a code ``program.…`` or ``budget.…`` if the sandbox refuses the statement or it fails;
                whatever the host's call raises passes through and the program must not be run any further.
        """
        inputs, self._inputs = self._inputs, None
        try:
            state = await self._session.feed_start(
                source, inputs=inputs, print_callback=CollectString(_MAX_PRINTED_BYTES)
            )
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
    kind = type(error.exception()).__name__
    message = error.display("msg") if isinstance(error, MontyRuntimeError) else str(error)
    if kind in _BUDGET_CODES:
        return BehaviorFailed(_BUDGET_CODES[kind], f"the statement used more than it may: {message}")
    return BehaviorFailed("program.error", f"{kind}: {message}"[:500])
