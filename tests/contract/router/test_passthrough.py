"""The pass-through: bytes on their way unchanged and at once, failures told apart, hang-ups passed on."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import HangUp, Received, ScriptedServer, answer

# Self-signed for localhost, with its key: for tests alone.
CERTIFICATE = Path(__file__).with_name("localhost.pem")
PATH = "/v1/chat/completions"
# Neither key order nor spaces nor escapes as any JSON library would write them again.
BODY = b'{ "messages":[{"role":"user","content":"h\\u00e9llo \xc3\xa9"}],"model" :"m", "n":1.0}'
JSON = {"Content-Type": "application/json"}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def raw_request(body: bytes = BODY, fields: str = "") -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{fields}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def connection(router: RunningRouter) -> Iterator[socket.socket]:
    """A bare connection to the router."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as connection:
        yield connection


def test_the_request_arrives_as_sent(client: httpx.Client, engine: ScriptedServer) -> None:
    headers = {
        **JSON,
        "Authorization": "Bearer of-the-client",
        "Cookie": "a=b",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
        "X-Custom": "kept",
        "X-Request-Id": "id-1",
    }
    client.post(f"{PATH}?a=1&b=%20", content=BODY, headers=headers)

    received = engine.next_request()
    assert received.line == f"POST {PATH}?a=1&b=%20 HTTP/1.1"
    assert received.body == BODY
    assert received.fields["host"] == engine.url.removeprefix("http://")
    assert received.fields["content-type"] == "application/json"
    assert received.fields["x-custom"] == "kept"
    assert received.fields["x-request-id"] == "id-1"
    assert received.fields["authorization"] == "Bearer engine-key"
    assert not {"cookie", "connection", "x-hop", "te"} & received.fields.keys()


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (PATH, {"messages": [], "frobnicate": 1}, "/frobnicate: There is no such field; remove it."),
        (PATH, {"messages": [], "max_token": 8}, "/max_token: There is no such field; did you mean max_tokens?"),
        ("/v1/completions", {"prompt": "a", "best_of": 2}, "/best_of: this backend cannot do that"),
        (
            PATH,
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
            "/messages/0/content/0: The model behind llamacpp takes no images",
        ),
    ],
)
def test_what_the_backend_would_ignore_never_reaches_it(
    client: httpx.Client, engine: ScriptedServer, path: str, body: dict[str, Any], told: str
) -> None:
    refused = client.post(path, json=body)
    assert refused.status_code == 422
    assert told in refused.json()["error"]["message"]
    client.post(PATH, content=BODY, headers=JSON)
    assert engine.next_request().body == BODY


def test_chunked_requests_arrive_whole(client: httpx.Client, engine: ScriptedServer) -> None:
    client.post(PATH, content=iter([BODY[:10], BODY[10:]]), headers=JSON)
    assert engine.next_request().body == BODY


def test_the_answer_comes_back_as_sent(client: httpx.Client, engine: ScriptedServer) -> None:
    body = b'{ "id" : "1" }\n'
    fields = "X-Custom: kept\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nServer: engine\r\n"
    engine.script = lambda request: request.send(answer(body, fields=fields))
    response = client.post(PATH, content=BODY, headers=JSON)

    assert response.status_code == 200
    assert response.content == body
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Custom"] == "kept"
    assert not {"x-hop", "keep-alive"} & set(response.headers)
    assert response.headers["Server"] != "engine"


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests", "500 Oops", "503 Loading Model"])
def test_errors_of_the_backend_pass(router: RunningRouter, engine: ScriptedServer, status: str) -> None:
    body = b'{"error":{"message":"of the engine"}}'
    engine.script = lambda request: request.send(answer(body, status=status, fields="Retry-After: 7\r\n"))
    response = httpx.post(f"{router.url}{PATH}", content=BODY, headers=JSON)
    assert response.status_code == int(status[:3])
    assert response.content == body
    assert response.headers["Retry-After"] == "7"


def test_streams_at_once(client: httpx.Client, engine: ScriptedServer) -> None:
    seen = threading.Event()

    def script(request: Received) -> None:
        request.send(STREAM_HEAD + chunk(b"data: 1\n\n"))
        assert seen.wait(20)
        request.send(chunk(b"data: 2\n\n") + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    engine.script = script
    with client.stream("POST", PATH, content=b'{"stream": true}', headers=JSON) as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"data: 1\n\n"
        seen.set()
        assert b"".join(pieces) == b"data: 2\n\ndata: [DONE]\n\n"
    assert response.headers["X-Accel-Buffering"] == "no"


def test_connections_are_kept(client: httpx.Client, engine: ScriptedServer) -> None:
    client.post(PATH, content=BODY, headers=JSON)
    first = engine.next_request()
    client.post(PATH, content=BODY, headers=JSON)
    second = engine.next_request()
    assert second.connection_number == first.connection_number
    assert second.request_number == first.request_number + 1


def test_a_connection_that_the_backend_closed_is_not_used(client: httpx.Client, engine: ScriptedServer) -> None:
    def script(request: Received) -> None:
        request.send(answer(b"{}"))
        raise HangUp

    engine.script = script
    for _ in range(3):
        assert client.post(PATH, content=BODY, headers=JSON).status_code == 200


def test_a_kept_connection_that_breaks_unanswered_is_replaced_once(
    client: httpx.Client, engine: ScriptedServer
) -> None:
    client.post(PATH, content=BODY, headers=JSON)
    kept = engine.next_request().connection_number

    def script(request: Received) -> None:
        if request.connection_number == kept:
            raise HangUp
        request.send(answer(b'{"answered":true}'))

    engine.script = script
    assert client.post(PATH, content=BODY, headers=JSON).json() == {"answered": True}
    assert [engine.next_request().connection_number == kept for _ in range(2)] == [True, False]


def test_a_fresh_connection_that_breaks_is_not_tried_again(client: httpx.Client, engine: ScriptedServer) -> None:
    def hang_up(request: Received) -> None:
        raise HangUp

    engine.script = hang_up
    assert client.post(PATH, content=BODY, headers=JSON).status_code == 502
    seen = [engine.next_request()]
    while not engine.received.empty():
        seen.append(engine.next_request())
    assert len({request.connection_number for request in seen}) == len(seen) <= 2  # one kept and one fresh at most


def test_unreachable_backend(stranded_router: RunningRouter) -> None:
    with stranded_router.client() as client:
        response = client.post(PATH, content=BODY, headers=JSON)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert response.json()["error"]["code"] == "backend_unreachable"


def test_silent_backend(client: httpx.Client, engine: ScriptedServer) -> None:
    engine.script = lambda request: None
    response = client.post(PATH, content=b'{"stream":true}', headers=JSON)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "backend_timeout"
    assert engine.next_request().hung_up()


def test_backend_that_does_not_speak_http(client: httpx.Client, engine: ScriptedServer) -> None:
    engine.script = lambda request: request.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    response = client.post(PATH, content=BODY, headers=JSON)
    assert response.status_code == 502
    assert response.json()["error"]["type"] == "server_error"


def test_an_answer_that_breaks_off_ends_unfinished(client: httpx.Client, engine: ScriptedServer) -> None:
    def script(request: Received) -> None:
        request.send(STREAM_HEAD + chunk(b"data: 1\n\n"))
        raise HangUp

    engine.script = script
    with (
        client.stream("POST", PATH, content=b'{"stream":true}', headers=JSON) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        response.read()


@pytest.mark.parametrize("body", [BODY, b'{"stream": true}'], ids=["whole", "stream"])
def test_a_hang_up_before_the_answer_reaches_the_backend(
    connection: socket.socket, engine: ScriptedServer, body: bytes
) -> None:
    engine.script = lambda request: None
    connection.sendall(raw_request(body))
    received = engine.next_request()
    connection.close()
    assert received.hung_up()


def test_a_hang_up_amid_a_stream_reaches_the_backend(connection: socket.socket, engine: ScriptedServer) -> None:
    engine.script = lambda request: request.send(STREAM_HEAD + chunk(b"data: 1\n\n"))
    connection.sendall(raw_request(b'{"stream": true}'))
    received = engine.next_request()
    seen = b""
    while b"data: 1" not in seen:
        seen += connection.recv(65536)
    connection.close()
    assert received.hung_up()


def test_hang_ups_are_counted(router: RunningRouter, client: httpx.Client, engine: ScriptedServer) -> None:
    def count() -> float:
        match = re.search(r'router_passthrough_hangups_total\{backend="llamacpp"\} (\S+)', client.get("/metrics").text)
        return float(match[1]) if match else 0.0

    before = count()
    engine.script = lambda request: None
    with socket.create_connection(("127.0.0.1", router.port)) as connection:
        connection.sendall(raw_request())
        received = engine.next_request()
    assert received.hung_up()
    assert count() == before + 1


def test_the_cap_holds_and_a_hang_up_frees_its_place(
    router: RunningRouter, client: httpx.Client, engine: ScriptedServer
) -> None:
    engine.script = lambda request: None
    holders = [socket.create_connection(("127.0.0.1", router.port)) for _ in range(2)]
    try:
        for holder in holders:
            holder.sendall(raw_request())
        held = [engine.next_request() for _ in holders]

        response = client.post(PATH, content=BODY, headers=JSON)
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "1"
        assert response.json()["error"]["code"] == "backend_busy"
        assert engine.received.empty()
    finally:
        for holder in holders:
            holder.close()
    assert all(request.hung_up() for request in held)
    engine.reset()
    assert client.post(PATH, content=BODY, headers=JSON).status_code == 200


def test_a_hang_up_in_line_never_reaches_the_backend(
    router: RunningRouter, client: httpx.Client, engine: ScriptedServer
) -> None:
    engine.script = lambda request: None
    with (
        socket.create_connection(("127.0.0.1", router.port)) as one,
        socket.create_connection(("127.0.0.1", router.port)) as two,
    ):
        one.sendall(raw_request())
        two.sendall(raw_request())
        held = [engine.next_request(), engine.next_request()]
        with socket.create_connection(("127.0.0.1", router.port)) as waiting:
            waiting.sendall(raw_request(b'{"never":1}'))
        # Answered after the one that waited has gone.
        assert client.get("/healthz").status_code == 200
    assert all(request.hung_up() for request in held)
    engine.script = lambda request: request.send(answer(b"{}"))
    assert client.post(PATH, content=BODY, headers=JSON).status_code == 200
    assert engine.next_request().body == BODY


def test_unknown_backend(client: httpx.Client) -> None:
    response = client.post(PATH, content=BODY, headers={**JSON, "X-Backend": "gpt"})
    assert response.status_code == 422
    assert "llamacpp" in response.json()["error"]["message"]


def test_named_backend(client: httpx.Client, engine: ScriptedServer) -> None:
    response = client.post(PATH, content=BODY, headers={**JSON, "X-Backend": "llamacpp"})
    assert response.status_code == 200
    assert "x-backend" not in engine.next_request().fields


def test_own_errors_have_openais_shape(client: httpx.Client, engine: ScriptedServer) -> None:
    wrong_type = client.post(PATH, content=BODY, headers={"Content-Type": "text/plain"})
    too_large = client.post(PATH, content=b"x" * 30_000, headers=JSON)
    assert (wrong_type.status_code, too_large.status_code) == (415, 413)
    for response in (wrong_type, too_large, client.get(PATH)):
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert engine.received.empty()


@pytest.mark.parametrize(("path", "status"), [("/v1/embeddings", 404), ("/v1/behaviors", 405)])
def test_openais_client_shows_why_there_is_nothing(router: RunningRouter, path: str, status: int) -> None:
    with (
        openai.OpenAI(base_url=router.url, api_key="none", max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as raised,
    ):
        client.get(path, cast_to=object) if status == 405 else client.post(path, cast_to=object)
    document = raised.value.response.json()
    assert (raised.value.status_code, document["status"]) == (status, status)
    assert raised.value.body == document["error"]
    assert document["error"]["message"] == document["detail"]


def test_a_body_cut_short_is_not_sent_on(connection: socket.socket, engine: ScriptedServer) -> None:
    connection.sendall(raw_request()[:-5])
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert engine.received.empty()


def test_a_connection_that_speaks_unasked_is_not_used(client: httpx.Client, engine: ScriptedServer) -> None:
    client.post(PATH, content=BODY, headers=JSON)
    received = engine.next_request()
    received.send(answer(b'{"not":"asked for"}'))
    assert client.post(PATH, content=BODY, headers=JSON).json() == {"object": "chat.completion"}
    assert engine.next_request().connection_number != received.connection_number


def test_backend_over_tls(redis_url: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    with (
        ScriptedServer(tls) as server,
        running_router(
            REDIS_URL=redis_url, LLAMACPP_URL=f"https://localhost:{server.port}", SSL_CERT_FILE=str(CERTIFICATE)
        ) as router,
        router.client() as client,
    ):
        for request_number in (1, 2):
            assert client.post(PATH, content=BODY, headers=JSON).json() == {"object": "chat.completion"}
            assert server.next_request().request_number == request_number  # on one kept connection


def test_models(client: httpx.Client) -> None:
    models = client.get("/v1/models").json()["data"]
    assert [model["owned_by"] for model in models] == ["llamacpp"]


def test_two_requests_in_one_packet_are_both_answered(connection: socket.socket, engine: ScriptedServer) -> None:
    engine.script = lambda request: request.send(answer(json.dumps({"n": len(request.body)}).encode()))
    connection.sendall(raw_request(b'{"n": 1}') + raw_request(b'{"n": 22}'))
    seen = b""
    while not (b'{"n": 8}' in seen and b'{"n": 9}' in seen):
        data = connection.recv(65536)
        assert data
        seen += data
