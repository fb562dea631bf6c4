"""Ends a walk at a speed when the time is up for which its way was checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.behavior.check import CallChecker
from services.robot.errors import BehaviorFailed
from services.robot.robot import Robot


class WalkWatch:
    """Watches the walks of one program, whatever that does meanwhile.

    A walk at a speed goes on until a call ends it. Which call that is nobody knows yet while the engine still writes,
    and one that should be short may hang. So the checks look at the way of such a walk only as far as the calls last
    that are known of, and a little further; this sees to it that the robot gets no further.
    """

    def __init__(self, robot: Robot, checker: CallChecker, failed: Callable[[BehaviorFailed], None]) -> None:
        """Watch what a checker lets through.

        Args:
            robot: that walks.
            checker: of the program's calls.
            failed: whom to tell that a walk could not be ended.
        """
        self._robot = robot
        self._checker = checker
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """End the walk that is under way now, if there is one, at the moment that the checker knows now."""
        self.leave()
        if (ends := self._checker.walk_ends) is not None:
            clock = self._robot.bridge.clock
            wait_s = max(0.0, ends - clock.now()) / clock.speed
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._begin_to_end)

    def leave(self) -> None:
        """Do not end the walk: another one takes its place, or the behaviour is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def ended(self) -> None:
        """Return when no walk is just being ended: a call that came between would be for another robot than it was."""
        if self._ending is not None:
            await asyncio.wait({self._ending})

    def _begin_to_end(self) -> None:
        self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        try:
            await self._robot.settle()
        except BehaviorFailed as error:
            self._failed(error)
        else:
            self._checker.walk_was_ended()
