"""Drives a real gateway the way the worker does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from services.picture.recording import Recording
from services.robot.app import create_app
from services.robot.qi_session import new_session
from services.robot.settings import GatewaySettings

Messages = list[dict[str, Any]]
SCENE = {"objects": [{"name": "red ball", "position": [0.6, 0.1, 0.0], "passable": True}]}


def play(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario on a loop of its own; it must end well within the test's time-out."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(bounded())


@asynccontextmanager
async def gateway(simulator_url: str, *, ready: bool = True, **settings: Any) -> AsyncIterator[Gateway]:
    app = create_app(GatewaySettings(simulator_url=simulator_url, **settings))
    async with TestClient(TestServer(app)) as http:
        opened = Gateway(http, simulator_url)
        if ready:
            await opened.wait_ready()
        yield opened
        opened.close()


class Gateway:
    """A running gateway, and a look of one's own at the simulated robot."""

    def __init__(self, http: TestClient[Any, Any], simulator_url: str) -> None:
        self.http = http
        self._url = simulator_url
        self._look = new_session()

    def close(self) -> None:
        self._look.close()

    async def wait_ready(self, ready: bool = True) -> None:
        while (await self.http.get("/readyz")).status != (200 if ready else 503):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.01)

    async def until(self, **expected: Any) -> dict[str, Any]:
        """Wait until the robot's state says so, and return it."""
        while (state := await self.state()) | expected != state:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.01)
        return state

    async def open(self, behavior: str = "b1", **fields: Any) -> Conversation:
        socket = await self.http.ws_connect("/v1/execute")
        begin = {"type": "begin", "behavior": behavior, "robot": "nao", "target": "simulate", "scene": SCENE}
        await socket.send_json(begin | fields)
        return Conversation(socket)

    async def run(self, *statements: str, behavior: str = "b1", **fields: Any) -> Messages:
        """Execute a whole program and return everything that the gateway said."""
        conversation = await self.open(behavior, **fields)
        await conversation.send(*statements)
        return await conversation.rest()

    async def report(self) -> dict[str, Any]:
        """What the gateway says of the robot."""
        return dict(await (await self.http.get("/v1/robots/nao")).json())

    async def state(self) -> dict[str, Any]:
        """What the gateway says of the simulated robot, and what that shows of itself."""
        return (await self.report())["targets"]["simulate"] | await asyncio.to_thread(self._snapshot)

    def _snapshot(self) -> dict[str, Any]:
        try:
            if not self._look.isConnected():
                self._look.connect(self._url)
            return dict(json.loads(self._look.service("SimulatedState").snapshot()))
        except RuntimeError:
            return {}

    async def calls(self) -> list[str]:
        """Which methods the robot itself saw called, without those by which the gateway reads, asks or stills it."""
        own = {"stopMove", "prepare", "getRobotPosition", "moveIsActive", "killTasksUsingResources", "stopAll"}
        own |= {
            "stopAllBehaviors",
            "stopTracker",
            "getPosture",
            "robotIsWakeUp",
            "getBatteryCharge",
            "getLimits",
            "getPostureList",
        }
        own |= {"getInstalledBehaviors", "listGroups", "getAvailableLanguages", "subscriber"}
        calls = (await self.state())["calls"]
        return [f"{call['service']}.{call['method']}" for call in calls if call["method"] not in own]

    async def stop(self) -> dict[str, Any]:
        response = await self.http.post("/v1/robots/nao/stop")
        assert response.status == 200
        return dict(await response.json())


class Conversation:
    """One WebSocket to the gateway."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.recording: Recording | None = None
        self._lines = 0

    async def send(self, *statements: str, end: bool = True) -> None:
        for source in statements:
            self._lines += 1
            await self.socket.send_json({"type": "statement", "line": self._lines, "source": source})
        if end:
            await self.socket.send_json({"type": "end"})

    async def cancel(self) -> None:
        await self.socket.send_json({"type": "cancel"})

    async def message(self) -> dict[str, Any]:
        """The next message, but for those that say that a call goes out."""
        message = dict(await self.socket.receive_json())
        return message if message["type"] != "begun" else await self.message()

    async def begun(self, method: str) -> None:
        """Return once a call goes out to the robot; the messages until then are lost."""
        while (message := await self.socket.receive_json())["type"] != "begun" or message["method"] != method:
            pass

    async def rest(self) -> Messages:
        """Everything up to the close that the gateway makes.

        But for those that say that a call goes out, and the recording, which is kept in ``recording``.
        """
        messages = [json.loads(message.data) async for message in self.socket if message.type is WSMsgType.TEXT]
        assert self.socket.closed
        if len(messages) > 1 and messages[-2]["type"] == "recording":
            self.recording = Recording.unpacked(messages.pop(-2)["recording"])
        return [message for message in messages if message["type"] != "begun"]
