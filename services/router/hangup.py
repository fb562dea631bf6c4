"""Noticing that a client has hung up while its request is being worked on."""

from __future__ import annotations

import errno
import socket
from typing import Any

import gevent
from gevent import getcurrent


class Interrupted(ConnectionResetError):
    """Thrown into what serves a request, wherever it waits, to end it.

    A connection error, so that the HTTP server, if it waits there, takes it as the request's end.
    """


class ClientGone(Interrupted):
    """The client closed its connection."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the client hung up")


class HangupWatch:
    """Raises ClientGone in the greenlet that made it, wherever that one waits, when the client's socket ends.

    Works like ``gevent.Timeout``, with the end of the client's stream in the place of the clock. A client that
    shuts only its sending side down counts as gone, as it does for other proxies. Watching ends with ``stop()``,
    or when the client sends another request ahead, since an end behind unread bytes cannot be seen.
    """

    def __init__(self, client: Any) -> None:
        """Start watching ``client``, a gevent socket."""
        self._client = client
        self._greenlet = getcurrent()
        #: Whether the client was seen to be gone.
        self.fired = False
        self._watcher = gevent.get_hub().loop.io(client.fileno(), 1)
        self._watcher.start(self._readable)

    def stop(self) -> None:
        """End the watch; more than once does no harm."""
        self._watcher.stop()
        self._watcher.close()

    def _readable(self) -> None:
        self._watcher.stop()
        if is_gone(self._client):
            self.fired = True
            self._greenlet.throw(ClientGone())


def is_gone(client: Any) -> bool:
    """Whether the other side of a gevent socket has closed or reset the connection; never waits."""
    return _peek(client) == b""


def is_quiet(connection: Any) -> bool:
    """Whether a gevent socket is open and holds nothing to read; never waits."""
    return _peek(connection) is None


def _peek(connection: Any) -> bytes | None:
    """The next byte that can be read now, b"" at the end of the stream, None when there is nothing yet."""
    timeout = connection.gettimeout()
    connection.settimeout(0.0)
    try:
        data: bytes = connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    finally:
        connection.settimeout(timeout)
    return data
