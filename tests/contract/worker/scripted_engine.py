"""An LLM server whose answers a test writes: a stand-in, so that a test can make an engine stop, stall or break."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Refuse:
    """Answer with this HTTP status."""

    status: int
    body: bytes = b'{"error":{"message":"scripted refusal"}}'


@dataclass(frozen=True)
class Say:
    """Send this event as it is."""

    payload: bytes


@dataclass(frozen=True)
class Hold:
    """Send nothing more until the test calls ``release`` (or the client hangs up)."""


@dataclass(frozen=True)
class Break:
    """Drop the connection."""


Step = str | Say | Refuse | Hold | Break


class ScriptedEngine:
    """Plays one script per request, in order; the last one again and again."""

    def __init__(self) -> None:
        self._scripts: deque[Sequence[Step]] = deque()
        self._last: Sequence[Step] = ()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._release = asyncio.Event()
        self.requests: list[dict[str, Any]] = []
        self.traces: list[str | None] = []
        self.holding = threading.Semaphore(0)
        self.hung_up = threading.Semaphore(0)

    def play(self, *scripts: Sequence[Step], finish: str = "stop") -> None:
        """Set the scripts of the next requests. ``finish`` is the finish reason of them all."""
        self._scripts = deque(scripts)
        self._finish = finish
        self._loop.call_soon_threadsafe(self._release.clear)
        self.requests.clear()
        self.traces.clear()
        self.holding = threading.Semaphore(0)
        self.hung_up = threading.Semaphore(0)

    def release(self) -> None:
        """Let every held answer go on."""
        self._loop.call_soon_threadsafe(self._release.set)

    def start(self) -> str:
        """Listen on a free port; the base URL."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        """Stop listening and end the thread."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> str:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.traces.append(request.headers.get("traceparent"))
        if self._scripts:
            self._last = self._scripts.popleft()
        script = self._last
        if script and isinstance(script[0], Refuse):
            return web.Response(body=script[0].body, status=script[0].status, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for step in script:
                if isinstance(step, Hold):
                    self.holding.release()
                    await self._release.wait()
                elif isinstance(step, Break):
                    assert request.transport is not None
                    request.transport.abort()
                    return response
                elif isinstance(step, Say):
                    await response.write(b"data: " + step.payload + b"\n\n")
                elif isinstance(step, str):
                    await _event(
                        response, {"choices": [{"index": 0, "delta": {"content": step}, "finish_reason": None}]}
                    )
            await _event(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": self._finish}]})
            usage = {"prompt_tokens": 7, "completion_tokens": len(script)}
            await _event(response, {"choices": [], "usage": usage})
            await response.write(b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.release()
            raise
        return response


async def _event(response: web.StreamResponse, document: dict[str, Any]) -> None:
    document = {"id": "scripted", "model": "scripted", "object": "chat.completion.chunk", **document}
    await response.write(b"data: " + json.dumps(document).encode() + b"\n\n")
