"""Waits on the event loop for what qi's own threads answer."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from services.robot.errors import RobotFault

_MAX_MESSAGE = 300


class Answers:
    """The answers that a robot owes. One that nobody waits for any more is still owed: its call may yet begin."""

    def __init__(self) -> None:
        self._owed: set[asyncio.Future[Any]] = set()

    def __len__(self) -> int:
        return len(self._owed)

    async def wait(self, future: Any) -> Any:
        """The value of a qi future. Raises RobotFault with the error that it ends in."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def settle(error: str | None, value: Any) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(RobotFault(first_paragraph(error)))

        def done(finished: Any) -> None:
            failed = finished.hasError(0) or finished.isCanceled()
            outcome = (
                (finished.error() if finished.hasError(0) else "cancelled", None)
                if failed
                else (None, finished.value())
            )
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, *outcome)

        self._owed.add(answer)
        answer.add_done_callback(self._settled)
        future.addCallback(done)
        return await asyncio.shield(answer)

    async def all(self, timeout_s: float) -> bool:
        """Whether everything that is owed now is answered within that time."""
        if not self._owed:
            return True
        _, missing = await asyncio.wait(self._owed, timeout=timeout_s)
        return not missing

    def fail(self, error: Exception) -> None:
        """Nothing that is owed will be answered."""
        for answer in list(self._owed):
            if not answer.done():
                answer.set_exception(error)

    def _settled(self, answer: asyncio.Future[Any]) -> None:
        self._owed.discard(answer)
        if not answer.cancelled():
            answer.exception()  # seen, even if nobody waits for it any more


def first_paragraph(error: str) -> str:
    """Cut a remote error to what it says: services written in Python append a stack trace after an empty line."""
    return " ".join(error.split("\n\n", 1)[0].split())[:_MAX_MESSAGE] or "the robot gave no reason"
