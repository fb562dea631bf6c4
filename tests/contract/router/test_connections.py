"""Connections are bounded, and an emergency stop finds a place whatever the others do."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
import redis

from tests.contract.router.running_router import START_S, RunningRouter, running_router
from tests.contract.router.scripted_server import ScriptedServer

PLACES = 4


@pytest.fixture
def small_router(redis_url: str, gateway: ScriptedServer, redis_client: redis.Redis) -> Iterator[RunningRouter]:
    """A router with few places."""
    settings = {"ROUTER_CONNECTIONS": str(PLACES), "ROUTER_PROCESSES": "1", "GATEWAY_URL": gateway.url}
    with running_router(REDIS_URL=redis_url, **settings) as router:
        httpx.get(f"{router.url}/healthz", timeout=START_S)  # until then it is loading
        yield router


@pytest.mark.parametrize("said", [b"", b"POST /v1/behaviors HTTP/1.1\r\nHost: localhost\r\n"])
def test_silent_connections_do_not_hold_up_an_emergency_stop(small_router: RunningRouter, said: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(10 * PLACES):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", small_router.port), timeout=5))
            connection.sendall(said)
        began = time.monotonic()
        assert httpx.post(f"{small_router.url}/v1/robots/nao/stop").status_code == 200
        assert time.monotonic() - began < 1.0, "it waited for a silent connection to time out"


def test_the_longest_silent_connection_gives_way(small_router: RunningRouter) -> None:
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", small_router.port), timeout=5))
            for _ in range(PLACES + 1)
        ]
        assert connections[0].recv(1) == b""
        connections[1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connections[1].recv(1000).startswith(b"HTTP/1.1 200 ")
        assert small_router.stop() == 0, "the others are closed then"
    assert '"level": "error"' not in small_router.log(), "nobody needs to hear of closed connections"


def test_when_all_places_are_at_work_only_the_reserved_is_answered(small_router: RunningRouter) -> None:
    with ExitStack() as stack:
        behavior_id = httpx.post(f"{small_router.url}/v1/behaviors", json={"instruction": "Wave"}).json()["id"]
        for _ in range(PLACES):
            events = stack.enter_context(httpx.stream("GET", f"{small_router.url}/v1/behaviors/{behavior_id}/events"))
            next(events.iter_lines())

        refused = httpx.get(f"{small_router.url}/v1/robots/nao")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "ROUTER_CONNECTIONS" in refused.json()["detail"]
        assert httpx.post(f"{small_router.url}/v1/robots/nao/stop").status_code == 200
        assert httpx.get(f"{small_router.url}/healthz").status_code == 200

    deadline = time.monotonic() + 20  # a follower that left is noticed at the next keep-alive
    while httpx.get(f"{small_router.url}/v1/models").status_code == 503:
        assert time.monotonic() < deadline, "places do not come free again"
        time.sleep(0.05)
