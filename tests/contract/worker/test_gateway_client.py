"""The worker's end of the conversation with the robot gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.behavior.schema import BehaviorRequest
from services.worker.gateway import Execution, ExecutionFailed, Listener

FAILED = {"type": "failed", "code": "call.range", "message": "too far", "line": 1, "statement": "x"}
DEAF = Listener(acting=lambda: None, action=lambda _: None, broken_off=lambda _: None)


def test_a_gateway_that_hangs_up_while_the_worker_still_sends_is_heard_to_its_last_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last_word = asyncio.Event()

    async def execute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_json({"type": "accepted"})
        await last_word.wait()
        await socket.send_json(FAILED)
        await socket.close()
        return socket

    async def hung_up(self: object, message: dict[str, Any]) -> None:
        last_word.set()
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/v1/execute", execute)
        request = BehaviorRequest(instruction="Wave", mode="stream")
        async with TestServer(app) as server, aiohttp.ClientSession() as http:
            execution = await Execution.begin(http, str(server.make_url("")), "b1", request, DEAF, attempt=1, age_s=0.0)
            monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "send_json", hung_up)
            with pytest.raises(ExecutionFailed) as caught:
                await execution.send(1, "x")
            assert caught.value.failure.code == "call.range"
            await execution.close()

    asyncio.run(scenario())
