"""kombu's Redis transport with one change: a channel keeps its client instead of making one for every message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):  # type: ignore[misc]
    """Acknowledging a message takes two commands; making a redis-py client for them took longer than both."""

    @cached_property
    def _shared_client(self) -> Any:
        return self._create_client()

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """The given client, or this channel's own, whose connection pool any thread may use."""
        yield client or self._shared_client


class Transport(redis.Transport):  # type: ignore[misc]
    """What ``broker_transport`` names."""

    Channel = Channel
