"""Servers that share a socket, as the router's processes do."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import ExitStack
from typing import Any

import gevent
import gevent.event
from gevent.pool import Pool
from gevent.socket import socket as GeventSocket

from services.router.connections import FairServer


def test_a_new_connection_goes_to_the_server_that_has_the_fewest() -> None:
    taken: Counter[str] = Counter()

    def server(name: str, listener: GeventSocket) -> FairServer:
        def handle(client: Any, _: Any) -> None:
            taken[name] += 1
            client.recv(1)  # until the client closes it

        return FairServer(listener, handle=handle, spawn=Pool(100))

    with ExitStack() as stack:
        listener = stack.enter_context(GeventSocket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)

        def connect(count: int) -> None:
            for _ in range(count):
                stack.enter_context(socket.create_connection(listener.getsockname(), 10))
                gevent.sleep(0.02)

        first, second = server("first", listener), server("second", listener)
        stack.callback(first.stop)
        stack.callback(second.stop)
        first.start()
        connect(5)
        assert taken == {"first": 5}
        second.start()
        connect(5)
        assert taken == {"first": 5, "second": 5}, "the second takes what comes until it has as many"
        connect(6)
        assert min(taken.values()) >= 7, taken


def test_many_that_come_at_once_are_taken_many_at_once_and_without_delay() -> None:
    """Else an emergency stop would wait for milliseconds behind each of them."""
    turns: list[int] = []  # how many it had
    holds: list[int] = []
    done = gevent.event.Event()

    class Counting(FairServer):
        def _take(self) -> None:
            turns.append(len(self.pool))
            super()._take()

        def _hold(self, hold_s: float) -> None:
            if hold_s:
                holds.append(len(self.pool))
            super()._hold(hold_s)

    def handle(client: Any, _: Any) -> None:
        if len(server.pool) == 200:
            done.set()
        client.recv(1)

    with ExitStack() as stack:
        listener = stack.enter_context(GeventSocket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(300)
        server = Counting(listener, handle=handle, spawn=Pool(300))
        server.max_accept = 1  # as gunicorn sets it
        stack.callback(server.stop)

        def connect() -> None:
            stack.enter_context(socket.create_connection(listener.getsockname(), 10))

        for _ in range(200):
            connect()
        server.start()
        assert done.wait(10)
        assert len(turns) <= 60, turns
        assert max(holds) <= 64, "with many in its hands it still holds back from a queue that is long enough for all"
        gevent.sleep(0.01)
        connect()
        gevent.sleep(0.05)
        assert (len(server.pool), max(holds)) == (201, 200), "it holds back from one that comes alone"
