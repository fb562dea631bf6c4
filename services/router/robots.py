"""``/v1/robots``: the emergency stop and the state of a robot, answered by the robot gateway."""

from __future__ import annotations

import json
import time
from http import HTTPStatus

import gevent
import structlog
from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from services.jobs.store import StoreUnavailable
from services.router.context import Context
from services.router.operations import ANY_JSON, Operation, describes
from services.router.problems import Problem
from services.router.upstream import TimedOut, Unreachable, UpstreamError

log = structlog.get_logger(__name__)

#: The gateway stops a robot within 150 ms; a stop that takes longer has to be known as failed soon.
_STOP_TIMEOUT_S = 1.5
_NOTE_TIMEOUT_S = 1.0
#: The store may be away: the note is tried again for so long, so often.
_NOTE_FOR_S = 120.0
_NOTE_RETRY_S = 0.2
_STATE_TIMEOUT_S = 3.0
_MAX_REPLY_BYTES = 1024 * 1024


class StopReport(BaseModel):
    """What an emergency stop did."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    robot: str
    stopped: list[str]
    """Behaviours that were ended: the one that acted and those that waited for the robot."""
    unreachable: list[str]
    """Configured robots that could not be told to stop. Anything here means: go and look."""
    took_ms: float


def create_blueprint(context: Context) -> Blueprint:
    """The views of ``/v1/robots``."""
    blueprint = Blueprint("robots", __name__)

    def ask_gateway(method: str, robot: str, path: str, timeout_s: float) -> Response:
        if robot not in context.robots:
            known = ", ".join(sorted(context.robots))
            raise Problem(404, "unknown-robot", f"No robot is called by this name; known are: {known}.")
        try:
            reply = context.gateway.request(method, path, timeout_s=timeout_s)
            try:
                body = b""
                while (data := reply.read(timeout_s)) and len(body) < _MAX_REPLY_BYTES:
                    body += data
            finally:
                reply.close()
        except TimedOut as error:
            raise _failed(504, "robot-gateway-timeout", method, error) from None
        except Unreachable as error:
            raise _failed(502, "robot-gateway-unreachable", method, error) from None
        except UpstreamError as error:
            raise _failed(502, "robot-gateway-failed", method, error) from None
        status = reply.get_code()
        if status != HTTPStatus.OK:
            raise _failed(502, "robot-gateway-failed", method, f"it answered {status}: {_reason(body)}")
        return Response(body, headers={"Cache-Control": "no-store"}, content_type="application/json")

    def note_stop(robot: str) -> None:
        """Keep what was accepted until now from acting later: it may still be generated or queued."""
        end = time.monotonic() + _NOTE_FOR_S
        while True:
            try:
                return context.store.stop_robot(robot)
            except StoreUnavailable as error:
                log.error("emergency stop not noted yet; until it is, only the gateway keeps it", reason=str(error))
            if time.monotonic() > end:
                return None
            gevent.sleep(_NOTE_RETRY_S)

    @blueprint.post("/v1/robots/<robot>/stop")
    @describes(
        Operation(
            summary="Emergency stop: stop a robot at once; no behavior accepted before acts on it any more",
            answers={200: StopReport},
            problems=(404, 502, 504),
        )
    )
    def stop(robot: str) -> Response:
        # Beside, not before: a store that does not answer must not hold up the robot's stop.
        noting = gevent.spawn(note_stop, robot) if robot in context.robots else None
        response = ask_gateway("POST", robot, f"/v1/robots/{robot}/stop", _STOP_TIMEOUT_S)
        if noting is not None:
            noting.join(_NOTE_TIMEOUT_S)
        return response

    @blueprint.get("/v1/robots/<robot>")
    @describes(
        Operation(summary="State of a robot", answers={200: ANY_JSON}, problems=(404, 502, 504)),
    )
    def state(robot: str) -> Response:
        return ask_gateway("GET", robot, f"/v1/robots/{robot}", _STATE_TIMEOUT_S)

    return blueprint


def _failed(status: int, code: str, method: str, reason: object) -> Problem:
    log.error("robot gateway failed", code=code, reason=str(reason))
    warning = " The robot was NOT stopped by this request: use its own stop button." if method == "POST" else ""
    return Problem(status, code, f"The robot gateway did not do it ({reason}); check that it runs.{warning}")


def _reason(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return "no reason given"
    if isinstance(document, dict):
        for name in ("detail", "message", "error"):
            if isinstance(document.get(name), str):
                return str(document[name])[:300]
    return "no reason given"
