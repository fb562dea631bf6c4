"""For servers that run a batch as one: requests that come together become one request with a list of prompts.

While a batch runs the next one gathers, so the busier the worker is the fuller they are. Each item is answered as soon
as it ends; one whose caller has left is forgotten, and when all have left, the connection is closed: the batch stops.
A batch that is refused for what one of its items asks is sent again in halves, so that only this item fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import from_json

from services.backends.base import (
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Invalid,
    Overloaded,
    Unavailable,
)
from services.backends.config import BackendConfig
from services.backends.dialects.base import Call, broken_off, encode
from services.backends.dialects.openai import OpenAIDialect
from services.backends.http_client import StreamClient
from services.backends.sse import DataLines, LineTooLong

_FINISH_REASONS: dict[str, Literal["stop", "length"]] = {"stop": "stop", "length": "length"}


@dataclass(eq=False)
class _Item:
    """One request, and what has come of it that its caller has not fetched yet."""

    request: GenerationRequest
    news: asyncio.Queue[Delta | Finish | BackendError] = field(default_factory=asyncio.Queue)
    #: Set when it need not wait for a batch any more.
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    #: Answered, or left by its caller.
    over: bool = False

    @property
    def kind(self) -> tuple[bool, tuple[str, ...], str | None]:
        """What all items of one batch have in common."""
        return self.request.prompt is None, tuple(self.request.stop), self.request.adapter

    def tell(self, news: Delta | Finish | BackendError) -> None:
        if not self.over:
            self.over = not isinstance(news, Delta)
            self.news.put_nowait(news)


class BatchBackend:
    """See ``Backend``. One batch of up to ``max_concurrency`` items at a time."""

    def __init__(self, config: BackendConfig) -> None:
        self.config = config
        self._client = StreamClient(config, OpenAIDialect(config))
        self._waiting: list[_Item] = []
        self._full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batch: list[_Item] = []
        self._batch_ends = asyncio.timeout(None)

    async def ready(self) -> bool:
        """See ``Backend.ready``."""
        return await self._client.ready()

    async def close(self) -> None:
        """See ``Backend.close``."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for item in self._waiting:
            item.tell(self._closed())
            item.taken.set()
        await self._client.close()

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        """See ``Backend.stream``."""
        item = _Item(request)
        self._waiting.append(item)
        if len(self._waiting) >= self.config.max_concurrency:
            self._full.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            await self._wait_for_batch(item)
            while True:
                news = await item.news.get()  # the batch watches the clock
                if isinstance(news, BackendError):
                    raise news
                yield news
                if isinstance(news, Finish):
                    return
        finally:
            self._leave(item)

    async def _wait_for_batch(self, item: _Item) -> None:
        try:
            async with asyncio.timeout(self.config.first_token_timeout_s):
                await item.taken.wait()
        except TimeoutError:
            raise Overloaded(
                f"{self.config.name} was busy with other batches for {self.config.first_token_timeout_s:g} s; "
                "try again later"
            ) from None

    def _leave(self, item: _Item) -> None:
        """Forget an item; end the batch that nobody waits for any more."""
        early, item.over = not item.over, True
        if item in self._waiting:
            self._waiting.remove(item)
        if early and item in self._batch and all(each.over for each in self._batch):
            self._batch_ends.reschedule(asyncio.get_running_loop().time())

    async def _run(self) -> None:
        """Gather and run batches until nothing waits."""
        while self._waiting:
            if len(self._waiting) < self.config.max_concurrency:
                self._full.clear()
                try:
                    async with asyncio.timeout(self.config.batch_wait_ms / 1000):
                        await self._full.wait()
                except TimeoutError:
                    pass
            if not self._waiting:
                return
            kind = self._waiting[0].kind
            batch = [item for item in self._waiting if item.kind == kind][: self.config.max_concurrency]
            self._waiting = [item for item in self._waiting if item not in batch]
            await self._run_batch(batch)

    async def _run_batch(self, batch: list[_Item]) -> None:
        error: BackendError = Unavailable(
            f"{self.config.name} ended its answer in the middle; it may have been stopped"
        )
        for item in batch:
            item.taken.set()
        try:
            async with asyncio.timeout(None) as self._batch_ends:
                self._batch = batch
                await self._stream_batch(batch)
        except TimeoutError:
            pass  # all have left
        except BackendError as caught:
            error = caught
        except asyncio.CancelledError:
            error = self._closed()
            raise
        except Exception as caught:
            error = Failed(f"{self.config.name} sent what cannot be understood: {caught!r}")
        finally:
            self._batch = []
            for item in batch:
                item.tell(error)

    def _closed(self) -> Unavailable:
        return Unavailable(f"the connection to {self.config.name} was closed")

    async def _stream_batch(self, batch: list[_Item]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.config.first_token_timeout_s
        try:
            # One trace at most can be the batch's: the first item's.
            response = await self._client.post(self._call(batch), batch[0].request.trace, deadline)
        except Invalid as refused:
            if len(batch) == 1:
                batch[0].tell(refused)
                return
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                if left := [item for item in half if not item.over]:
                    await self._stream_batch(left)
            return
        try:
            answer = _BatchAnswer(self.config, batch)
            first = True
            while not answer.ended:
                chunk = await self._client.next_chunk(response, deadline, first)
                if answer.feed(chunk):
                    first = False
                    deadline = loop.time() + self.config.idle_timeout_s
            await self._client.drain(response)
        finally:
            response.close()

    def _call(self, batch: list[_Item]) -> Call:
        requests = [item.request for item in batch]
        first = requests[0]
        body: dict[str, Any] = {
            "max_tokens": [request.max_tokens for request in requests],
            "temperature": [request.temperature for request in requests],
            "top_p": [1.0 if request.top_p is None else request.top_p for request in requests],
            "top_k": [request.top_k or 0 for request in requests],
            "seed": [request.seed for request in requests],
            "stream": True,
        }
        if self.config.grammar == "gbnf" and any(request.grammar for request in requests):
            body["grammar"] = [request.grammar for request in requests]
        if model := first.adapter or self.config.model:
            body["model"] = model
        if first.stop:
            body["stop"] = first.stop
        if first.prompt is not None:
            return Call("/v1/completions", encode(body | {"prompt": [request.prompt for request in requests]}))
        return Call("/v1/chat/completions", encode(body | {"messages": [request.messages for request in requests]}))


class _BatchAnswer:
    """Hands the events of one stream to the items that they are about."""

    def __init__(self, config: BackendConfig, batch: list[_Item]) -> None:
        self.ended = False
        self._config = config
        self._batch = batch
        self._lines = DataLines()

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes (empty: the end); whether they brought anything. Raises a BackendError for the batch."""
        try:
            payloads = self._lines.feed(chunk) if chunk else self._lines.close()
        except LineTooLong as error:
            raise Failed(f"{self._config.name}: {error}") from None
        done = not chunk
        for payload in payloads:
            if payload == b"[DONE]":
                done = True
                break
            self._hand_on(from_json(payload))
        self.ended = done or all(item.over for item in self._batch)
        return bool(payloads)

    def _hand_on(self, event: dict[str, Any]) -> None:
        if error := event.get("error"):
            raise broken_off(self._config, error)
        for choice in event["choices"]:
            item = self._batch[choice["index"]]
            if text := (choice.get("delta") or {}).get("content") or choice.get("text"):
                item.tell(Delta(text))
            if reason := choice.get("finish_reason"):
                item.tell(self._finish(event, str(reason)))

    def _finish(self, event: dict[str, Any], reason: str) -> Finish | BackendError:
        if reason not in _FINISH_REASONS:
            return Failed(f"{self._config.name} ended its answer with finish_reason {reason!r}")
        usage = event.get("usage") or {}
        return Finish(
            reason=_FINISH_REASONS[reason],
            model=event.get("model") or self._config.model or self._config.name,
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
        )
