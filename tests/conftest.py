"""Fixtures that every part's tests share."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
import redis

from services.embedded import store
from services.embedded.ports import port_of, reserve_port
from tests.servers import start_server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real store for the session, configured as the embedded stack's is. ``redis_client`` empties it."""
    directory = tmp_path_factory.mktemp("store")
    with reserve_port() as holder, (directory / "store.log").open("wb") as log:
        port = port_of(holder)
        server = start_server(store.server_command(port, directory), stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 20
            while not store.answers(port):
                assert server.poll() is None, f"the store stopped: {(directory / 'store.log').read_text()}"
                assert time.monotonic() < deadline, "the store did not answer within 20 s"
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(timeout=10)


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the session's store, which is empty when the test begins."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client
