"""``/v1/robots``: which robots there are, and the emergency stop and the state of each by way of the robot gateway."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Literal

import gevent
import structlog
from flask import Blueprint, Response
from gevent.event import Event
from pydantic import BaseModel, ConfigDict, ValidationError

from services.behavior.catalogue import load_catalogue
from services.behavior.document import document
from services.behavior.schema import RobotReport
from services.jobs.errors import StoreUnavailable
from services.router.context import Context
from services.router.operations import Media, Operation, describes
from services.router.problems import Problem
from services.router.upstream import TimedOut, Unreachable, UpstreamError

log = structlog.get_logger(__name__)

#: The gateway stops a robot within 150 ms; a stop that takes longer has to be known as failed soon.
_STOP_TIMEOUT_S = 1.5
_NOTE_TIMEOUT_S = 1.0
#: A full queue takes longer to be emptied; then it is not counted.
_DISMISS_TIMEOUT_S = 0.05
#: The store may be away: the note is tried again for so long, so often.
_NOTE_FOR_S = 120.0
_NOTE_RETRY_S = 0.2
_STATE_TIMEOUT_S = 3.0
_MAX_REPLY_BYTES = 1024 * 1024


_PAGE = Media(("text/markdown",), "A page in Markdown.", {"type": "string"})


class _Readiness(BaseModel):
    """What of the gateway's ``/readyz`` matters here."""

    robots: dict[str, dict[str, bool]]


class StopReport(BaseModel):
    """What an emergency stop did."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    robot: str
    stopped: list[str]
    """Behaviours that were ended: the one that acted and those that waited for the robot."""
    unreachable: list[str]
    """Configured robots that could not be told to stop. Anything here means: go and look."""
    took_ms: float
    """Milliseconds that the robot gateway took."""
    dismissed: int | None
    """Behaviours that waited in the queue and were ended, if they could be counted at once."""


class ListedTarget(BaseModel):
    """A robot of one name, simulated or real, as far as this engine is set up for it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    configured: bool
    """Whether an address of it is set."""
    connected: bool | None
    """Whether it can be reached; null: the robot gateway does not say."""


class ListedRobot(BaseModel):
    """A robot that the engine knows."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    """The name by which requests mean it."""
    title: str
    doc: str
    """What kind of robot it is."""
    targets: dict[Literal["simulate", "robot"], ListedTarget]
    """The simulated one and the real one."""
    documentation: str
    """Path of the page of all that it may be called to do, in Markdown."""


class RobotList(BaseModel):
    """All robots that have a catalogue."""

    robots: list[ListedRobot]


def create_blueprint(context: Context) -> Blueprint:
    """The views of ``/v1/robots``."""
    blueprint = Blueprint("robots", __name__)

    def known(robot: str) -> str:
        if robot not in context.robots:
            names = ", ".join(sorted(context.robots))
            raise Problem(404, "unknown-robot", f"No robot is called by this name; known are: {names}.")
        return robot

    def asked_once(method: str, path: str, timeout_s: float) -> tuple[int, bytes]:
        reply = context.gateway.request(method, path, timeout_s=timeout_s)
        try:
            body = b""
            while (data := reply.read(timeout_s)) and len(body) < _MAX_REPLY_BYTES:
                body += data
        finally:
            reply.close()
        return reply.get_code(), body

    def ask_gateway(method: str, path: str, timeout_s: float) -> tuple[int, bytes]:
        try:
            try:
                return asked_once(method, path, timeout_s)
            except UpstreamError:
                if method != "POST":
                    raise
                # A stop does no harm twice, and a router that was busy may have missed the gateway's answer.
                return asked_once(method, path, timeout_s)
        except TimedOut as error:
            raise _failed(504, "robot-gateway-timeout", method, error) from None
        except Unreachable as error:
            raise _failed(502, "robot-gateway-unreachable", method, error) from None
        except UpstreamError as error:
            raise _failed(502, "robot-gateway-failed", method, error) from None

    def ask_of_robot(method: str, robot: str, path: str, timeout_s: float) -> bytes:
        status, body = ask_gateway(method, path, timeout_s)
        if status == HTTPStatus.NOT_FOUND:
            raise _not_configured(method, robot)
        if status != HTTPStatus.OK:
            raise _failed(502, "robot-gateway-failed", method, f"it answered {status}: {_reason(body)}")
        return body

    def connections() -> dict[str, dict[str, bool]]:
        """Which robots the gateway is connected to, by name and target; nothing when it does not say."""
        try:
            _, body = ask_gateway("GET", "/readyz", _STATE_TIMEOUT_S)  # 503 says so too
            return _Readiness.model_validate_json(body).robots
        except (Problem, ValidationError):
            return {}

    def listed(robot: str, connected: dict[str, bool]) -> ListedRobot:
        catalogue = load_catalogue(robot)
        return ListedRobot(
            name=robot,
            title=catalogue.title,
            doc=catalogue.doc,
            targets={
                target: ListedTarget(
                    configured=context.settings.reaches(robot, target), connected=connected.get(target)
                )
                for target in ("simulate", "robot")
            },
            documentation=f"/v1/robots/{robot}/documentation",
        )

    def end_all(robot: str, noted: Event) -> int | None:
        """End what was accepted until now and is still generated or queued; how many of the latter there were."""
        asked = time.monotonic()
        while (ago_s := time.monotonic() - asked) < _NOTE_FOR_S:
            try:
                stopped_ms = context.store.stop_robot(robot, ago_s)  # what is accepted while the note waits may act
                noted.set()
                return context.store.dismiss(robot, stopped_ms)
            except StoreUnavailable as error:
                log.error("emergency stop not noted yet; until it is, only the gateway keeps it", reason=str(error))
            gevent.sleep(_NOTE_RETRY_S)
        return None

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
        noted = Event()
        ending = gevent.spawn(end_all, known(robot), noted)
        report = json.loads(ask_of_robot("POST", robot, f"/v1/robots/{robot}/stop", _STOP_TIMEOUT_S))
        if noted.wait(_NOTE_TIMEOUT_S):
            ending.join(_DISMISS_TIMEOUT_S)
        return _json(json.dumps(report | {"dismissed": ending.value}))

    @blueprint.get("/v1/robots/<robot>")
    @describes(
        Operation(
            summary="State of a robot: connected, what it does, who waits for it, what it lacks of its catalogue",
            answers={200: RobotReport},
            problems=(404, 502, 504),
        ),
    )
    def state(robot: str) -> Response:
        return _json(ask_of_robot("GET", known(robot), f"/v1/robots/{robot}", _STATE_TIMEOUT_S))

    @blueprint.get("/v1/robots")
    @describes(Operation(summary="All robots that are known, and which of them are reached", answers={200: RobotList}))
    def every() -> Response:
        connected = connections()
        robots = [listed(robot, connected.get(robot, {})) for robot in sorted(context.robots)]
        return _json(RobotList(robots=robots).model_dump_json())

    @blueprint.get("/v1/robots/<robot>/documentation")
    @describes(
        Operation(
            summary="All that a robot may be called to do, and within which limits",
            answers={200: _PAGE},
            problems=(404,),
        )
    )
    def documentation(robot: str) -> Response:
        return Response(document(load_catalogue(known(robot))), content_type="text/markdown; charset=utf-8")

    return blueprint


def _json(body: str | bytes) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"}, content_type="application/json")


def not_configured(robot: str) -> str:
    """That a robot has no address, and how it gets one."""
    example = json.dumps({robot: {"simulator_url": "tcp://ADDRESS:PORT"}})
    return (
        f"The {load_catalogue(robot).title} ({robot}) is known, but the robot gateway has no address of one. Set "
        f'MORE_ROBOTS={example}, or "robot_url" for a real one, for gateway and router alike, and start both again; '
        f"scripts/quickstart --robot {robot} does that by itself."
    )


def _not_configured(method: str, robot: str) -> Problem:
    warning = " Nothing was stopped by this request." if method == "POST" else ""
    return Problem(404, "robot-not-connected", not_configured(robot) + warning)


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
