"""The pass-through's HTTP client, against replies written out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from gevent import socket
from gevent.server import StreamServer

from services.router.upstream import BrokenReply, TimedOut, Unreachable, Upstream

Serve = Callable[..., Upstream]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers every request with these bytes, and gives a client of it."""
    servers: list[StreamServer] = []
    upstreams: list[Upstream] = []

    def serve(reply: bytes, *, close: bool = False) -> Upstream:
        def handle(connection: socket.socket, _: object) -> None:
            while connection.recv(65536):
                connection.sendall(reply)
                if close:
                    return

        server = StreamServer(("127.0.0.1", 0), handle)
        server.start()
        servers.append(server)
        upstream = Upstream(f"http://127.0.0.1:{server.server_port}", connect_timeout_s=5, max_idle=1)
        upstreams.append(upstream)
        return upstream

    yield serve
    for upstream in upstreams:
        upstream.close_idle()
    for server in servers:
        server.stop(timeout=1)


def read_all(upstream: Upstream, method: str = "POST", timeout_s: float = 5) -> tuple[int, bytes]:
    reply = upstream.request(method, "/", body=b"{}", timeout_s=timeout_s)
    try:
        body = b""
        while data := reply.read(timeout_s):
            body += data
        return reply.get_code(), body
    finally:
        reply.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_framed_replies_and_their_connections_are_used_again(serve: Serve, reply: bytes) -> None:
    upstream = serve(reply)
    for _ in range(3):
        assert read_all(upstream) == (200, b"abc")


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
def test_a_reply_may_end_with_the_connection(serve: Serve, head: bytes) -> None:
    upstream = serve(head + b"abc", close=True)
    for _ in range(2):
        assert read_all(upstream) == (200, b"abc")


def test_replies_without_a_body(serve: Serve) -> None:
    assert read_all(serve(b"HTTP/1.1 204 No Content\r\n\r\n")) == (204, b"")
    assert read_all(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), method="HEAD") == (200, b"")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_a_reply_cut_short_is_broken(serve: Serve, reply: bytes) -> None:
    with pytest.raises(BrokenReply):
        read_all(serve(reply, close=True))


@pytest.mark.parametrize(
    "reply",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcEXTRA",
    ],
)
def test_what_is_not_http_is_broken(serve: Serve, reply: bytes) -> None:
    with pytest.raises(BrokenReply):
        read_all(serve(reply))


def test_silence_times_out(serve: Serve) -> None:
    with pytest.raises(TimedOut):
        read_all(serve(b""), timeout_s=0.05)
    with pytest.raises(TimedOut):
        read_all(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), timeout_s=0.05)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nothing.invalid:80"])
def test_unreachable(url: str) -> None:
    with pytest.raises(Unreachable):
        read_all(Upstream(url, connect_timeout_s=5, max_idle=1))


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %b\r\n" % (number, b"x" * 8000) for number in range(100)) + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    ],
    ids=["endless head", "endless interim replies"],
)
def test_a_head_without_end_is_cut_off(serve: Serve, reply: bytes) -> None:
    with pytest.raises(BrokenReply):
        read_all(serve(reply))
