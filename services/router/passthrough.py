"""Straight through to a backend, for clients that speak OpenAI's API or TGI's: ``/v1/chat/completions``,
``/v1/completions``, ``/generate``, ``/generate_stream`` and ``POST /``.

This is the hot path: where the backend speaks the door's language the body is parsed for the names of its parameters,
but seldom written anew, and bytes go on as they come; elsewhere requests and answers are translated. A client that
hangs up takes its request at the backend with it, streaming or not. A backend that is away, busy or left alone after
failures is passed over for the next in the failover order, as long as it has not begun to answer.
"""

from __future__ import annotations

import gevent
import structlog
from flask import Blueprint, Response, g, request
from pydantic import ValidationError

from services.backends.base import BackendError, Invalid, Overloaded
from services.backends.base import TimedOut as GenerationTimedOut
from services.backends.circuit import Circuit
from services.backends.names import own_name
from services.router import openai, tgi
from services.router.body import Share, read_json
from services.router.context import Context
from services.router.doors import DOORS, Door, read
from services.router.exchange import Busy, Exchange, Gate
from services.router.fields import Fields, fields_for_backend
from services.router.operations import Media, Operation, describes
from services.router.problems import Problem, from_validation
from services.router.stopping import ServerStops
from services.router.tgi import MendedLines, mend_line
from services.router.translation import translate
from services.router.upstream import TimedOut, Unreachable, UpstreamError

log = structlog.get_logger(__name__)

_RETRY_S = "1"
#: Copies in hand at once for one shadow backend; more are not made, so that a slow one costs nothing but them.
_SHADOWS_AT_ONCE = 16

#: What each kind of backend speaks itself.
_NATIVE: dict[str, frozenset[Door]] = {
    "openai": frozenset({"/v1/chat/completions", "/v1/completions"}),
    "tgi": frozenset(DOORS),
    "triton": frozenset(),
}
_SUMMARIES: dict[Door, str] = {
    "/v1/chat/completions": "OpenAI's chat completion by a backend, streaming or not",
    "/v1/completions": "OpenAI's completion of a text by a backend, streaming or not",
    "/generate": "TGI's generation by a backend",
    "/generate_stream": "TGI's generation by a backend, streaming",
    "/": "TGI's generation by a backend, streaming or not, as clients of the Hugging Face hub ask for it",
}
_BODY = Media(
    ("application/json",),
    "The request in the API's own shape. A backend that speaks this API gets it byte for byte, and judges it; for "
    "others it is translated, and what cannot be is refused. A parameter that the backend would ignore is refused.",
)
_ANSWER = Media(
    ("application/json", "text/event-stream"),
    "The answer in the API's own shape, as it arrives: an object, or a stream of events.",
)


def create_blueprint(context: Context) -> Blueprint:
    """The views of the pass-through."""
    blueprint = Blueprint("passthrough", __name__)
    doors = _Doors(context)

    def add(door: Door) -> None:
        @describes(
            Operation(
                summary=_SUMMARIES[door],
                body=_BODY,
                parameters=("X-Backend",),
                answers={200: _ANSWER},
                problems=(400, 408, 413, 415, 422, 429, 502, 503, 504),
                errors="openai" if door.startswith("/v1/") else "tgi",
            )
        )
        def view() -> Response:
            return doors.serve(door)

        endpoint = door.strip("/").replace("/", "_").removeprefix("v1_") or "hub"
        blueprint.add_url_rule(door, endpoint, view, methods=["POST"])

    for door in DOORS:
        add(door)
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

    def serve(self, door: Door) -> Response:
        """Answer the current request by a backend."""
        named = request.environ.get("HTTP_X_BACKEND")
        if named is not None:
            named = own_name(named)
        if named is not None and named not in self._gates:
            known = ", ".join(sorted(self._gates))
            raise Problem(422, "unknown-backend", f"No backend of this name is configured; X-Backend takes: {known}.")
        routing = self._context.routing
        first = named or routing.choose()
        body, share = read_json(self._context.settings, self._context.bodies)
        # Where the backend answers before we wait for it, nothing else would let the other connections have their turn.
        gevent.sleep(0)
        fields, query = fields_for_backend(request.environ, g.request_id), request.environ["QUERY_STRING"]
        for name in routing.shadows(first) if named is None else ():
            self._copy(self._gates[name], door, query, fields, body, share)
        gates = [self._gates[name] for name in routing.candidates(first, named=named is not None)]
        return self._ask_each(gates, door, query, fields, body, share)

    def _ask_each(
        self, gates: list[Gate], door: Door, query: str, fields: Fields, body: bytes, share: Share
    ) -> Response:
        """The answer of the first that begins one; raises the last one's failure as a Problem."""
        problem: Problem | None = None
        for gate in gates:
            last = gate is gates[-1]
            if (admission := gate.circuit.admit()) is None:
                problem = problem or _left_alone(gate.name, gate.circuit)
                continue
            exchange = Exchange(gate, admission, request.environ.get("gunicorn.socket"), share)
            try:
                wait_s = self._context.settings.router_admission_timeout_s if last else 0.0
                response = _ask(exchange, gate, door, query, fields, body, wait_s)
            except Busy:
                exchange.close()
                problem = _busy(gate.name)
            except UpstreamError as error:
                exchange.close()
                problem = _failure(gate.name, error)
            except BackendError as error:
                exchange.failed(error)
                exchange.close()
                problem = _from_backend(error)
                if isinstance(error, Invalid):
                    break  # another backend would refuse it alike
            except BaseException:
                exchange.close()
                raise
            else:
                if last or response.status_code not in (429, 503):
                    return response
                exchange.close()
        assert problem is not None  # noqa: S101 - there is at least one gate
        raise problem

    def _copy(self, gate: Gate, door: Door, query: str, fields: Fields, body: bytes, share: Share) -> None:
        """Have a shadow answer too, and read its answer to the end for the metrics' sake."""
        count = self._context.metrics.shadows
        admission = gate.circuit.admit() if self._shadows[gate.name] < _SHADOWS_AT_ONCE else None
        if admission is None:
            count.labels(gate.name, "skipped").inc()
            return
        self._shadows[gate.name] += 1
        share.hold()

        def ask() -> None:
            exchange = Exchange(gate, admission, None, share)
            outcome = "answered"
            try:
                response = _ask(exchange, gate, door, query, fields, body, 0.0)
                for _ in response.response:
                    pass
                outcome = "answered" if response.status_code < 400 else "refused"
            except Busy:
                outcome = "skipped"
            except (UpstreamError, BackendError, Problem, ServerStops, ConnectionResetError):
                outcome = "failed"
            finally:
                exchange.close()
                share.release()
                self._shadows[gate.name] -= 1
                count.labels(gate.name, outcome).inc()

        gevent.spawn(ask)


def _ask(
    exchange: Exchange, gate: Gate, door: Door, query: str, fields: Fields, body: bytes, wait_s: float
) -> Response:
    """One backend's answer as it begins. Raises Busy, UpstreamError, BackendError or a Problem for a wrong body."""
    if door not in _NATIVE[gate.config.kind]:
        try:
            order = read(door, body)
        except ValidationError as error:
            raise from_validation(error) from None
        return translate(exchange, gate, order, fields, wait_s)
    path = f"{door}?{query}" if query else door
    if gate.config.kind == "openai":
        mended = openai.mend_request(gate.config, door, body)
        return exchange.forward(path, fields, openai.with_adapters(gate.config, mended), wait_s)
    response = exchange.forward(path, fields, tgi.mend_request(gate.config, door, body), wait_s)
    if not door.startswith("/v1/"):
        return response
    if response.direct_passthrough:
        response.headers.pop("Content-Length", None)  # what is mended may be shorter
        response.response = MendedLines(exchange)
    else:
        response.set_data(mend_line(response.get_data()))
    return response


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
        f"{backend} kept failing and is left alone for a while; try again in {circuit.retry_after_s} s.",
        headers={"Retry-After": str(circuit.retry_after_s)},
    )


def _from_backend(error: BackendError) -> Problem:
    if isinstance(error, Invalid):
        return Problem(422, "backend-refused", f"{error.message}.")
    if isinstance(error, Overloaded):
        return Problem(429, "backend-busy", f"{error.message}.", headers={"Retry-After": _RETRY_S})
    log.error("backend failed", code=error.code, reason=error.message)
    return Problem(
        504 if isinstance(error, GenerationTimedOut) else 502, "backend-failed", f"{error.message}; try again."
    )


def _failure(backend: str, error: UpstreamError) -> Problem:
    log.error("backend failed", backend=backend, reason=str(error))
    if isinstance(error, TimedOut):
        return Problem(504, "backend-timeout", f"{backend} did not answer in time; try again or ask for less.")
    if isinstance(error, Unreachable):
        detail = f"{backend} cannot be reached; it may be starting. Try again in {_RETRY_S} s."
        return Problem(503, "backend-unreachable", detail, headers={"Retry-After": _RETRY_S})
    return Problem(502, "backend-failed", f"{backend} broke off: {error}; try again.")
