"""The worker's end of the conversation with the robot gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.behavior.schema import Action, BehaviorRequest
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


BEGUN = {
    "type": "begun",
    "service": "ALMotion",
    "method": "moveTo",
    "args": [1.0, 0.0, 0.0],
    "at_s": 0.0,
    "took_s": None,
}
ENDED = BEGUN | {"type": "action", "took_s": 2.0, "interrupted": True}


@pytest.mark.parametrize(
    ("answers", "words", "took_s"),
    [
        ([ENDED, {"type": "cancelled", "still": True}], None, 2.0),
        ([ENDED, {"type": "cancelled", "still": False}], "the robot did not answer to being stopped", 2.0),
        ([ENDED, {"type": "done"}], None, 2.0),
        ([FAILED], None, None),
        ([], "the connection to the robot gateway was lost", None),
        (None, "did not confirm within 0.2 s", None),
    ],
    ids=["stopped", "unheard", "too late", "failed", "lost", "silent"],
)
def test_a_cancel_tells_whether_the_robot_was_stopped_and_what_it_had_begun(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]] | None, words: str | None, took_s: float | None
) -> None:
    monkeypatch.setattr("services.worker.gateway._CANCEL_WAIT_S", 0.2)
    gone = asyncio.Event()

    async def execute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_json({"type": "accepted"})
        await socket.send_json(BEGUN)
        assert (await socket.receive_json())["type"] == "cancel"
        if answers is None:
            await gone.wait()
        for answer in answers or []:
            await socket.send_json(answer)
        await socket.close()
        return socket

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/v1/execute", execute)
        request = BehaviorRequest(instruction="Wave", mode="stream")
        actions: list[Action] = []
        acting = asyncio.Event()
        listener = Listener(acting=acting.set, action=actions.append, broken_off=lambda _: None)
        async with TestServer(app) as server, aiohttp.ClientSession() as http:
            url = str(server.make_url(""))
            execution = await Execution.begin(http, url, "b1", request, listener, attempt=1, age_s=0.0)
            await acting.wait()
            unconfirmed = await execution.cancel()
            gone.set()
        if words is None:
            assert unconfirmed is None
        else:
            assert unconfirmed is not None
            assert (unconfirmed.code, words in unconfirmed.message) == ("robot.unconfirmed", True)
            assert "may still move" in unconfirmed.message
        assert [(action.method, action.interrupted, action.took_s) for action in actions] == [("moveTo", True, took_s)]

    asyncio.run(scenario())
