"""An HTTP server that answers what the test tells it, byte by byte, and reports what reached it."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

TIMEOUT_S = 20


def answer(body: bytes, *, status: str = "200 OK", content_type: str = "application/json", fields: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    return head.encode() + body


@dataclass
class Received:
    """One request as it came over the wire, and the connection that it came over."""

    connection: socket.socket
    line: str
    fields: dict[str, str]
    body: bytes
    #: Number of the connection, from 1 on, and of the request on it.
    connection_number: int
    request_number: int
    #: Set when the other side has closed the connection.
    closed: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def hung_up(self) -> bool:
        """Waits for the other side to close; False when it has not after a while."""
        return self.closed.wait(TIMEOUT_S)


class HangUp(Exception):
    """Raised by a script to have the server close the connection."""


class ScriptedServer:
    """Serves on loopback; ``script`` is called for each request and answers it, by default with a small object."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.received: queue.Queue[Received] = queue.Queue()
        self.script: Callable[[Received], None] = default_script
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def next_request(self) -> Received:
        """The next request that arrives, or arrived unseen."""
        return self.received.get(timeout=TIMEOUT_S)

    def reset(self) -> None:
        """Forget what came and answer as at first, over new connections."""
        self.script = default_script
        while not self.received.empty():
            self.received.get_nowait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._connections.append(connection)
            number = len(self._connections)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, connection_number: int) -> None:
        request_number = 0
        closed = threading.Event()
        with connection, connection.makefile("rb") as reader:
            try:
                while line := reader.readline().decode().rstrip("\r\n"):
                    fields = {}
                    while field := reader.readline().decode().rstrip("\r\n"):
                        name, _, value = field.partition(": ")
                        fields[name.lower()] = value
                    body = reader.read(int(fields.get("content-length", 0)))
                    request_number += 1
                    request = Received(connection, line, fields, body, connection_number, request_number, closed)
                    script = self.script
                    self.received.put(request)
                    script(request)
                closed.set()
            except HangUp:
                pass
            except (OSError, ValueError):
                closed.set()


def default_script(request: Received) -> None:
    request.send(answer(b'{"object":"chat.completion"}'))
