"""Request bodies in hand at the same time: bounded in sum, and free again whatever becomes of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import HangUp, Received, ScriptedServer, answer

PATH = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}
#: Two of them fit, three do not.
LARGE = b'{"messages":[],"user":"' + b"x" * 40_000 + b'"}'


@pytest.fixture(scope="module")
def engine_of_few() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def narrow(redis_url: str, engine_of_few: ScriptedServer) -> Iterator[RunningRouter]:
    """A router with room for two large bodies, whose engine takes one request at a time."""
    with running_router(
        REDIS_URL=redis_url,
        LLAMACPP_URL=engine_of_few.url,
        LLAMACPP_MAX_CONCURRENCY="1",
        ROUTER_PROCESSES="1",
        ROUTER_MAX_BODY_BYTES="60000",
        ROUTER_BODIES_MAX_BYTES="100000",
        ROUTER_BODY_TIMEOUT_S="2",
    ) as router:
        yield router


@pytest.fixture
def http(narrow: RunningRouter) -> Iterator[httpx.Client]:
    with narrow.client(JSON) as client:
        yield client


def begun(router: RunningRouter, path: str = PATH, *, size: int = len(LARGE), sent: bytes = LARGE) -> socket.socket:
    """A connection on which a body of ``size`` bytes was begun with those of ``sent``."""
    connection = socket.create_connection(("127.0.0.1", router.port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    return connection


def wait_until_refused(http: httpx.Client) -> httpx.Response:
    return wait_for_status(http, 503)


def wait_for_status(http: httpx.Client, status: int) -> httpx.Response:
    end = time.monotonic() + 10
    while True:
        # What is not JSON is answered without the engine, after it was read.
        response = http.post("/v1/behaviors", content=b"x" * 40_000)
        if response.status_code == status or time.monotonic() > end:
            assert response.status_code == status, response.text
            return response
        time.sleep(0.02)


def test_bodies_on_their_way_in_are_bounded_and_small_ones_go_on(narrow: RunningRouter, http: httpx.Client) -> None:
    paused = [begun(narrow, path, sent=LARGE[:100]) for path in (PATH, "/v1/behaviors")]
    refused = wait_until_refused(http)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["type"].endswith(":too-many-bodies")
    assert "raise ROUTER_BODIES_MAX_BYTES" in refused.json()["detail"]
    assert http.post("/v1/behaviors", json={"instruction": "Wave", "execute": "none"}).status_code == 202
    for connection in paused:
        assert b" 408 " in connection.recv(65536)  # too slow: after which there is room again
        connection.close()
    assert wait_for_status(http, 400)


def test_a_body_of_unknown_length_is_counted_as_it_grows(narrow: RunningRouter, http: httpx.Client) -> None:
    paused = begun(narrow, sent=b"")
    wait_for_status(http, 400)
    begins, ends = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"x" * 50_000
        begins.set()
        ends.wait(10)
        yield b"x"

    with paused:
        large = threading.Thread(target=lambda: http.post("/v1/behaviors", content=pieces()))
        large.start()
        begins.wait(10)
        wait_until_refused(http)
        ends.set()
        large.join()
    wait_for_status(http, 400)


def test_bodies_stay_counted_until_the_backend_has_them(
    narrow: RunningRouter, http: httpx.Client, engine_of_few: ScriptedServer
) -> None:
    answers = threading.Event()

    def script(request: Received) -> None:
        answers.wait(20)
        request.send(answer(b"{}"))

    engine_of_few.script = script
    with begun(narrow) as served, begun(narrow) as waiting:
        engine_of_few.next_request()
        wait_until_refused(http)  # one is at the backend, which has not answered, the other waits for its turn
        answers.set()
        for connection in (served, waiting):
            assert b" 200 OK" in connection.recv(65536)
    wait_for_status(http, 400)


@pytest.mark.parametrize("door", [PATH, "/generate_stream"])
def test_a_hang_up_or_a_failure_frees_them(
    narrow: RunningRouter, http: httpx.Client, engine_of_few: ScriptedServer, door: str
) -> None:
    body = LARGE if door == PATH else b'{"inputs":"' + b"x" * 40_000 + b'"}'
    engine_of_few.reset()
    engine_of_few.script = lambda request: None
    with begun(narrow, door, size=len(body), sent=body), begun(narrow, door, size=len(body), sent=body):
        engine_of_few.next_request()
        wait_until_refused(http)
    wait_for_status(http, 400)

    def breaks(request: Received) -> None:
        raise HangUp

    engine_of_few.script = breaks
    for _ in range(4):
        assert http.post(door, content=body).status_code == 502
    wait_for_status(http, 400)


def test_a_translated_stream_holds_its_body_and_a_direct_one_does_not(
    narrow: RunningRouter, http: httpx.Client, engine_of_few: ScriptedServer
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    begins = b'data: {"choices":[{"index":0,"text":"a"}]}\n\n'
    engine_of_few.reset()
    engine_of_few.script = lambda request: request.send(head + begins)
    prompt = b'{"inputs":"' + b"x" * 55_000 + b'"}'
    for door, body, status in (("/generate_stream", prompt, 503), (PATH, LARGE, 400)):
        other = begun(narrow, sent=b"")
        with other, begun(narrow, door, size=len(body), sent=body) as stream:
            assert b" 200 OK" in stream.recv(65536)
            wait_for_status(http, status)
        wait_for_status(http, 400)


@pytest.mark.parametrize("path", [PATH, "/v1/behaviors", "/generate"])
@pytest.mark.parametrize("coding", ["gzip", "identity, br", "x" * 5000])
def test_a_body_in_a_content_coding_is_refused(http: httpx.Client, path: str, coding: str) -> None:
    response = http.post(path, content=b"{}", headers={"Content-Encoding": coding})
    assert response.status_code == 415
    assert response.headers["Accept-Encoding"] == "identity"
    assert "Content-Encoding" in response.text


def test_identity_is_no_content_coding(http: httpx.Client) -> None:
    assert http.post("/v1/behaviors", content=b"{}", headers={"Content-Encoding": "identity"}).status_code == 422
