from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from services.robot.errors import BehaviorFailed
from services.robot.line import Line


class Wanting:
    """A behaviour that holds the robot until it is told to let go, or is ended."""

    def __init__(self, name: str, line: Line, log: list[str], *, replaces: bool = False) -> None:
        self.id = name
        self.replaces = replaces
        self._line = line
        self._log = log
        self.enough = asyncio.Event()
        self.final: dict[str, Any] | None = None
        self.task = asyncio.create_task(self._run())

    def end(self, final: dict[str, Any]) -> asyncio.Task[None]:
        if self.final is None:
            self.final = final
            self.task.cancel()
        return self.task

    async def _run(self) -> None:
        try:
            async with self._line.turn(self):
                self._log.append(f"{self.id} begins")
                try:
                    await self.enough.wait()
                finally:
                    await asyncio.sleep(0)  # as long as it takes to still the robot
                    self._log.append(f"{self.id} ends")
        except asyncio.CancelledError:
            if self.final is None:
                raise


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 10))


def test_turns_are_taken_in_order_and_never_two_at_once() -> None:
    async def scenario() -> None:
        line, log = Line(limit=5, timeout_s=5), list[str]()
        first, second, third = (Wanting(name, line, log) for name in "abc")
        await settle()
        assert (line.current, line.waiting) == ("a", ["b", "c"])
        assert [behavior.id for behavior in line.behaviors] == ["a", "b", "c"]
        for behavior in (first, second, third):
            behavior.enough.set()
        await settle()
        assert log == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]
        assert (line.current, line.waiting, line.behaviors) == (None, [], [])

    play(scenario())


def test_one_that_replaces_ends_the_holder_and_goes_before_those_who_wait() -> None:
    async def scenario() -> None:
        line, log = Line(limit=1, timeout_s=5), list[str]()
        holder, waiting = Wanting("holder", line, log), Wanting("waiting", line, log)
        await settle()
        new = Wanting("new", line, log, replaces=True)  # though the line is full
        await settle()
        assert holder.final == {"type": "replaced", "by": "new"}
        assert (line.current, line.waiting, waiting.final) == ("new", ["waiting"], None)
        new.enough.set()
        waiting.enough.set()
        await settle()
        assert log == ["holder begins", "holder ends", "new begins", "new ends", "waiting begins", "waiting ends"]

    play(scenario())


def test_of_several_that_replace_the_latest_is_meant() -> None:
    async def scenario() -> None:
        line, log = Line(limit=5, timeout_s=5), list[str]()
        holder = Wanting("holder", line, log)
        await settle()
        earlier, later = Wanting("earlier", line, log, replaces=True), Wanting("later", line, log, replaces=True)
        await settle()
        assert (holder.final, earlier.final) == (
            {"type": "replaced", "by": "earlier"},
            {"type": "replaced", "by": "later"},
        )
        assert (line.current, line.waiting) == ("later", [])
        assert log == ["holder begins", "holder ends", "later begins"]
        later.enough.set()
        await settle()

    play(scenario())


def test_a_free_robot_is_simply_taken() -> None:
    async def scenario() -> None:
        line, log = Line(limit=0, timeout_s=5), list[str]()
        behavior = Wanting("a", line, log, replaces=True)
        await settle()
        assert line.current == "a"
        behavior.enough.set()
        await settle()
        assert line.current is None

    play(scenario())


def test_a_full_line_and_a_long_wait_are_refused() -> None:
    async def scenario() -> None:
        line, log = Line(limit=1, timeout_s=0.05), list[str]()
        holder, waiting = Wanting("holder", line, log), Wanting("waiting", line, log)
        await settle()
        for refused in (Wanting("too many", line, log), waiting):
            with pytest.raises(BehaviorFailed) as caught:
                await refused.task
            assert caught.value.code == "robot.busy"
        assert (line.current, line.waiting) == ("holder", [])
        holder.enough.set()
        await settle()
        assert line.current is None

    play(scenario())


def test_whoever_leaves_the_moment_the_turn_comes_passes_it_on() -> None:
    async def scenario() -> None:
        for leave in ("before", "after"):
            line, log = Line(limit=5, timeout_s=5), list[str]()
            holder, leaving, last = (Wanting(name, line, log) for name in ("holder", "leaving", "last"))
            await settle()
            if leave == "before":
                leaving.end({})
            holder.enough.set()
            await asyncio.sleep(0)
            while line.current == "holder":  # noqa: ASYNC110 (turn by turn)
                await asyncio.sleep(0)
            leaving.end({})
            last.enough.set()
            await settle()
            assert line.behaviors == []
            assert log[-2:] == ["last begins", "last ends"]

    play(scenario())
