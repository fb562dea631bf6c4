"""A backend in the test's own process, whose generations say what the test puts in when it does, and their readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest

from services.backends.base import Delta, Finish, GenerationRequest
from services.backends.config import load_backends
from services.backends.kept import KeptAnswers
from services.backends.places import Places
from services.backends.sharing import Origin, SharedAnswers

REQUEST = GenerationRequest(messages=[{"role": "user", "content": "Wave"}], max_tokens=64)
FINISH = Finish("stop", "scripted", 7, 3)


class Generation:
    """One of them, as the server sees it."""

    def __init__(self) -> None:
        self._script: asyncio.Queue[Delta | Finish | Exception] = asyncio.Queue()
        self.cancelled = False
        self.closed = False

    def say(self, *items: str | Finish | Exception) -> None:
        for item in items:
            self._script.put_nowait(Delta(item) if isinstance(item, str) else item)

    async def next(self) -> Delta | Finish:
        item = await self._script.get()
        if isinstance(item, Exception):
            raise item
        return item


class ScriptedBackend:
    """See ``Backend``. ``closes_in_s`` is how long a generation takes to end when it is broken off."""

    def __init__(self, name: str = "llamacpp", max_concurrency: int = 8, closes_in_s: float = 0.0) -> None:
        known = load_backends({"BACKENDS": name}).configured[name]
        self.config = known.model_copy(update={"max_concurrency": max_concurrency})
        self.asked: list[GenerationRequest] = []
        self.generations: list[Generation] = []
        self._closes_in_s = closes_in_s
        self._places = Places(self.config)

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        return

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        async with self._places.one():
            generation = Generation()
            self.asked.append(request)
            self.generations.append(generation)
            try:
                while True:
                    item = await generation.next()
                    yield item
                    if isinstance(item, Finish):
                        return
            except asyncio.CancelledError:
                generation.cancelled = True
                await asyncio.sleep(self._closes_in_s)
                raise
            finally:
                generation.closed = True


async def settle() -> None:
    """Let every task go on until it waits for something that has not come."""
    for _ in range(20):
        await asyncio.sleep(0)


class Reader:
    """Somebody who asks, and what was heard."""

    def __init__(self, answers: SharedAnswers, request: GenerationRequest = REQUEST) -> None:
        self.origins: list[Origin] = []
        self.heard: list[Delta | Finish] = []
        self.task = asyncio.create_task(self._read(answers, request))

    async def _read(self, answers: SharedAnswers, request: GenerationRequest) -> None:
        async with aclosing(answers.stream(request, self.origins.append)) as stream:
            async for piece in stream:
                self.heard.append(piece)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.heard if isinstance(piece, Delta))

    async def leave(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


def shared(backend: ScriptedBackend, kept: KeptAnswers | None = None, *, coalesce: bool = True) -> SharedAnswers:
    return SharedAnswers(backend, kept or KeptAnswers(0, 1, 1.0), coalesce=coalesce)


def play(steps: Callable[[], Awaitable[None]]) -> None:
    """Run steps; nothing may be left running when they end."""

    async def run() -> None:
        async with asyncio.timeout(10):
            await steps()
            await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
