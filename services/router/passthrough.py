"""``/v1/chat/completions``: straight through to a backend, for clients that speak OpenAI's API.

This is the hot path: the body is never parsed, bytes go on as they come, and a client that hangs up takes its
request at the backend with it, streaming or not.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from typing import Any

import gevent
import structlog
from flask import Blueprint, Response, g, request
from gevent.lock import BoundedSemaphore

from services.backends.config import BackendConfig
from services.router.body import read_json
from services.router.context import Context
from services.router.hangup import HangupWatch
from services.router.operations import Media, Operation, describes
from services.router.problems import Problem
from services.router.upstream import Reply, TimedOut, Unreachable, Upstream, UpstreamError

log = structlog.get_logger(__name__)

_RETRY_S = "1"
# Exact enough without parsing: inside a JSON string these quotes would be escaped. Only time-outs depend on it.
_STREAMING = re.compile(rb'"stream"\s*:\s*true')
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# Not for the backend: what concerns one connection, what the client wrote for us, and what is made anew.
_KEPT_BACK = frozenset(
    "HTTP_" + name.upper().replace("-", "_")
    for name in _HOP_BY_HOP
    | {"host", "content-length", "expect", "authorization", "proxy-authorization", "cookie", "origin", "referer"}
    | {"x-backend", "x-request-id"}
)
# Not for the client: what concerns one connection, and what our own server adds.
_DROPPED = frozenset(_HOP_BY_HOP | {"proxy-authenticate", "date", "server", "set-cookie", "x-request-id"})

_COMPLETION_REQUEST = Media(
    ("application/json",),
    "An OpenAI chat completion request; it reaches the backend byte for byte, and the backend judges it.",
)
_COMPLETION = Media(
    ("application/json", "text/event-stream"),
    "The backend's own answer, as it arrives: an object, or a stream of chunks.",
)


def create_blueprint(context: Context) -> Blueprint:
    """The views of the pass-through."""
    blueprint = Blueprint("passthrough", __name__)
    gates = {
        name: _Gate(config, context.upstreams[name], context) for name, config in context.backends.configured.items()
    }

    @blueprint.post("/v1/chat/completions")
    @describes(
        Operation(
            summary="Chat completion by a backend, streaming or not",
            body=_COMPLETION_REQUEST,
            parameters=("X-Backend",),
            answers={200: _COMPLETION},
            problems=(400, 408, 413, 415, 422, 429, 502, 503, 504),
            openai_errors=True,
        )
    )
    def chat_completions() -> Response:
        name = request.environ.get("HTTP_X_BACKEND") or context.backends.default
        gate = gates.get(name)
        if gate is None:
            known = ", ".join(sorted(gates))
            raise Problem(422, "unknown-backend", f"No backend of this name is configured; X-Backend takes: {known}.")
        body = read_json(context.settings)
        # Where the backend answers before we wait for it, nothing else would let the other connections have their turn.
        gevent.sleep(0)
        exchange = Exchange(gate, request.environ.get("gunicorn.socket"))
        try:
            return exchange.start(body)
        except BaseException as error:
            exchange.close()
            if isinstance(error, UpstreamError):
                raise _failure(name, error) from None
            raise

    return blueprint


class _Gate:
    """The way to one backend: its client, its share of the backend's concurrency, and its time-outs."""

    def __init__(self, config: BackendConfig, upstream: Upstream, context: Context) -> None:
        settings = context.settings
        self.name = config.name
        self.upstream = upstream
        # The cap is the backend's; each process takes its part of it.
        self.slots = BoundedSemaphore(max(1, config.max_concurrency // settings.router_processes))
        self.config = config
        self.settings = settings
        self.metrics = context.metrics
        self.active = context.metrics.active.labels(config.name)
        self.first_byte = {
            streaming: context.metrics.first_byte.labels(config.name, str(streaming).lower())
            for streaming in (False, True)
        }
        key = config.api_key.get_secret_value() if config.api_key is not None else ""
        self.fields = [("Authorization", f"Bearer {key}")] if key else []


class Exchange:
    """One request at a backend and its reply. Closing it frees the slot and, unless all was read, hangs up there."""

    def __init__(self, gate: _Gate, client: Any | None) -> None:
        """``client`` is the client's gevent socket, None where the server does not tell it."""
        self._gate = gate
        self._began = time.perf_counter()
        self._watch = HangupWatch(client) if client is not None else None
        self._reply: Reply | None = None
        self._admitted = False
        self._streaming = False
        # How long the backend may take to say something: at first, and once it has begun, much less.
        self._patience_s = gate.settings.router_completion_timeout_s
        self._silent = True
        self._broken = False

    def start(self, body: bytes) -> Response:
        """Send the request on and return the reply as it begins. Raises Problem 429 or UpstreamError."""
        gate = self._gate
        if not gate.slots.acquire(timeout=gate.settings.router_admission_timeout_s):
            raise Problem(
                429,
                "backend-busy",
                f"{gate.name} is busy with as many requests as it takes at once; try again in {_RETRY_S} s.",
                headers={"Retry-After": _RETRY_S},
            )
        self._admitted = True
        gate.active.inc()
        self._streaming = _STREAMING.search(body) is not None
        if self._streaming:
            self._patience_s = gate.config.first_token_timeout_s
        query = request.environ["QUERY_STRING"]
        self._reply = reply = gate.upstream.request(
            "POST",
            f"/v1/chat/completions?{query}" if query else "/v1/chat/completions",
            fields=[*_fields_for_backend(request.environ), *gate.fields],
            body=body,
            timeout_s=self._patience_s,
        )
        response = Response(status=reply.get_code(), headers=_fields_for_client(reply))
        if "Content-Type" not in reply:
            del response.headers["Content-Type"]
        if reply.complete:
            response.set_data(self._next())
            self.close()
        else:
            response.response = self
            response.direct_passthrough = True
        return response

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            data = self._next()
        except UpstreamError as error:
            self._broken = True
            log.warning("backend broke off its answer", backend=self._gate.name, reason=str(error))
            # The head has gone out; only a broken connection can still tell the client that the answer is not whole.
            raise ConnectionResetError(errno.ECONNRESET, "the backend broke off its answer") from None
        if not data:
            raise StopIteration
        return data

    def _next(self) -> bytes:
        if self._reply is None:
            return b""
        data = self._reply.read(self._patience_s)
        if self._silent:
            self._silent = False
            self._patience_s = self._gate.config.idle_timeout_s
            self._gate.first_byte[self._streaming].observe(time.perf_counter() - self._began)
        return data

    def close(self) -> None:
        """Give everything back; more than once does no harm."""
        if self._watch is not None:
            self._watch.stop()
            # Seen by the watch, or by the server as it wrote: then we are closed amid a sound answer.
            if self._watch.fired or (self._reply is not None and not self._reply.complete and not self._broken):
                self._gate.metrics.hangups.labels(self._gate.name).inc()
            self._watch = None
        if self._reply is not None:
            self._reply.close()
            self._reply = None
        if self._admitted:
            self._admitted = False
            self._gate.slots.release()
            self._gate.active.dec()


def _fields_for_backend(environ: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Content-Type", environ["CONTENT_TYPE"]
    yield "X-Request-Id", g.request_id
    nominated = {f"HTTP_{name.upper().replace('-', '_')}" for name in _tokens(environ.get("HTTP_CONNECTION", ""))}
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in _KEPT_BACK and key not in nominated:
            yield key[5:].replace("_", "-").title(), value


def _fields_for_client(reply: Reply) -> list[tuple[str, str]]:
    nominated = {token for name, value in reply.items() if name.lower() == "connection" for token in _tokens(value)}
    fields = [
        (name, value)
        for name, value in reply.items()
        if (lowered := name.lower()) not in _DROPPED and lowered not in nominated
    ]
    if str(reply.get("content-type")).startswith("text/event-stream"):
        fields.append(("X-Accel-Buffering", "no"))
    return fields


def _tokens(field: str) -> Iterator[str]:
    return (token.strip().lower() for token in field.split(",") if token.strip())


def _failure(backend: str, error: UpstreamError) -> Problem:
    log.error("backend failed", backend=backend, reason=str(error))
    if isinstance(error, TimedOut):
        return Problem(504, "backend-timeout", f"{backend} did not answer in time; try again or ask for less.")
    if isinstance(error, Unreachable):
        detail = f"{backend} cannot be reached; it may be starting. Try again in {_RETRY_S} s."
        return Problem(503, "backend-unreachable", detail, headers={"Retry-After": _RETRY_S})
    return Problem(502, "backend-failed", f"{backend} broke off: {error}; try again.")
