"""Runs programs as a worker would have them run: through a real gateway and sandbox, on a robot that records."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramError, ProgramReader, Refusal, Statement
from services.behavior.schema import Scene
from services.robot.app import create_app
from services.robot.settings import GatewaySettings
from tests.safety.cases import Case
from tests.safety.oracle import oracle
from tests.safety.recording_robot import RecordingRobot

ROBOTS = ("nao", "porter")


@dataclass(frozen=True)
class Outcome:
    """How a program ended: ``code`` of the finding that stopped it, or ``done``; and what the robot was told."""

    layer: str
    code: str
    message: str
    calls: list[tuple[str, list[Any]]]
    refused: bool = False

    def harm(self, robot: str) -> list[str]:
        """The calls that should never have come."""
        judge = oracle(robot)
        faults = [(call, args, judge.fault(call, args)) for call, args in self.calls]
        if self.refused:
            faults += [(call, args, "acts after a refusal") for call, args in self.calls if not judge.is_speech(call)]
        return [f"{call}({str(args)[1:-1][:200]}): {fault}" for call, args, fault in faults if fault is not None]


class Trial:
    """A gateway with a recording robot of each kind."""

    def __init__(self, http: TestClient[Any, Any], robots: dict[str, RecordingRobot]) -> None:
        self._http = http
        self._robots = robots
        self._number = 0

    async def whole(self, case: Case, mode: str = "atomic") -> Outcome:
        """The way of every program: read, and what was read is run. Atomic mode runs nothing of a faulty program."""
        statements, refused, error = read(case)
        if error is not None and (mode == "atomic" or not statements):
            return Outcome("read", error.code, error.message, [], refused)
        ran = await self.run(case.robot, case.scene, case.answers, statements, mode)
        layer, code, message = ("read", error.code, error.message) if error else (ran.layer, ran.code, ran.message)
        return Outcome(layer, code, message, ran.calls, refused)

    async def unread(self, case: Case) -> Outcome:
        """What the gateway makes of a program that no reader has seen: the second line of defence alone."""
        statements = [Statement(case.text, 1, None)] if case.text.strip() else []
        return await self.run(case.robot, case.scene, case.answers, statements, "stream")

    async def run(
        self, robot: str, scene: Scene, answers: dict[str, Any], statements: Sequence[Statement], mode: str
    ) -> Outcome:
        """Run statements on the recording robot."""
        recording = self._robots[robot]
        recording.begin(answers)
        self._number += 1
        begin = {"type": "begin", "behavior": f"trial-{self._number}", "robot": robot, "target": "simulate"}
        final: dict[str, Any] = {}
        async with self._http.ws_connect("/v1/execute", max_msg_size=2**26) as socket:
            with contextlib.suppress(ConnectionError):  # it hangs up on a statement of megabytes
                await socket.send_json({**begin, "scene": scene.model_dump(), "mode": mode})
                for statement in statements:
                    await socket.send_json({"type": "statement", "line": statement.line, "source": statement.source})
                await socket.send_json({"type": "end"})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    final = json.loads(message.data)
        if final.get("type") == "done":
            return Outcome("none", "done", "", recording.calls())
        code, message = final.get("code", "robot.protocol"), final.get("message", "hung up")
        return Outcome(_layer(code), code, message, recording.calls())


def read(case: Case) -> tuple[list[Statement], bool, ProgramError | None]:
    """The statements that a reader lets through before its first finding; whether the program refuses; the finding."""
    reader = ProgramReader(load_catalogue(case.robot), case.scene)
    statements: list[Statement] = []
    refused, error = False, None
    try:
        # In one piece and line by line the outcome is the same; so nothing that comes before a fault is lost.
        for piece in (
            [*case.text.splitlines(keepends=True)[:1000], None] if len(case.text) < 100_000 else [case.text, None]
        ):
            for item in reader.feed(piece) if piece is not None else reader.close():
                refused = refused or isinstance(item, Refusal)
                statements += [item] if isinstance(item, Statement) else []
    except ProgramError as found:
        error = found
    return statements, refused, error


def _layer(code: str) -> str:
    if code == "robot.protocol":
        return "protocol"
    return {"program": "sandbox", "call": "call", "budget": "budget"}.get(code.partition(".")[0], "robot")


@asynccontextmanager
async def trial(robots: Sequence[str] = ROBOTS) -> AsyncIterator[Trial]:
    """A gateway and its recording robots, connected."""
    async with AsyncExitStack() as stack:
        recording = {robot: stack.enter_context(RecordingRobot(oracle(robot))) for robot in robots}
        more = {name: {"simulator_url": robot.url} for name, robot in recording.items() if name != "nao"}
        settings = GatewaySettings(simulator_url=recording["nao"].url, more_robots=json.dumps(more))
        http = await stack.enter_async_context(TestClient(TestServer(create_app(settings))))
        async with asyncio.timeout(20):
            while (await http.get("/readyz")).status != 200:  # noqa: ASYNC110 (other threads connect)
                await asyncio.sleep(0.01)
        yield Trial(http, recording)
