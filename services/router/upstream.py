"""A lean HTTP/1.1 client for the pass-through: kept-alive connections, bytes handed on as they arrive.

geventhttpclient parses (llhttp); its own client builds headers twice, polls every pooled socket through gevent's
``select`` and waits until a block is full, each of which costs the pass-through more than the rest of its work.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import socket, ssl
from geventhttpclient.response import HTTPResponse

from services.router.hangup import Interrupted, is_quiet

_RECEIVE_BYTES = 64 * 1024
_LARGE_BYTES = 64 * 1024
#: Header fields are kept in memory and handed on: a server that never ends them is cut off.
_MAX_HEAD_BYTES = 256 * 1024
_LONGEST_HEAD_S = 600.0


class UpstreamError(Exception):
    """The server could not be asked or did not answer properly; the message is for the client."""


class Unreachable(UpstreamError):
    """No connection could be made: nothing was sent."""


class TimedOut(UpstreamError):
    """The server kept silent for too long."""


class BrokenReply(UpstreamError):
    """The connection broke, or what came over it is not HTTP."""


class _Stale(Exception):
    """The server had closed a kept-alive connection: it answered not one byte."""


class Upstream:
    """One server, and the idle connections to it."""

    def __init__(self, url: str, *, connect_timeout_s: float, max_idle: int) -> None:
        """``url`` is ``http(s)://host[:port][/prefix]``; up to ``max_idle`` unused connections are kept open."""
        parts = urlsplit(url)
        if parts.hostname is None:
            raise ValueError(f"{url} names no host")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._host_field = parts.netloc.rpartition("@")[2]
        self._connect_timeout_s = connect_timeout_s
        self._max_idle = max_idle
        self._idle: list[Any] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        fields: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        timeout_s: float,
    ) -> Reply:
        """Send a request and wait up to ``timeout_s`` seconds for the head of the reply, whatever its status.

        ``fields`` are header fields other than Host and Content-Length. The caller closes the reply.
        Raises Unreachable, TimedOut or BrokenReply.
        """
        head = [
            f"{method} {self._prefix}{path} HTTP/1.1\r\nHost: {self._host_field}\r\nContent-Length: {len(body)}\r\n"
        ]
        head += [f"{name}: {value}\r\n" for name, value in fields]
        head.append("\r\n")
        message = ["".join(head).encode("latin-1"), body]
        if len(body) < _LARGE_BYTES:
            message = [b"".join(message)]  # one packet; a large body is not copied for that
        if (connection := self._take_idle()) is not None:
            try:
                return self._exchange(connection, method, message, timeout_s)
            except _Stale:
                # The server closed it as we wrote, without a byte in answer: ask once more over a new connection.
                self.close_idle()
        try:
            return self._exchange(self._connect(), method, message, timeout_s)
        except _Stale:
            raise BrokenReply("the server closed the connection without an answer") from None

    def close_idle(self) -> None:
        """Close the connections that wait for another request."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, connection: Any, method: str, message: list[bytes], timeout_s: float) -> Reply:
        reply = Reply(self, connection, method)
        try:
            connection.settimeout(timeout_s)
            self._send(connection, message)
            reply.receive_head()
        except BaseException:
            reply.close()
            raise
        return reply

    def _send(self, connection: Any, message: list[bytes]) -> None:
        try:
            for part in message:
                connection.sendall(part)
        except Interrupted:
            raise
        except TimeoutError:
            raise TimedOut("the server does not take the request") from None
        except OSError:
            # It may have answered before it hung up, to a body that is too large for instance: the reading tells.
            pass

    def _connect(self) -> Any:
        connection = None
        try:
            # gevent.Timeout bounds the name's resolution too, which the socket's own time-out does not.
            with gevent.Timeout(self._connect_timeout_s, TimeoutError("timed out")):
                connection = socket.create_connection((self._host, self._port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_hostname=self._host)
                return connection
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, OSError) and not isinstance(error, Interrupted):
                raise Unreachable(f"no connection to {self._host_field}: {error.strerror or error}") from None
            raise

    def _take_idle(self) -> Any | None:
        while self._idle:
            connection = self._idle.pop()
            # TLS sockets cannot be peeked at; for them the second attempt in request() has to do.
            # What an idle connection has to say would be taken for the next reply: it is not used either.
            if self._tls is not None or is_quiet(connection):
                return connection
            connection.close()
        return None

    def keep(self, connection: Any) -> None:
        """Take back a connection over which another request may be sent."""
        if len(self._idle) < self._max_idle:
            self._idle.append(connection)
        else:
            connection.close()


class Reply(HTTPResponse):
    """The reply to one request: status and header at once, the body as it arrives."""

    def __init__(self, upstream: Upstream, connection: Any, method: str) -> None:
        super().__init__(method=method)
        self._upstream = upstream
        self._connection = connection

    @property
    def complete(self) -> bool:
        """Whether the whole reply has arrived."""
        return self.message_complete

    def receive_head(self) -> None:
        """Wait for the status and the header fields. Raises TimedOut or BrokenReply."""
        silent = True
        size, deadline = 0, time.monotonic() + (self._connection.gettimeout() or _LONGEST_HEAD_S)
        # Interim 1xx replies come before the real one.
        while not self.headers_complete or self.get_code() < 200:
            data = self._receive(silent)
            silent = False
            size += len(data)
            self._parse(data)
            if self.headers_complete and self.get_code() >= 200:
                return
            if size > _MAX_HEAD_BYTES:
                raise BrokenReply(f"the head of the reply is longer than {_MAX_HEAD_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimedOut("the head of the reply did not come in time")

    def read(self, timeout_s: float) -> bytes:
        """The next bytes of the body, b"" at its end; each wait is bounded. Raises TimedOut or BrokenReply."""
        buffer = self._body_buffer
        if not buffer and not self.message_complete:
            self._connection.settimeout(timeout_s)
            while not buffer and not self.message_complete:
                self._parse(self._receive(False))
        data = bytes(buffer)
        buffer.clear()
        return data

    def close(self) -> None:
        """Give the connection back when the reply is complete, else close it, which tells the server to stop."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.should_close():
            connection.close()
        else:
            self._upstream.keep(connection)

    def _receive(self, silent: bool) -> bytes:
        try:
            data: bytes = self._connection.recv(_RECEIVE_BYTES)
        except Interrupted:
            raise
        except TimeoutError:
            raise TimedOut("the server kept silent for too long") from None
        except OSError as error:
            if silent:
                raise _Stale from None
            raise BrokenReply(f"the connection broke: {error.strerror or error}") from None
        if silent and not data:
            raise _Stale
        return data

    def _parse(self, data: bytes) -> None:
        try:
            self.feed(data)
        except HTTPException as error:
            raise BrokenReply(f"the reply is not proper HTTP: {error}") from None
        if not data and not self.message_complete:
            raise BrokenReply("the connection ended before the reply did")
