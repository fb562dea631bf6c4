"""Type-checks programs against the stubs of a robot's API, without running them.

The checker that comes with the sandbox checks what a session is fed, but takes the first value of a name for its type
in every later feed, so that ``x = 0`` and then ``x = 0.5`` would fail. So the program as far as it goes is fed at once,
as the body of a function that nobody calls, to a session that does nothing else: some two milliseconds, however long it
is. The line after the function raises, which keeps the session from remembering it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType

from pydantic_monty import (
    AsyncMonty,
    AsyncMontySession,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
    MontyTypingError,
    ResourceLimits,
)

from services.robot.errors import BehaviorFailed

CHECK_TIMEOUT_S = 5.0
#: The checker keeps a few kilobytes of each check; after so many it begins afresh.
CHECKS_OF_A_SESSION = 1000
_LIMITS = ResourceLimits(max_feed_duration_secs=1.0, max_memory=32 * 1024 * 1024)
_LINE_END = re.compile(r"\r\n|\r|\n")
_HEAD, _TAIL = "def program() -> None:", "raise StopIteration"
_FINDING = re.compile(r"behavior:(\d+):\d+: \w+\[([\w-]+)\] (.*)")


class Mistyped(BehaviorFailed):
    """A statement that does not fit the stubs; ``statement`` counts from 0, ``line`` from 0 within it."""

    def __init__(self, code: str, message: str, statement: int, line: int) -> None:
        super().__init__(code, message)
        self.statement = statement
        self.line = line


class TypeChecker:
    """Checks the programs of one robot, one at a time."""

    def __init__(self, stubs: str) -> None:
        self._stubs = stubs
        self._pool = AsyncMonty(
            min_processes=1,
            max_processes=1,
            checkout_timeout=CHECK_TIMEOUT_S,
            request_timeout=CHECK_TIMEOUT_S,
            max_checkouts_per_worker=1,
        )
        self._turn = asyncio.Lock()
        self._session: AsyncMontySession | None = None
        self._end = AsyncExitStack()
        self._checks = 0

    async def __aenter__(self) -> TypeChecker:
        await self._pool.__aenter__()
        with contextlib.suppress(BehaviorFailed):
            await self.check([])  # reads the stubs, which takes longer than any check
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._discard()
        await self._pool.__aexit__(kind, error, trace)

    async def check(self, statements: Sequence[str]) -> None:
        """Check a program as far as it goes.

        Raises:
            Mistyped: with the first statement that is wrong; those before it are right.
            BehaviorFailed: the check came to no end.
        """
        lines = [_LINE_END.split(statement) for statement in statements] or [[""]]
        body = "".join(f"    {line}\n" for statement in lines for line in statement)
        async with self._turn:
            try:
                session = await self._ready()
                await session.feed_start(f"{_HEAD}\n    pass\n{body}{_TAIL}")
            except MontyTypingError as error:
                raise _mistyped(error.display(), lines) from None
            except MontySyntaxError as error:
                raise Mistyped("program.syntax", f"the program cannot be read: {error}"[:500], 0, 0) from None
            except MontyRuntimeError as error:
                if not isinstance(error.exception(), StopIteration):
                    await self._discard()
                    raise _outside() from None
            except (MontyCrashedError, TimeoutError):
                await self._discard()
                raise BehaviorFailed("budget.time", "checking the types of the program took too long") from None
            except BaseException:
                await self._discard()
                raise
            else:
                await self._discard()
                raise _outside()
            self._checks += 1
            if self._checks >= CHECKS_OF_A_SESSION:
                await self._discard()

    async def _ready(self) -> AsyncMontySession:
        if self._session is None:
            self._session = await self._end.enter_async_context(
                self._pool.checkout(
                    script_name="behavior",
                    limits=_LIMITS,
                    type_check=True,
                    type_check_stubs=self._stubs,
                    type_check_format="concise",
                )
            )
            self._checks = 0
        return self._session

    async def _discard(self) -> None:
        self._session = None
        with contextlib.suppress(MontyError):
            await self._end.aclose()


def _outside() -> BehaviorFailed:
    return BehaviorFailed("program.forbidden", "the program does not stay where it is put to be checked")


def _mistyped(findings: str, statements: list[list[str]]) -> Mistyped:
    """The finding that stands first in the program; the checker tells them one on a line."""
    found = [match.groups() for match in map(_FINDING.match, findings.splitlines()) if match]
    line, rule, words = min(((int(line), rule, words) for line, rule, words in found), default=(0, "", findings))
    at = max(0, line - 3)
    number = 0
    while number < len(statements) - 1 and at >= len(statements[number]):
        at -= len(statements[number])
        number += 1
    code, what = ("program.syntax", "cannot be read") if rule == "invalid-syntax" else ("program.type", "is mistyped")
    return Mistyped(code, f"the statement {what}: {words}"[:500], number, min(at, len(statements[number]) - 1))
