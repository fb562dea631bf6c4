"""The longest that a pass-through answer may take, whatever it is that takes so long."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import Received, ScriptedServer

PATH = "/v1/chat/completions"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def slow_engine() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def hasty(redis_url: str, slow_engine: ScriptedServer) -> Iterator[RunningRouter]:
    """A router that has a second for each answer, and two places at its engine."""
    with running_router(
        REDIS_URL=redis_url,
        LLAMACPP_URL=slow_engine.url,
        LLAMACPP_MAX_CONCURRENCY="2",
        ROUTER_PROCESSES="1",
        ROUTER_COMPLETION_TIMEOUT_S="1",
    ) as router:
        yield router


@pytest.mark.parametrize("door", [PATH, "/generate_stream"])
def test_clients_that_take_nothing_of_their_answer_give_their_places_back(
    hasty: RunningRouter, slow_engine: ScriptedServer, door: str
) -> None:
    slow_engine.reset()
    event = b'data: {"choices":[{"index":0,"text":"' + b"x" * 60_000 + b'"}]}\n\n'

    def endless(request: Received) -> None:
        request.send(HEAD)
        while True:
            request.send(event)

    slow_engine.script = endless
    body = b'{"messages":[],"stream":true}' if door == PATH else b'{"inputs":"a"}'
    head = f"POST {door} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    clients = [socket.socket() for _ in range(2)]
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", hasty.port))
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        held = [slow_engine.next_request() for _ in clients]
        assert all(request.hung_up() for request in held)
        slow_engine.reset()
        with hasty.client() as http:
            assert http.post(PATH, json={"messages": []}).status_code == 200
    finally:
        for client in clients:
            client.close()
    hasty.wait_for_log("client did not take the answer in time")
    assert "Traceback" not in hasty.log()


@pytest.mark.parametrize("streaming", [True, False])
def test_an_engine_that_never_comes_to_the_end_is_told_of_as_such(
    hasty: RunningRouter, slow_engine: ScriptedServer, streaming: bool
) -> None:
    slow_engine.reset()

    def drips(request: Received) -> None:
        request.send(HEAD)
        while True:
            request.send(b'data: {"choices":[{"index":0,"text":"x"}]}\n\n')
            time.sleep(0.05)

    slow_engine.script = drips
    with httpx.Client(base_url=hasty.url, timeout=20) as http:
        if streaming:
            *_, last = http.post("/generate_stream", json={"inputs": "a"}).text.strip().split("data: ")
            assert json.loads(last)["error"] == "llamacpp broke off: the answer was not complete within 1 s"
        else:
            answer = http.post("/generate", json={"inputs": "a"})
            assert (answer.status_code, answer.json()["error"]) == (
                504,
                "llamacpp did not answer in time; try again or ask for less.",
            )
    hasty.wait_for_log("not complete within 1 s")
    assert "kept silent" not in hasty.log()
