"""Stands before a robot and lets only those in who show the right user and password, as libqi's servers can.

libqi's Python wheel can show credentials but not ask for them, so this speaks the beginning of the protocol itself: the
first message of a connection is a call of ``authenticate`` with what the client shows; who shows nothing or the wrong
thing gets an error and no connection; for others all bytes go to and fro.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from types import TracebackType
from urllib.parse import urlsplit

_HEADER = struct.Struct("<4sIIHBBIII")
_ERROR, _AUTHENTICATE = 3, 8
_REASON = b"Authentication failed: unknown user or password [1.0]"


class Doorkeeper:
    """Listens before the robot at ``url``; with ``tls`` over TLS."""

    def __init__(self, url: str, user: str, password: str, tls: ssl.SSLContext | None = None) -> None:
        self.shown: list[bytes] = []
        self._behind = ("127.0.0.1", urlsplit(url).port)
        self._wanted = [b"auth_user" + _text(user), b"auth_token" + _text(password)]
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        self.url = f"{'tcps' if tls else 'tcp'}://127.0.0.1:{port}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> Doorkeeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._receive, args=[client], daemon=True).start()

    def _receive(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            self._open.append(client)
            header = _read(client, _HEADER.size)
            magic, number, size, version, _, _, service, object_, action = _HEADER.unpack(header)
            assert action == _AUTHENTICATE
            shown = _read(client, size)
            self.shown.append(shown)
            if not all(wanted in shown for wanted in self._wanted):
                body = b"\x01\x00\x00\x00s" + struct.pack("<I", len(_REASON)) + _REASON
                client.sendall(
                    _HEADER.pack(magic, number, len(body), version, _ERROR, 0, service, object_, action) + body
                )
                client.close()
                return
            robot = socket.create_connection(self._behind)
            self._open.append(robot)
            robot.sendall(header + shown)
            threading.Thread(target=_pump, args=[robot, client], daemon=True).start()
            _pump(client, robot)


def _text(text: str) -> bytes:
    """A text as a value of any type: the signatures of its two wrappings, then its length and itself."""
    return b"\x01\x00\x00\x00m\x01\x00\x00\x00s" + struct.pack("<I", len(text.encode())) + text.encode()


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (more := client.recv(size - len(data))):
            raise EOFError
        data += more
    return data


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
