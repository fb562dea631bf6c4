"""The gateway's HTTP and WebSocket surface."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import structlog
from aiohttp import WSMsgType, web
from pydantic import ValidationError

from services.behavior.schema import RobotReport
from services.robot.errors import BehaviorFailed
from services.robot.execution import DROPPED, Execution
from services.robot.fleet import Fleet, Kind
from services.robot.protocol import (
    CANCELLED,
    MAX_MESSAGE_BYTES,
    STOPPED,
    Begin,
    Cancel,
    End,
    StatementMessage,
    Target,
    failed_message,
    parse,
)
from services.robot.robot import Robot
from services.robot.settings import GatewaySettings

BEGIN_TIMEOUT_S = 10.0
WEBSOCKET_HEARTBEAT_S = 10.0
REMEMBERED_BEHAVIORS = 100_000

log = structlog.get_logger(__name__)


class Gateway:
    """The robots that this process serves and the behaviours that it has begun."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._fleet = Fleet(settings)
        self._begun: OrderedDict[str, None] = OrderedDict()
        self._executions: dict[str, Execution] = {}
        self._stopped_at: dict[str, float] = {}

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """aiohttp's clean-up context: the robots are connected while the application runs."""
        async with self._fleet.run():
            yield

    async def shut_down(self, app: web.Application) -> None:
        """End all behaviours while their sockets are still there to be told, and still the robots."""
        final = failed_message("robot.unreachable", "the robot gateway was shut down")
        await asyncio.gather(*(robot.stop_all(final) for robot in self._fleet.robots))

    # --- routes ------------------------------------------------------------------------------------------------------

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        ready = self._fleet.ready
        connected = {
            name: {target: robot.bridge.connected for target, robot in kind.targets.items()}
            for name, kind in self._fleet.kinds.items()
        }
        return web.json_response({"ready": ready, "robots": connected}, status=200 if ready else 503)

    async def narrowings(self, request: web.Request) -> web.Response:
        """What each connected robot lacks of its catalogue, for the worker's checks."""
        lacks = {
            name: {target: robot.lacks.model_dump() for target, robot in kind.targets.items()}
            for name, kind in self._fleet.kinds.items()
        }
        return web.json_response(lacks)

    async def state(self, request: web.Request) -> web.Response:
        name, targets = self._requested(request)
        states = await asyncio.gather(*(robot.state() for robot in targets.values()))
        report = RobotReport(robot=name, targets=dict(zip(targets, states, strict=True)))
        return web.json_response(text=report.model_dump_json())

    async def stop(self, request: web.Request) -> web.Response:
        """Emergency stop: end every behaviour of this robot, running or in line, and still it."""
        name, targets = self._requested(request)
        began = time.perf_counter()
        # The store knows too, unless it is away: then this keeps what was accepted before from acting.
        self._stopped_at[name] = time.monotonic()
        results = await asyncio.gather(*(robot.stop_all(STOPPED) for robot in targets.values()))
        answer = {
            "robot": name,
            "stopped": [behavior for stopped, _ in results for behavior in stopped],
            "unreachable": [target for target, (_, heard) in zip(targets, results, strict=True) if not heard],
            "took_ms": round((time.perf_counter() - began) * 1000, 1),
        }
        log.warning("emergency stop", **answer)
        return web.json_response(answer)

    async def execute(self, request: web.Request) -> web.StreamResponse:
        """Execute one behaviour: see ``protocol``."""
        if "Origin" in request.headers:
            # A worker sends none. A browser always does, also on behalf of a foreign page that found this address.
            raise web.HTTPForbidden(text="browsers may not drive a robot\n")
        socket = web.WebSocketResponse(
            heartbeat=WEBSOCKET_HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=2.0
        )
        try:
            await socket.prepare(request)
        except ConnectionError:  # it left again before it was answered
            return web.Response(status=503)
        try:
            begin = parse(await asyncio.wait_for(socket.receive_str(), BEGIN_TIMEOUT_S))
            if not isinstance(begin, Begin):
                raise TypeError("the first message must be a begin")
            if time.monotonic() - begin.age_s <= self._stopped_at.get(begin.robot, -math.inf):
                await socket.send_json(STOPPED)
                await socket.close()
                return socket
            kind, robot = await self._admit(begin)
        except (ValidationError, TypeError, TimeoutError) as error:
            await self._refuse(socket, "robot.protocol", f"no valid begin message: {_reason(error)}")
        except BehaviorFailed as refusal:
            await self._refuse(socket, refusal.code, refusal.message)
        else:
            await self._converse(socket, begin, kind, robot)
        return socket

    # --- one behaviour -----------------------------------------------------------------------------------------------

    async def _admit(self, begin: Begin) -> tuple[Kind, Robot]:
        kind, robot = self._fleet.find(begin.robot, begin.target)
        former = self._executions.get(begin.behavior)
        if former is not None and former.attempt < begin.attempt and not former.acted:
            # Its worker froze, and the store has given the behaviour to another, before anything moved.
            await asyncio.wait({former.end(DROPPED)})
            # Of two later attempts that waited for its end, the first to go on has taken its place.
            if former.may_be_retried and self._executions.get(begin.behavior) is former:
                self._begun.pop(begin.behavior, None)
        if begin.behavior in self._begun:
            raise BehaviorFailed("robot.duplicate", f"behaviour {begin.behavior} was begun before and never runs twice")
        self._begun[begin.behavior] = None
        if len(self._begun) > REMEMBERED_BEHAVIORS:
            self._begun.popitem(last=False)
        return kind, robot

    async def _converse(self, socket: web.WebSocketResponse, begin: Begin, kind: Kind, robot: Robot) -> None:
        async def send(message: dict[str, Any]) -> None:
            with contextlib.suppress(ConnectionError):  # the reading side sees the drop and ends the behaviour
                await socket.send_json(message)

        execution = Execution(begin, robot, kind.sandbox, kind.types, self._settings, send)
        self._executions[begin.behavior] = execution
        listener = asyncio.create_task(self._listen(socket, execution))
        try:
            await asyncio.wait({listener, execution.ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await asyncio.wait({execution.end(DROPPED)})
            if self._executions[begin.behavior] is execution:  # no later attempt has taken its place
                del self._executions[begin.behavior]
                if execution.may_be_retried:
                    self._begun.pop(begin.behavior, None)
            # While another task still reads, aiohttp hangs up without waiting for the worker's farewell, and what was
            # said last may then be lost on its way.
            listener.cancel()
            await asyncio.wait({listener})
            await socket.close()
        for task in (execution.ended, listener):
            if not task.cancelled():
                with contextlib.suppress(ConnectionError):  # the worker left
                    task.result()  # a defect of ours must not pass in silence

    async def _listen(self, socket: web.WebSocketResponse, execution: Execution) -> None:
        """Pass the worker's messages on until the socket closes."""
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                return
            try:
                content = parse(message.data)
            except ValidationError as error:
                execution.end(failed_message("robot.protocol", f"not a message of this protocol: {_reason(error)}"))
                continue
            match content:
                case StatementMessage():
                    execution.feed(content)
                case End():
                    execution.complete()
                case Cancel():
                    execution.end(CANCELLED)
                case Begin():
                    execution.end(failed_message("robot.protocol", "a socket executes one behaviour; open another"))

    async def _refuse(self, socket: web.WebSocketResponse, code: str, message: str) -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send_json(failed_message(code, message))
        await socket.close()

    def _requested(self, request: web.Request) -> tuple[str, dict[Target, Robot]]:
        name = request.match_info["robot"]
        kind = self._fleet.kinds.get(name)
        if kind is None:
            reason = {"detail": f"there is no robot {name!r} here; robots: {', '.join(self._fleet.kinds)}"}
            raise web.HTTPNotFound(text=json.dumps(reason), content_type="application/json")
        return name, kind.targets


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}"
    return str(error) or "none came in time"


def create_app(settings: GatewaySettings) -> web.Application:
    """Build the gateway. It serves a robot's motion to whoever can reach it, so it belongs on a private network."""
    gateway = Gateway(settings)
    app = web.Application()
    app.cleanup_ctx.append(gateway.run)
    app.on_shutdown.append(gateway.shut_down)
    app.router.add_get("/healthz", gateway.healthz)
    app.router.add_get("/readyz", gateway.readyz)
    app.router.add_get("/v1/execute", gateway.execute)
    app.router.add_get("/v1/narrowings", gateway.narrowings)
    app.router.add_get("/v1/robots/{robot}", gateway.state)
    app.router.add_post("/v1/robots/{robot}/stop", gateway.stop)
    return app
