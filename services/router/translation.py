"""Answering at one door by a backend that speaks another language.

The backend is always asked for a stream: the client's hang-up is noticed at once, and an error that comes before the
first piece can still be answered with a status of its own, or by another backend.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import partial

import gevent
import structlog
from flask import Response

from services.backends.base import BackendError, Failed, TimedOut, Unavailable
from services.backends.dialects.base import Answer, Call, understood
from services.router.doors import Order
from services.router.exchange import Exchange, Gate
from services.router.fields import Fields
from services.router.stopping import ServerStops
from services.router.upstream import TimedOut as Silent
from services.router.upstream import UpstreamError
from services.router.writers import Writer

log = structlog.get_logger(__name__)

_MAX_ERROR_BYTES = 4096
#: More than any model writes for one request: a server that goes on and on is stopped.
_MAX_CHARACTERS = 4 * 1024 * 1024
_CANCEL_TIMEOUT_S = 5.0
#: Of the client's header fields only these are for a backend that is asked in another language.
_KEPT = frozenset({"Content-Type", "X-Request-Id", "Traceparent", "Tracestate"})


def translate(exchange: Exchange, gate: Gate, order: Order, fields: Fields, wait_s: float) -> Response:
    """Ask the backend and answer as ``order`` wants it. Raises Busy, UpstreamError or BackendError; then close it."""
    call = gate.dialect.encode(order.request)
    stream = _Stream(exchange, gate, call, order)
    try:
        stream.open([field for field in fields if field[0] in _KEPT], wait_s)
        if order.writer.streaming:
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            return Response(stream, headers=headers, content_type="text/event-stream", direct_passthrough=True)
        body = stream.whole()
        stream.close()
        return Response(body, content_type="application/json")
    except BaseException:
        stream.close()
        raise


class _Stream:
    """The answer on its way: read in the backend's language, written in the door's."""

    def __init__(self, exchange: Exchange, gate: Gate, call: Call, order: Order) -> None:
        self._exchange = exchange
        self._gate = gate
        self._call = call
        self._writer: Writer = order.writer
        self._answer: Answer = gate.dialect.answer(order.request)
        self._first = ""
        self._text: list[str] = []
        self._asked = False
        self._over = False
        self._events = self._write()
        self._size = 0
        self._deadline = 0.0

    def open(self, fields: Fields, wait_s: float) -> None:
        """Send the call and wait for the first piece of the answer, or its end."""
        self._asked = True
        self._deadline = time.monotonic() + self._gate.config.first_token_timeout_s
        reply = self._exchange.open(self._call.path, fields, self._call.body, wait_s, streaming=True)
        if reply.get_code() != 200:
            body = b""
            while len(body) < _MAX_ERROR_BYTES and (data := self._exchange.read()):
                body += data
            raise self._gate.dialect.refusal(reply.get_code(), body[:_MAX_ERROR_BYTES])
        while not self._first and not self._answer.ended:
            self._first = self._next()
        if self._answer.ended:
            # An answer that broke off before any text is another backend's to give, or has a status.
            understood(self._gate.config, self._answer.finish)

    def whole(self) -> bytes:
        """The complete answer as one document."""
        text = "".join(self._pieces())
        finish = understood(self._gate.config, self._answer.finish)
        self._end()
        return self._writer.whole(text, finish)

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def _write(self) -> Iterator[bytes]:
        if begin := self._writer.begin():
            yield begin
        try:
            for piece in self._pieces():
                self._text.append(piece)
                yield self._writer.piece(piece)
            finish = understood(self._gate.config, self._answer.finish)
        except (BackendError, UpstreamError) as error:
            failure = error if isinstance(error, BackendError) else _backend_error(self._gate, error)
            log.warning("backend broke off its answer", backend=self._gate.name, reason=failure.message)
            self._exchange.failed(failure)
            self._over = True
            yield self._writer.broken(failure.message, failure.code)
            return
        except ServerStops as stop:
            yield self._writer.broken(str(stop), "router.stopping")
            return
        self._end()
        yield self._writer.end("".join(self._text), finish)

    def _pieces(self) -> Iterator[str]:
        if self._first:
            yield self._first
        while not self._answer.ended:
            if piece := self._next():
                yield piece

    def _next(self) -> str:
        text = understood(self._gate.config, partial(self._answer.feed, self._exchange.read()))
        now = time.monotonic()
        if text:
            self._deadline = now + self._gate.config.idle_timeout_s
            self._size += len(text)
            if self._size > _MAX_CHARACTERS:
                raise Failed(f"{self._gate.name} wrote more than {_MAX_CHARACTERS} characters and was stopped")
        elif now > self._deadline and not self._answer.ended:
            # Comments that a server sends to keep the connection alive do not move the deadline: only text does.
            raise TimedOut(f"{self._gate.name} sent no text in time")
        return text

    def _end(self) -> None:
        self._over = True
        self._exchange.succeeded()

    def close(self) -> None:
        """Give everything back; a generation that is not over is ended, on the server too."""
        self._exchange.close()
        if self._asked and not self._over:
            self._over = True
            if (cancel := self._gate.dialect.cancel(self._call)) is not None:
                gevent.spawn(_send, self._gate, cancel)


def _send(gate: Gate, call: Call) -> None:
    fields = [("Content-Type", "application/json"), *gate.fields]
    with contextlib.suppress(UpstreamError):  # what cannot be reached generates nothing
        gate.upstream.request("POST", call.path, fields=fields, body=call.body, timeout_s=_CANCEL_TIMEOUT_S).close()


def _backend_error(gate: Gate, error: UpstreamError) -> BackendError:
    return (TimedOut if isinstance(error, Silent) else Unavailable)(f"{gate.name} broke off: {error}")
