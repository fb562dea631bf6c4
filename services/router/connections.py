"""The server's connections: bounded, silent ones give way to new ones, and an emergency stop always finds a place.

gunicorn accepts up to a number of connections and leaves further ones in the kernel's backlog, whatever the others do:
a thousand clients that say nothing would keep an emergency stop waiting. Here a connection beyond the number closes the
one that has been silent for longest, as nginx does; and when all of them are at work, the few places in reserve answer
what must always be answered, and nothing else.

The kernel offers a new connection to all processes and gives it to the quickest, which is the one that slept last: on a
quiet router it would be the same one every time, which then does all the work while the others look on. So a process
holds back a little for every connection that it has, and the one with the fewest takes it.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import gevent
from flask import Flask, request
from gevent import getcurrent
from gevent.lock import Semaphore
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers import ggevent
from gunicorn.workers.ggevent import GeventWorker

from services.router.hangup import is_quiet
from services.router.problems import Problem
from services.router.stopping import end_waits
from services.router.unreadable import write_error

#: Places beyond the setting, for RESERVED alone.
RESERVE = 16
#: What is answered even when all places are taken.
RESERVED_ENDPOINTS = frozenset({"robots.stop", "health.healthz", "health.readyz"})
_CROWDED = "router.crowded"
#: How the path of an emergency stop ends.
_STOP = "/stop"
_RETRY_S = "1"
#: How long a stop lets what was sent before it arrive: by then it is being served. So often it then looks who waits.
_LAST_WORDS_S = 0.2
#: How long a process leaves a new connection to others, for each one that it has, and at most.
_HOLD_S = 0.0002
_LONGEST_HOLD_S = 0.002
#: How many it takes then, if the others have left so many: fewer than the places in reserve, for each may have to make
#: room for itself first.
_AT_ONCE = 4
#: How many it has when it no longer holds back from a queue that is longer than that, and takes as many at once while
#: there are places: it matters little then who has how many more, and an emergency stop may stand at the queue's end.
_MANY = 64
#: How many requests begin in one round of the server's loop. Others that were read wait for the next one, so that an
#: emergency stop that comes in a burst is read, and begins, before they do.
_BEGIN = 8


class Answer(wsgi.Response):  # type: ignore[misc]
    """gunicorn's response, with the head in one packet with the first bytes of the body: a system call less."""

    headers_sent: bool
    #: Whether the server stops: every answer is the last on its connection then, and says so if its head is yet to go.
    last: ClassVar[bool] = False
    _second: ClassVar[int] = 0
    _date: ClassVar[str] = ""

    _head = b""

    def should_close(self) -> bool:
        """Whether the connection ends with this answer."""
        return self.last or bool(super().should_close())

    def default_headers(self) -> list[str]:
        """gunicorn's, with a date that is put into words once a second."""
        now = int(time.time())
        if now != Answer._second:
            Answer._second, Answer._date = now, f"Date: {util.http_date(now)}\r\n"
        major, minor = self.req.version
        connection = "close" if self.should_close() else "keep-alive"
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            self._date,
            f"Connection: {connection}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines

    def send_headers(self) -> None:
        """Keep the head; ``write`` sends it."""
        if not self.headers_sent:
            lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
            self._head = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def write(self, arg: bytes) -> None:
        """Send a piece of the body, after the head if that has not gone out."""
        super().write(arg)
        if self._head:  # the body is empty, or none is due
            self._send(b"")

    def close(self) -> None:
        """Send what ends the answer."""
        if not self.headers_sent:
            self.write(b"")
        super().close()

    def sendfile(self, respiter: Any) -> bool:
        """No files are served, and what goes by the kernel would overtake the head."""
        return False

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        head, self._head = self._head, b""
        util.write(self.sock, head + data)


wsgi.Response = Answer  # gunicorn has no setting for it


class FairServer(StreamServer):  # type: ignore[misc]
    """Takes a new connection later the more it has, so that processes that share a socket share the connections too."""

    def _do_read(self) -> None:
        self._hold(min(_LONGEST_HOLD_S, _HOLD_S * len(self.pool)))

    def _hold(self, hold_s: float) -> None:
        self.stop_accepting()
        self._timer = self.loop.timer(hold_s)
        self._timer.start(self._take)

    def _take(self) -> None:
        before = len(self.pool)
        # gunicorn takes one at a time, which would make an emergency stop wait behind many.
        self.max_accept = _MANY if before >= _MANY and self.pool.free_count() > 2 * _MANY else _AT_ONCE
        super()._do_read()  # which finds nothing where another process was quicker
        if len(self.pool) - before == self.max_accept and before >= _MANY:
            self._hold(0.0)
        elif self._watcher is None and not self.full():
            self._start_accepting_if_started()


ggevent.StreamServer = FairServer  # nor for this
util.write_error = write_error  # nor for this


class ConnectionWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's gevent worker with places in reserve; ``worker_connections`` counts them in."""

    wsgi: Callable[..., Iterable[bytes]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = self.worker_connections - RESERVE
        self._open = 0
        #: Connections on which no request is at work, the longest silent first, and who serves them.
        self._silent: dict[Any, Any] = {}

    def load_wsgi(self) -> None:
        """Tell the application whether the reserve is being used."""
        super().load_wsgi()
        # gunicorn looks its settings up some twenty times for each request, each time through two functions.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        application = self.wsgi
        beginning = Semaphore(_BEGIN)
        loop = gevent.get_hub().loop

        def aware(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            environ[_CROWDED] = self._open > self._places
            if not environ["PATH_INFO"].endswith(_STOP):
                beginning.acquire()
                loop.run_callback(beginning.release)
            return application(environ, start_response)

        self.wsgi = aware

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        self._open += 1
        self._silent[client] = getcurrent()
        if self._open > self._places:
            gevent.get_hub().loop.run_callback(self._make_room, client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._silent.pop(client, None)
            self._open -= 1

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Serve one request; a place in reserve is given back at once."""
        self._silent.pop(sock, None)
        if self._open > self._places:
            req.force_close()
        super().handle_request(listener_name, req, sock, addr)
        self._silent[sock] = getcurrent()

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """Begin to stop: what was asked is answered, and connections on which nothing is asked are closed."""
        super().handle_exit(sig, frame)
        Answer.last = True
        gevent.spawn(self._wind_down)

    def _wind_down(self) -> None:
        began = time.monotonic()
        loop = gevent.get_hub().loop
        while True:  # new ones may come while the others are served
            gevent.sleep(_LAST_WORDS_S)
            loop.run_callback(self._close_quiet)
            loop.run_callback(end_waits, time.monotonic() - began)

    # Called in gevent's hub, while every connection waits: none of them begins a request between look and close.

    def _make_room(self, newcomer: Any) -> None:
        """Close the connection that was silent for longest, unless it is the one that needs the room."""
        longest = next(iter(self._silent), newcomer)
        if self._open > self._places and longest is not newcomer:
            self._close(longest)

    def _close_quiet(self) -> None:
        for client in list(self._silent):
            if is_quiet(client):
                self._close(client)

    def _close(self, client: Any) -> None:
        """End the wait for a request as if the client had hung up, of which nobody needs to hear."""
        self._silent.pop(client).throw(ConnectionResetError(errno.ECONNRESET, "closed to make room, or to stop"))


def install_reserve(app: Flask) -> None:
    """Keep the places in reserve for what must always be answered: everything else gets 503 there."""

    def refuse_when_crowded() -> None:
        if request.environ.get(_CROWDED) and request.endpoint not in RESERVED_ENDPOINTS:
            raise Problem(
                503,
                "too-many-connections",
                f"All connections that the router serves at once are in use; try again in {_RETRY_S} s, or raise "
                "ROUTER_CONNECTIONS.",
                headers={"Retry-After": _RETRY_S},
            )

    app.before_request(refuse_when_crowded)
