"""A stand-in engine for fault tests: each program says the marker of its own instruction, so that a robot which hears
a marker twice has carried a behaviour out twice. ``python -m tests.fault.echo_engine PORT``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys

from aiohttp import web

MARKER = re.compile(r"marker-[0-9a-f]{32}")
_PAUSE_S = 0.02


async def complete(request: web.Request) -> web.StreamResponse:
    """Stream a program of two calls, a piece at a time."""
    body = await request.json()
    marker = MARKER.findall(json.dumps(body["messages"]))[-1]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # whoever asked was killed
        await _program(response, marker)
    return response


async def _program(response: web.StreamResponse, marker: str) -> None:
    for piece in ("# Step 1: speak\n", "ALTextToSpeech.", f'say("{marker}")\n', "ALMotion.moveTo(0.1, 0.0, 0.0)\n"):
        await _event(response, {"index": 0, "delta": {"content": piece}, "finish_reason": None})
        await asyncio.sleep(_PAUSE_S)
    await _event(response, {"index": 0, "delta": {}, "finish_reason": "stop"})
    await response.write(b"data: [DONE]\n\n")


async def _event(response: web.StreamResponse, choice: dict[str, object]) -> None:
    await response.write(b"data: " + json.dumps({"model": "echo", "choices": [choice]}).encode() + b"\n\n")


async def health(_: web.Request) -> web.Response:
    """Always ready."""
    return web.json_response({"status": "ok"})


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_post("/v1/chat/completions", complete)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, handle_signals=True)
