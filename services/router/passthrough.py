"""``/v1/chat/completions``: straight through to a backend, for clients that speak OpenAI's API.

This is the hot path: the body is never parsed, bytes go on as they come, and a client that hangs up takes its
request at the backend with it, streaming or not. A backend that is away, busy or left alone after failures is passed
over for the next in the failover order, as long as it has not begun to answer.
"""

from __future__ import annotations

import gevent
import structlog
from flask import Blueprint, Response, g, request

from services.backends.circuit import Circuit
from services.router.body import read_json
from services.router.context import Context
from services.router.exchange import Busy, Exchange, Fields, Gate, fields_for_backend
from services.router.operations import Media, Operation, describes
from services.router.problems import Problem
from services.router.upstream import TimedOut, Unreachable, UpstreamError

log = structlog.get_logger(__name__)

_RETRY_S = "1"
#: Copies in hand at once for one shadow backend; more are not made, so that a slow one costs nothing but them.
_SHADOWS_AT_ONCE = 16

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
    doors = _Doors(context)

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
        return doors.serve("/v1/chat/completions")

    return blueprint


class _Doors:
    """Sends requests to the backends that may serve them, and copies to their shadows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._gates = {
            name: Gate(config, context.upstreams[name], context.circuits[name], context.settings, context.metrics)
            for name, config in context.backends.configured.items()
        }
        self._shadows = dict.fromkeys(self._gates, 0)

    def serve(self, path: str) -> Response:
        """Answer the current request by a backend."""
        named = request.environ.get("HTTP_X_BACKEND")
        if named is not None and named not in self._gates:
            known = ", ".join(sorted(self._gates))
            raise Problem(422, "unknown-backend", f"No backend of this name is configured; X-Backend takes: {known}.")
        routing = self._context.routing
        first = named or routing.choose()
        body = read_json(self._context.settings)
        # Where the backend answers before we wait for it, nothing else would let the other connections have their turn.
        gevent.sleep(0)
        if query := request.environ["QUERY_STRING"]:
            path = f"{path}?{query}"
        fields = fields_for_backend(request.environ, g.request_id)
        for name in routing.shadows(first) if named is None else ():
            self._copy(self._gates[name], path, fields, body)
        gates = [self._gates[name] for name in routing.candidates(first, named=named is not None)]
        return self._ask_each(gates, path, fields, body)

    def _ask_each(self, gates: list[Gate], path: str, fields: Fields, body: bytes) -> Response:
        """The answer of the first that begins one; raises the last one's failure as a Problem."""
        problem: Problem | None = None
        for gate in gates:
            last = gate is gates[-1]
            if not gate.circuit.admit():
                problem = problem or _left_alone(gate.name, gate.circuit)
                continue
            exchange = Exchange(gate, request.environ.get("gunicorn.socket"))
            try:
                wait_s = self._context.settings.router_admission_timeout_s if last else 0.0
                response = exchange.forward(path, fields, body, wait_s)
            except Busy:
                exchange.close()
                problem = _busy(gate.name)
            except UpstreamError as error:
                exchange.close()
                problem = _failure(gate.name, error)
            except BaseException:
                exchange.close()
                raise
            else:
                if last or response.status_code not in (429, 503):
                    return response
                exchange.close()
        assert problem is not None  # noqa: S101 - there is at least one gate
        raise problem

    def _copy(self, gate: Gate, path: str, fields: Fields, body: bytes) -> None:
        """Have a shadow answer too, and read its answer to the end for the metrics' sake."""
        count = self._context.metrics.shadows
        if self._shadows[gate.name] >= _SHADOWS_AT_ONCE or not gate.circuit.admit():
            count.labels(gate.name, "skipped").inc()
            return
        self._shadows[gate.name] += 1

        def ask() -> None:
            exchange = Exchange(gate, None)
            outcome = "answered"
            try:
                response = exchange.forward(path, fields, body, 0.0)
                for _ in response.response:
                    pass
                outcome = "answered" if response.status_code < 400 else "refused"
            except Busy:
                outcome = "skipped"
            except (UpstreamError, ConnectionResetError):
                outcome = "failed"
            finally:
                exchange.close()
                self._shadows[gate.name] -= 1
                count.labels(gate.name, outcome).inc()

        gevent.spawn(ask)


def _busy(backend: str) -> Problem:
    return Problem(
        429,
        "backend-busy",
        f"{backend} is busy with as many requests as it takes at once; try again in {_RETRY_S} s.",
        headers={"Retry-After": _RETRY_S},
    )


def _left_alone(backend: str, circuit: Circuit) -> Problem:
    return Problem(
        503,
        "backend-left-alone",
        f"{backend} kept failing and is left alone for a while ({circuit.state}); try again in {_RETRY_S} s.",
        headers={"Retry-After": _RETRY_S},
    )


def _failure(backend: str, error: UpstreamError) -> Problem:
    log.error("backend failed", backend=backend, reason=str(error))
    if isinstance(error, TimedOut):
        return Problem(504, "backend-timeout", f"{backend} did not answer in time; try again or ask for less.")
    if isinstance(error, Unreachable):
        detail = f"{backend} cannot be reached; it may be starting. Try again in {_RETRY_S} s."
        return Problem(503, "backend-unreachable", detail, headers={"Retry-After": _RETRY_S})
    return Problem(502, "backend-failed", f"{backend} broke off: {error}; try again.")
