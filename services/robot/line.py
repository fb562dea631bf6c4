"""Whose turn it is on a robot: one behaviour at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from services.robot.errors import BehaviorFailed
from services.robot.protocol import replaced_message


class Behavior(Protocol):
    """A behaviour that has the robot or waits for it."""

    id: str
    replaces: bool
    """Whether it takes the robot from the one that has it, instead of waiting."""

    def end(self, final: dict[str, Any]) -> asyncio.Task[None]:
        """End it at once with this final message; the task is done when it has let go of the robot."""


class Line:
    """The behaviours that want a robot, served one at a time and in order.

    One that replaces goes before all that wait, and ends the one that has the robot, as well as any that was itself
    about to replace it: of several, the latest is meant. Those that wait go on waiting.
    """

    def __init__(self, limit: int, timeout_s: float) -> None:
        self._limit = limit
        self._timeout_s = timeout_s
        self._holder: Behavior | None = None
        self._waiting: deque[tuple[Behavior, asyncio.Future[None]]] = deque()

    @property
    def current(self) -> str | None:
        """Id of the behaviour that has the robot."""
        return None if self._holder is None else self._holder.id

    @property
    def waiting(self) -> list[str]:
        """Ids of those that wait, the next one first."""
        return [behavior.id for behavior, _ in self._waiting]

    @property
    def behaviors(self) -> list[Behavior]:
        """Those that wait, and the one that has the robot."""
        waiting = [behavior for behavior, _ in self._waiting]
        return waiting if self._holder is None else [self._holder, *waiting]

    @asynccontextmanager
    async def turn(self, behavior: Behavior) -> AsyncIterator[None]:
        """Own the robot for a block. Raises BehaviorFailed ``robot.busy``: too many wait, or no turn came in time."""
        if self._holder is None:
            self._holder = behavior
        else:
            await self._wait(behavior)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, behavior: Behavior) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (behavior, turn)
        if behavior.replaces:
            before = [self._holder, *(other for other, _ in self._waiting if other.replaces)]
            self._waiting.appendleft(entry)
            for other in before:
                if other is not None:
                    other.end(replaced_message(behavior.id))
        elif len(self._waiting) >= self._limit:
            raise BehaviorFailed(
                "robot.busy", f"{len(self._waiting)} behaviours wait for this robot already; try again later"
            )
        else:
            self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._timeout_s):
                await turn
        except TimeoutError:
            self._give_up(entry)
            raise BehaviorFailed(
                "robot.busy", f"the robot was not free within {self._timeout_s:g} s; try again later"
            ) from None
        except asyncio.CancelledError:
            self._give_up(entry)
            raise

    def _give_up(self, entry: tuple[Behavior, asyncio.Future[None]]) -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)
        elif not entry[1].cancelled():  # its turn had just come
            self._pass_on()

    def _pass_on(self) -> None:
        self._holder = None
        while self._waiting:
            behavior, turn = self._waiting.popleft()
            if not turn.done():  # else it gave up a moment ago
                self._holder = behavior
                turn.set_result(None)
                return
