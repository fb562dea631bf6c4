"""A queue on the real store."""

from __future__ import annotations

import socket

import pytest
import redis

from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect


@pytest.fixture
def job_settings(redis_url: str, redis_client: redis.Redis) -> JobSettings:
    """Settings for an empty store."""
    return JobSettings(redis_url=redis_url)


@pytest.fixture
def store(job_settings: JobSettings) -> JobStore:
    """The router's side of the queue."""
    return JobStore(connect(job_settings), job_settings)


@pytest.fixture
def unused_tcp_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
