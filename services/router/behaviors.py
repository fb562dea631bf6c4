"""``/v1/behaviors``: the durable door, through the queue."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from typing import Any

import structlog
from flask import Blueprint, Response, g, request
from pydantic import ValidationError

from services.backends.names import own_name
from services.behavior.schema import DEFAULT_ROBOT, TERMINAL_STATUSES, BehaviorRequest, BehaviorResult
from services.jobs.documents import result_document
from services.jobs.errors import StoreUnavailable, UnknownBehavior
from services.jobs.store import Event
from services.router.body import read_json
from services.router.context import Context
from services.router.hangup import is_gone
from services.router.operations import EVENTS, Operation, describes
from services.router.problems import Problem, ProblemItem, forgotten_result, from_validation, invalid, unknown_behavior
from services.router.robots import not_configured
from services.router.settings import RouterSettings
from services.router.stopping import ServerStops, StopWatch, until_stop

log = structlog.get_logger(__name__)

MAX_WAIT_S = 120.0
_WAIT_SLICE_S = 5.0
_RECONNECT_MS = 1000
_IDEMPOTENCY_KEY = re.compile(r"[!-+\--~]{1,200}")  # no comma: two header fields arrive as one, with a comma between
_EVENT_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
# W3C Trace Context, version 00; what does not fit is left out, as the standard wants it.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(r"[ -~]{1,512}")


def create_blueprint(context: Context) -> Blueprint:
    """The views of ``/v1/behaviors``."""
    blueprint = Blueprint("behaviors", __name__)
    store = context.store

    @blueprint.post("/v1/behaviors")
    @describes(
        Operation(
            summary="Have a robot carry out an instruction",
            body=BehaviorRequest,
            parameters=("wait", "Idempotency-Key"),
            answers={200: BehaviorResult, 202: BehaviorResult},
            problems=(400, 408, 410, 413, 415, 422, 429, 503),
        )
    )
    def submit() -> Response:
        wait_s = _wait_parameter()
        idempotency_key = _idempotency_key()
        try:
            order = BehaviorRequest.model_validate_json(read_json(context.settings, context.bodies)[0])
        except ValidationError as error:
            raise from_validation(error) from None
        backend = _admissible(order, context)
        submission = store.submit(
            order,
            backend=backend,
            principal=g.principal,
            idempotency_key=idempotency_key,
            trace=_trace(request.environ),
        )
        if submission.created and wait_s is None:
            # What the store would say, without asking it.
            document: BehaviorResult | None = result_document(submission.id, order, backend, "queued", waited_ms=0.0)
        else:
            document = _wait(context, submission.id, wait_s)
        if document is None:
            raise forgotten_result()
        finished = wait_s is not None and document.status in TERMINAL_STATUSES
        response = _document(document, 200 if finished else 202)
        response.headers["Location"] = f"/v1/behaviors/{submission.id}"
        if not submission.created:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    @blueprint.get("/v1/behaviors/<behavior_id>")
    @describes(Operation(summary="Look a behavior up", answers={200: BehaviorResult}, problems=(404, 503)))
    def look_up(behavior_id: str) -> Response:
        document = store.result(behavior_id)
        if document is None:
            raise unknown_behavior()
        return _document(document, 200)

    @blueprint.delete("/v1/behaviors/<behavior_id>")
    @describes(
        Operation(
            summary="Cancel a behavior, down to the engine and the robot",
            answers={200: BehaviorResult, 202: BehaviorResult},
            problems=(404, 503),
        )
    )
    def cancel(behavior_id: str) -> Response:
        document = store.cancel(behavior_id)
        if document is None:
            raise unknown_behavior()
        return _document(document, 200 if document.status in TERMINAL_STATUSES else 202)

    @blueprint.get("/v1/behaviors/<behavior_id>/events")
    @describes(
        Operation(
            summary="Follow a behavior as Server-Sent Events",
            parameters=("Last-Event-ID",),
            answers={200: EVENTS, 204: None},
            problems=(400, 404, 503),
        )
    )
    def events(behavior_id: str) -> Response:
        after = request.headers.get("Last-Event-ID", "").strip() or "0-0"
        if not _EVENT_ID.fullmatch(after):
            detail = (
                "Last-Event-ID must be the id of an event of this stream, such as 1700000000000-0; or leave it out."
            )
            raise Problem(400, "invalid-event-id", detail, errors=[ProblemItem(header="Last-Event-ID", detail=detail)])
        document = store.result(behavior_id)
        if document is None:
            raise unknown_behavior()
        followed = store.events(behavior_id, after, context.settings.router_keep_alive_s, document)
        first = None
        if document.status in TERMINAL_STATUSES:
            first = next(followed, None)
            if first is None:
                # All was seen. Without content a browser's EventSource stops connecting again.
                return Response(status=204)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(headers=headers, content_type="text/event-stream")
        stream = _EventStream(context, _event_text(first, followed, request.environ.get("gunicorn.socket")))
        return Response(stream, headers=headers, content_type="text/event-stream", direct_passthrough=True)

    return blueprint


class _EventStream:
    """An event stream while it is open, counted; the HTTP server closes it at its end or when the client is gone."""

    def __init__(self, context: Context, text: Generator[bytes]) -> None:
        self._open = context.metrics.streams
        self._open.inc()
        self._closed = False
        self._text = text

    def __iter__(self) -> Iterator[bytes]:
        return self._text

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._text.close()
            self._open.dec()


def _event_text(first: Event | None, followed: Iterator[Event | None], client: Any | None) -> Generator[bytes]:
    yield b"retry: %d\n\n" % _RECONNECT_MS
    if first is not None:
        yield _event_bytes(first)
    try:
        for event in until_stop(followed):
            if event is not None:
                yield _event_bytes(event)
            elif client is not None and is_gone(client):
                return
            else:
                yield b": keep-alive\n\n"
    except (StoreUnavailable, UnknownBehavior) as error:
        # Ending without a terminal event makes the client come back with the id of the last one that it saw.
        log.warning("event stream interrupted", reason=str(error))
    except ServerStops:
        return  # likewise


def _event_bytes(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n".encode()


def _document(document: BehaviorResult, status: int) -> Response:
    body = document.model_dump_json()
    return Response(body, status, {"Cache-Control": "no-store"}, content_type="application/json")


def _admissible(order: BehaviorRequest, context: Context) -> str:
    """Name of the backend for this order. Raises a Problem when the order asks for what is not there."""
    configured = context.backends.configured
    if order.robot not in context.robots:
        raise invalid("/robot", f"No robot is called {order.robot}; known are: {', '.join(sorted(context.robots))}.")
    backend = own_name(order.backend) if order.backend is not None else _drawn(order, context)
    if backend not in configured:
        raise invalid(
            "/backend", f"No backend {backend} is configured; choose one of: {', '.join(sorted(configured))}."
        )
    if order.image is not None and not configured[backend].vision:
        seeing = sorted(name for name, config in configured.items() if config.vision)
        mend = f"choose one that does ({', '.join(seeing)})" if seeing else "leave the image out"
        raise invalid("/image", f"The model behind {backend} takes no images; {mend}.")
    if order.execute != "none" and not context.settings.reaches(order.robot, order.execute):
        raise invalid("/execute", _out_of_reach(order, context.settings))
    return backend


def _out_of_reach(order: BehaviorRequest, settings: RouterSettings) -> str:
    if order.robot == DEFAULT_ROBOT:
        return 'No real robot is connected; use "simulate" or "none", or have ROBOT_URL set.'
    if not any(settings.reaches(order.robot, how) for how in ("simulate", "robot")):
        return f'{not_configured(order.robot)} Or use "none".'
    kind = "simulated" if order.execute == "simulate" else "real"
    return f'No {kind} {order.robot} is connected; use "none", or have its address set in MORE_ROBOTS.'


def _drawn(order: BehaviorRequest, context: Context) -> str:
    """The backend of an order that names none; one with an image goes where images are understood, if anywhere."""
    drawn = context.routing.choose()
    configured = context.backends.configured
    if order.image is not None and not configured[drawn].vision:
        return next((name for name in sorted(context.routing.serving) if configured[name].vision), drawn)
    return drawn


def _trace(environ: dict[str, Any]) -> dict[str, str]:
    """The client's trace context, so that spans of the engine join those of the robot."""
    parent, state = environ.get("HTTP_TRACEPARENT", ""), environ.get("HTTP_TRACESTATE", "")
    if not _TRACEPARENT.fullmatch(parent):
        return {}
    return {"traceparent": parent} | ({"tracestate": state} if _TRACESTATE.fullmatch(state) else {})


def _wait(context: Context, behavior_id: str, wait_s: float | None) -> BehaviorResult | None:
    """The document, when it is final or ``wait_s`` seconds have passed; sooner at a hang-up or a stop of the server."""
    if wait_s is None:
        return context.store.result(behavior_id)
    client = request.environ.get("gunicorn.socket")
    end = time.monotonic() + wait_s
    try:
        with StopWatch():
            while True:
                left_s = end - time.monotonic()
                document = context.store.wait(behavior_id, max(0.0, min(left_s, _WAIT_SLICE_S)))
                over = document is None or document.status in TERMINAL_STATUSES or left_s <= _WAIT_SLICE_S
                if over or (client is not None and is_gone(client)):
                    return document
    except ServerStops:
        return context.store.result(behavior_id)


def _wait_parameter() -> float | None:
    text = request.args.get("wait")
    if text is None:
        return None
    seconds = float(text) if _SECONDS.fullmatch(text) else 0.0
    if not 0.0 < seconds <= MAX_WAIT_S:
        detail = f"wait must be a number of seconds above 0 and up to {MAX_WAIT_S:g}; or leave it out."
        raise Problem(400, "invalid-parameter", detail, errors=[ProblemItem(parameter="wait", detail=detail)])
    return seconds


def _idempotency_key() -> str | None:
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        allowed = "1 to 200 visible ASCII characters without spaces and commas, such as a UUID"
        detail = f"Idempotency-Key must be {allowed}, sent once."
        raise Problem(400, "invalid-header", detail, errors=[ProblemItem(header="Idempotency-Key", detail=detail)])
    return str(key)
