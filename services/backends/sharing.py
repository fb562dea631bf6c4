"""Equal requests share one answer: those that come while it is written follow it, and later ones may have it replayed.

Only where the same answer is asked for each time: at temperature 0, or with a seed. Requests are equal that say the
same in everything but their trace context; the server is told that of the one that began.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import fields
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from pydantic_core import to_json

from services.backends.base import Backend, BackendError, GenerationRequest, Unavailable
from services.backends.kept import KeptAnswers, Key, Piece

#: Where an answer comes from: asked of the server now, being written for an equal request, or kept from an earlier one.
Origin = Literal["engine", "followed", "replayed"]

_WHAT_MATTERS = [field.name for field in fields(GenerationRequest) if field.name != "trace"]


class _Answer:
    """One answer while it is written: ``task`` writes it, and each of its readers reads it at a pace of its own."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None]
        self.readers = 0
        self.pieces: list[Piece] = []
        self.over = False
        #: It is taken for complete only when it is known to be.
        self.error: Exception | None = Unavailable("the answer was broken off")
        self._news = asyncio.Event()

    def tell(self) -> None:
        """There is another piece, or the end."""
        self._news.set()
        self._news = asyncio.Event()

    async def has(self, at: int) -> bool:
        """Wait until it is known whether there is a piece of this index. Raises the error that ended the answer."""
        while at >= len(self.pieces):
            if not self.over:
                await self._news.wait()
            elif isinstance(self.error, BackendError):
                raise type(self.error)(self.error.message) from self.error  # each reader adds to a traceback of its own
            elif self.error is not None:
                raise self.error
            else:
                return False
        return True


class SharedAnswers:
    """The answers of one backend. The server writes one for as long as anybody reads it."""

    def __init__(self, backend: Backend, kept: KeptAnswers, *, coalesce: bool) -> None:
        """Prepare to ask.

        Args:
            backend: who is asked.
            kept: where finished answers are kept, those of other backends too.
            coalesce: whether requests follow an answer that is being written.
        """
        self._backend = backend
        self._kept = kept
        self._coalesce = coalesce
        self._running: dict[Key, _Answer] = {}

    def stream(self, request: GenerationRequest, served: Callable[[Origin], None]) -> AsyncGenerator[Piece, None]:
        """See ``Backend.stream``. ``served`` is told where the answer comes from, before any of it.

        One that is followed has the time-outs of the request that began, which are over sooner than the follower's own.
        """
        repeatable = request.temperature == 0 or request.seed is not None
        if repeatable and (self._coalesce or self._kept.most):
            return self._share(request, served)
        served("engine")
        return self._backend.stream(request)

    async def _share(self, request: GenerationRequest, served: Callable[[Origin], None]) -> AsyncGenerator[Piece, None]:
        key = self._backend.config.name, _hash(request)
        if (pieces := self._kept.get(key)) is not None:
            served("replayed")
            for piece in pieces:
                yield piece
            return
        answer = self._running.get(key)
        served("engine" if answer is None else "followed")
        if answer is None:
            answer = self._begin(key, request)
        answer.readers += 1
        try:
            at = 0
            while await answer.has(at):
                yield answer.pieces[at]
                at += 1
        finally:
            answer.readers -= 1
            if not answer.readers and not answer.over:
                self._forget(key, answer)  # at once: nobody must follow what is being broken off
                answer.task.cancel()
                await asyncio.wait({answer.task})

    def _begin(self, key: Key, request: GenerationRequest) -> _Answer:
        answer = _Answer()
        answer.task = asyncio.create_task(self._write(key, request, answer))
        if self._coalesce:
            self._running[key] = answer
        return answer

    async def _write(self, key: Key, request: GenerationRequest, answer: _Answer) -> None:
        try:
            async with aclosing(self._backend.stream(request)) as stream:
                async for piece in stream:
                    answer.pieces.append(piece)
                    answer.tell()
            answer.error = None
            self._kept.put(key, answer.pieces)
        except Exception as error:
            answer.error = error
        finally:
            self._forget(key, answer)
            answer.over = True
            answer.tell()

    def _forget(self, key: Key, answer: _Answer) -> None:
        if self._running.get(key) is answer:
            del self._running[key]


def _hash(request: GenerationRequest) -> bytes:
    """The same for requests that say the same."""
    values = (getattr(request, name) for name in _WHAT_MATTERS)
    return sha256(to_json([_text_hash(value) if isinstance(value, str) else value for value in values])).digest()


@lru_cache(maxsize=64)
def _text_hash(text: str) -> str:
    """Grammars are a hundred kilobytes long, and the same again and again."""
    return sha256(text.encode()).hexdigest()
