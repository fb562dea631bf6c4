"""The process: how it starts, refuses to start, counts across processes, and stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import redis

from services.jobs import keys
from tests.contract.router.running_router import router_environment, running_router
from tests.contract.router.scripted_server import Received, ScriptedServer, default_script


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"ROUTER_HOST": "0.0.0.0"}, ["API_KEYS_FILE", "ROUTER_PUBLISHED_ON"]),
        ({"ROUTER_HOST": "0.0.0.0", "ROUTER_PUBLISHED_ON": "0.0.0.0"}, ["API_KEYS_FILE", "ROUTER_ADDRESS"]),
        ({"ROUTER_PORT": "70000"}, ["ROUTER_PORT"]),
        ({"ROUTER_PORT": "many"}, ["ROUTER_PORT"]),
        ({"GATEWAY_URL": "nonsense"}, ["GATEWAY_URL"]),
        ({"LLAMACPP_URL": "nonsense"}, ["LLAMACPP_URL"]),
        ({"BACKEND": "unheard-of"}, ["BACKEND"]),
        ({"LLAMACPP_TUNED": "noa=0"}, ["LLAMACPP_TUNED", "'noa'"]),
        (
            {"ROUTER_HOST": "nowhere.invalid", "ROUTER_PUBLISHED_ON": "127.0.0.1"},
            ["nowhere.invalid:8000", "ROUTER_HOST"],
        ),
        ({"ROUTER_MAX_BODY_BYTES": "99999999"}, ["ROUTER_MAX_BODY_BYTES", "ROUTER_BODIES_MAX_BYTES"]),
        ({"VLLM_URL": "http://engine:99999"}, ["VLLM_URL"]),
        ({"BACKEND": "tensorrtllm", "TENSORRTLLM_CHAT_TEMPLATE": "/nonexistent.jinja"}, ["/nonexistent.jinja"]),
        ({"BACKEND_SPLIT": "vllm=1"}, ["BACKEND_SPLIT", "VLLM_URL"]),
        ({"REDIS_URL": "nonsense"}, ["REDIS_URL"]),
        ({"QUEUE_LIMIT": "0"}, ["QUEUE_LIMIT"]),
        ({"API_KEYS_FILE": "/nonexistent/keys"}, ["API_KEYS_FILE", "/nonexistent/keys"]),
        ({"API_KEYS_FILE": "/dev/null"}, ["API_KEYS_FILE", "no key"]),
    ],
)
def test_refuses_in_one_sentence(settings: dict[str, str], names: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "services.router"],
        cwd=Path(__file__).parents[3],
        env=router_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1, result.stderr
    for name in names:
        assert name in result.stderr


def test_a_port_that_is_taken_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        test_refuses_in_one_sentence({"ROUTER_PORT": port}, [port, "ROUTER_PORT", "taken"])


def test_gevent_comes_before_whatever_it_has_to_patch(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url) as router:
        assert httpx.get(f"{router.url}/healthz").status_code == 200
        assert "MonkeyPatchWarning" not in router.log()


def test_a_port_published_on_loopback_is_served_without_keys(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url, ROUTER_HOST="0.0.0.0", ROUTER_PUBLISHED_ON="127.0.0.1") as router:
        assert httpx.get(f"{router.url}/healthz").status_code == 200
        assert "loopback only" in router.log()


def test_stops_cleanly(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url) as router:
        assert httpx.get(f"{router.url}/healthz").status_code == 200
        assert router.stop() == 0
    assert "Traceback" not in router.log()


def test_a_stop_does_not_wait_for_connections_on_which_nothing_is_asked(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url) as router, httpx.Client(base_url=router.url) as client:
        client.get("/healthz")
        assert router.stop() == 0
    assert "graceful timeout" not in router.log()


def test_a_stop_answers_what_was_sent_before_it(redis_url: str) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with running_router(REDIS_URL=redis_url, ROUTER_PROCESSES="1") as router, ExitStack() as stack:
        kept, begun = (stack.enter_context(socket.create_connection(("127.0.0.1", router.port), 10)) for _ in range(2))
        kept.sendall(asked)
        assert b" 200 OK" in kept.recv(65536)
        begun.sendall(asked[:20])
        time.sleep(0.1)
        (worker,) = map(int, router.children())
        os.kill(worker, signal.SIGSTOP)  # so that the request and the signal find each other there
        kept.sendall(asked)
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGCONT)
        begun.sendall(asked[20:])
        for connection in (kept, begun):
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Connection: close" in answer
            assert connection.recv(1) == b""


def test_a_stop_closes_a_connection_after_the_answer_on_it(redis_url: str) -> None:
    with (
        ScriptedServer() as engine,
        running_router(REDIS_URL=redis_url, ROUTER_PROCESSES="1", LLAMACPP_URL=engine.url) as router,
        httpx.Client(base_url=router.url, timeout=20) as client,
        ThreadPoolExecutor() as pool,
    ):
        stopping = threading.Event()

        def script(request: Received) -> None:
            stopping.wait(20)
            default_script(request)

        engine.script = script
        asked = pool.submit(client.post, "/v1/chat/completions", json={"messages": []})
        engine.next_request()
        stopped = pool.submit(router.stop)
        time.sleep(0.1)
        stopping.set()
        assert asked.result().headers["Connection"] == "close"
        assert stopped.result() == 0
        assert "graceful timeout" not in router.log()


def test_who_waits_for_a_behavior_hears_of_a_stop_and_can_come_back(redis_url: str, redis_client: redis.Redis) -> None:
    order = {"instruction": "Wave"}
    with running_router(REDIS_URL=redis_url) as router, router.client() as client, ThreadPoolExecutor() as pool:
        behavior_id = client.post("/v1/behaviors", json=order).json()["id"]
        with client.stream("GET", f"/v1/behaviors/{behavior_id}/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            waiting = pool.submit(client.post, "/v1/behaviors?wait=60", json=order)
            wait_for_requests(redis_client, 2)
            stopped = pool.submit(router.stop)
            seen = list(lines)  # raises if it is cut off
        answer = waiting.result()
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
        assert answer.headers["Location"] == f"/v1/behaviors/{answer.json()['id']}"
        assert stopped.result() == 0
    assert [line for line in seen if line.startswith("event: ")] == ["event: queued"]
    assert "graceful timeout" not in router.log()
    assert "Traceback" not in router.log()


def wait_for_requests(redis_client: redis.Redis, count: int) -> None:
    """Until so many behaviours wait in the store."""
    deadline = time.monotonic() + 20
    while len(list(redis_client.scan_iter(keys.record("*")))) < count:
        assert time.monotonic() < deadline, "the request did not arrive"
        time.sleep(0.01)


def test_streams_of_backends_say_that_the_server_stops(redis_url: str) -> None:
    def begin(request: Received) -> None:
        """An answer in the language of the backend's door, of which no more comes."""
        token = '{"index":1,"token":{"text":"Hel"},"generated_text":null}'
        chunk = '{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}'
        event = f"data: {token if 'generate' in request.line else chunk}\n\n".encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        request.send(head + b"%X\r\n%b\r\n" % (len(event), event))

    asked = {
        "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}], "stream": True},
        "/generate_stream": {"inputs": "Hello"},
    }
    ends = {
        "/v1/chat/completions": '"code":"router.stopping"}}\n\ndata: [DONE]\n\n',
        "/generate_stream": '"error_type":"overloaded"}\n\n',
    }
    with ScriptedServer() as engine, ThreadPoolExecutor() as pool, ExitStack() as stack:
        engine.script = begin
        urls = {"LLAMACPP_URL": engine.url, "TGI_URL": engine.url}
        router = stack.enter_context(running_router(REDIS_URL=redis_url, **urls))
        streams = []
        for backend in ("llamacpp", "tgi"):  # one is asked for the second door in its own language
            for door, body in asked.items():
                headers = {"X-Backend": backend}
                request = httpx.stream("POST", f"{router.url}{door}", json=body, headers=headers, timeout=20)
                pieces = stack.enter_context(request).iter_text()
                assert "Hel" in next(pieces)
                streams.append((door, pieces))
        stopped = pool.submit(router.stop)
        for door, pieces in streams:
            said = "".join(pieces)  # raises if it is cut off
            assert said.startswith("data: ")
            assert "send the request again" in said
            assert said.endswith(ends[door])
            assert engine.next_request().hung_up()
        assert stopped.result() == 0
    assert "Traceback" not in router.log()


def test_who_waits_for_a_backend_hears_of_a_stop(redis_url: str) -> None:
    with (
        ScriptedServer() as engine,
        running_router(REDIS_URL=redis_url, LLAMACPP_URL=engine.url) as router,
        router.client() as client,
        ThreadPoolExecutor() as pool,
    ):
        engine.script = lambda request: None
        asked = pool.submit(client.post, "/v1/chat/completions", json={"messages": []})
        engine.next_request()
        assert router.stop() == 0
        answer = asked.result()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"]["code"] == "router_stopping"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_comes_in_one_piece(redis_url: str, method: str) -> None:
    with running_router(REDIS_URL=redis_url) as router, socket.create_connection(("127.0.0.1", router.port)) as client:
        client.settimeout(10)
        for _ in range(2):  # what is sent next finds nothing left of what came before
            client.sendall(f"{method} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head, _, body = client.recv(65536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            length = int(dict(re.findall(r"([\w-]+): (.*)\r\n", f"{head.decode()}\r\n"))["Content-Length"])
            assert length > 0
            assert len(body) == (length if method == "GET" else 0)


def test_stops_amid_an_event_stream(redis_url: str, redis_client: redis.Redis) -> None:
    with running_router(REDIS_URL=redis_url) as router, httpx.Client(base_url=router.url, timeout=20) as client:
        behavior_id = client.post("/v1/behaviors", json={"instruction": "Wave"}).json()["id"]
        with client.stream("GET", f"/v1/behaviors/{behavior_id}/events") as stream:
            next(stream.iter_lines())
            assert router.stop() == 0


def test_several_processes_count_together(redis_url: str, redis_client: redis.Redis) -> None:
    with running_router(REDIS_URL=redis_url, ROUTER_PROCESSES="2") as router:
        for _ in range(20):
            # Each over a connection of its own, so that both processes get some.
            assert httpx.get(f"{router.url}/v1/models").status_code == 200
        behavior_id = httpx.post(f"{router.url}/v1/behaviors", json={"instruction": "Wave"}).json()["id"]
        with httpx.stream("GET", f"{router.url}/v1/behaviors/{behavior_id}/events") as stream:
            next(stream.iter_lines())
            metrics = httpx.get(f"{router.url}/metrics").text
        assert router.stop() == 0
    assert 'router_requests_total{method="GET",route="/v1/models",status="200"} 20.0' in metrics
    assert "router_queue_depth 1.0" in metrics
    assert "router_event_streams 1.0" in metrics


def test_unknown_paths_and_methods_make_no_new_series(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url) as router, httpx.Client(base_url=router.url) as client:
        for number in range(10):
            client.get(f"/nothing/{number}")
            client.request(f"METHOD{number}", "/healthz")
        metrics = client.get("/metrics").text
    assert metrics.count('route="none",status="404"') == 1
    assert metrics.count('method="other"') == 1
