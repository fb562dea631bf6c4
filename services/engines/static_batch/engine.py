"""The one thread that holds the model, and the queue before it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING

import structlog

from services.engines.launch import give_up
from services.engines.static_batch.items import Client, Item, Piece, next_batch
from services.engines.static_batch.metrics import Metrics
from services.engines.static_batch.settings import EngineSettings

if TYPE_CHECKING:
    from services.engines.static_batch.decoder import Decoder
    from services.engines.static_batch.model import Model

log = structlog.get_logger("engine")


class QueueFull(Exception):
    """As many prompts wait as may; the message says how many that is."""


class GenerationFailed(Exception):
    """The batch in which the prompt ran has failed."""


class Request:
    """The prompts of one HTTP request: where the model's thread leaves what it has for them."""

    def __init__(self) -> None:
        self.gone = False
        self._loop = asyncio.get_running_loop()
        # Bounded by the prompts' max_tokens.
        self._pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue()

    def deliver(self, pieces: Sequence[Piece | Exception]) -> None:
        """See ``Client.deliver``; from any thread."""
        self._loop.call_soon_threadsafe(self._put, pieces)

    def _put(self, pieces: Iterable[Piece | Exception]) -> None:
        for piece in pieces:
            self._pieces.put_nowait(piece)

    async def next(self) -> Piece:
        """The next piece of any of the prompts. Raises GenerationFailed."""
        piece = await self._pieces.get()
        if isinstance(piece, Exception):
            raise piece
        return piece


class Engine:
    """Runs what is asked for in padded batches, in the order in which it was asked as far as lengths allow."""

    def __init__(self, settings: EngineSettings, metrics: Metrics) -> None:
        #: None while it is being loaded.
        self.model: Model | None = None
        self._settings = settings
        self._metrics = metrics
        self._waiting: list[Item] = []
        self._changed = threading.Condition()

    def serve(self) -> None:
        """Load the model and run batches for ever: the body of the model's thread. Ends the process if it cannot."""
        began = time.monotonic()
        try:
            from services.engines.static_batch.decoder import Decoder
            from services.engines.static_batch.model import Model

            model = Model(self._settings)
            decoder = Decoder(model)
        except Exception as error:  # in this thread, anything else would leave a process that serves nothing
            os._exit(give_up(f"{self._settings.model} cannot be loaded: {error} (set STATIC_BATCH_MODEL)"))
        self.model = model
        log.info(
            "engine serves",
            model=self._settings.name,
            runtime=self._settings.runtime,
            device=str(model.device),
            load_s=round(time.monotonic() - began, 2),
        )
        while True:
            self._run(decoder, self._take())

    async def answer(self, request: Request, items: Sequence[Item]) -> AsyncGenerator[Piece, None]:
        """Queue the items of a request and yield their pieces as they come, until all have ended.

        Closing the generator, or cancelling its task, takes what has not ended off the queue and out of its batch.

        Raises:
            QueueFull: none of them was queued.
            GenerationFailed: those that have not ended never will.
        """
        self._enqueue(items)
        try:
            left = len(items)
            while left:
                piece = await request.next()
                left -= piece.finish_reason is not None
                yield piece
        finally:
            request.gone = True
            self._forget(request)

    def _enqueue(self, items: Sequence[Item]) -> None:
        with self._changed:
            if len(self._waiting) + len(items) > self._settings.max_queued:
                self._metrics.refused.inc()
                raise QueueFull(
                    f"{len(self._waiting)} prompts wait and {self._settings.max_queued} may "
                    "(STATIC_BATCH_MAX_QUEUED); try again later"
                )
            self._waiting.extend(items)
            self._metrics.waiting.set(len(self._waiting))
            self._changed.notify()

    def _forget(self, request: Request) -> None:
        with self._changed:
            self._waiting = [item for item in self._waiting if item.client is not request]
            self._metrics.waiting.set(len(self._waiting))

    def _take(self) -> list[Item]:
        """Wait for work and take the next batch of it off the queue."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            batch = next_batch(self._waiting, self._settings.max_batch, self._settings.bucket_factor)
            taken = set(map(id, batch))
            self._waiting = [item for item in self._waiting if id(item) not in taken]
            self._metrics.waiting.set(len(self._waiting))
        return batch

    def _run(self, decoder: Decoder, batch: list[Item]) -> None:
        ended: set[int] = set()
        self._metrics.batch(batch)
        try:
            for step in decoder.generate(batch):
                by_client: dict[Client, list[Piece]] = {}
                for item, piece in step:
                    by_client.setdefault(item.client, []).append(piece)
                    if piece.finish_reason:
                        ended.add(id(item))
                        self._metrics.ended(piece)
                for client, pieces in by_client.items():
                    client.deliver(pieces)
        except Exception as error:  # the next batch may well fit: what failed is told, and the engine goes on
            log.exception("a batch failed", prompts=len(batch))
            self._metrics.failed.inc()
            for client in {item.client for item in batch if id(item) not in ended}:
                client.deliver([GenerationFailed(f"the batch failed: {type(error).__name__}: {error}")])
        finally:
            self._metrics.running.set(0)
