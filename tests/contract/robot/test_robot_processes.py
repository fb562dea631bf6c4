"""The two processes as they are started in earnest."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from aiohttp import ClientSession
from gateway_client import Conversation, gateway, play

from services.robot.simulator.server import SimulatedNao

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a module as a process with settings; what still runs after the test is killed."""
    with ExitStack() as stack:

        def start(module: str, **settings: object) -> subprocess.Popen[str]:
            environment = os.environ | {name.upper(): str(value) for name, value in settings.items()}
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                env=environment,
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield start


def logged(process: subprocess.Popen[str], event: str) -> dict[str, str]:
    """Wait for a line of the log."""
    assert process.stderr is not None
    for line in process.stderr:
        entry = json.loads(line)
        if entry["event"] == event:
            return dict(entry)
    raise AssertionError(f"ended with {process.wait()} before {event!r}")


def test_they_find_each_other_and_stop_cleanly(start: Start) -> None:
    nao = start("services.robot.simulator", nao_port=0)
    url = logged(nao, "listening")["url"]
    robots = start("services.robot", gateway_port=0, simulator_url=url)
    address = logged(robots, "listening")["url"]
    logged(robots, "robot connected")
    with urllib.request.urlopen(f"{address}/readyz", timeout=5) as response:
        assert json.load(response) == {"ready": True, "robots": {"nao": {"simulate": True}}}
    for process in (robots, nao):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_gateway_that_is_told_to_stop_stops_the_robot_first(start: Start, nao: SimulatedNao) -> None:
    robots = start("services.robot", gateway_port=0, simulator_url=nao.url)
    address = logged(robots, "listening")["url"]
    logged(robots, "robot connected")

    async def scenario() -> None:
        async with ClientSession() as http, http.ws_connect(f"{address}/v1/execute") as socket:
            behavior = Conversation(socket)
            await socket.send_json({"type": "begin", "behavior": "b1", "robot": "nao", "target": "simulate"})
            await behavior.send("ALMotion.move(0.05, 0.0, 0.0)", "ALMotion.angleInterpolation('HeadYaw', 1, 60, True)")
            assert (await behavior.message())["type"] == "accepted"
            assert (await behavior.message())["method"] == "move"
            robots.terminate()
            final = (await behavior.rest())[-1]
            assert final["code"] == "robot.unreachable"
            assert "was shut down" in final["message"]

    play(scenario())
    assert robots.wait(timeout=5) == 0
    with nao.nao.lock:
        assert not nao.nao.motion.walking()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "cut off"])
def test_a_robot_that_dies_or_falls_silent_fails_the_behaviour(
    start: Start, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """A stopped process keeps its connections open, as a pulled network cable does: only the heartbeat tells."""
    monkeypatch.setattr("services.robot.bridge.HEARTBEAT_S", 0.1)
    monkeypatch.setattr("services.robot.bridge.HEARTBEAT_TIMEOUT_S", 1.5)
    nao = start("services.robot.simulator", nao_port=0, nao_speed=1.0)
    url = logged(nao, "listening")["url"]

    async def scenario() -> None:
        async with gateway(url) as robots:
            behavior = await robots.open()
            await behavior.send("ALMotion.moveTo(3.0, 0.0, 0.0)")
            await robots.until(walking=True)
            nao.send_signal(how)
            final = (await behavior.rest())[-1]
            assert (final["code"], final["line"]) == ("robot.unreachable", 1)
            assert url in final["message"]
            await robots.wait_ready(False)

    play(scenario())


@pytest.mark.parametrize(
    ("module", "setting"),
    [
        ("services.robot.simulator", "nao_port"),
        ("services.robot.simulator.porter", "porter_port"),
        ("services.robot", "gateway_port"),
    ],
)
def test_a_taken_port_is_one_clear_sentence(start: Start, module: str, setting: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        _, errors = (process := start(module, **{setting: port, "simulator_url": ""})).communicate(timeout=20)
    assert process.returncode == 1
    sentence = [line for line in errors.splitlines() if not line.startswith("{")]
    assert len(sentence) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in sentence[0]
    assert setting.upper() in sentence[0]


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        ("services.robot.simulator", {"nao_speed": "fast"}),
        ("services.robot.simulator", {"nao_speed": 0}),
        ("services.robot.simulator.porter", {"porter_speed": 0}),
        ("services.robot", {"gateway_port": 70000}),
    ],
)
def test_wrong_settings_are_named(start: Start, module: str, settings: dict[str, object]) -> None:
    process = start(module, **settings)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    (name, value), *_ = settings.items()
    assert f" does not start: {name.upper()}={value} is not valid: " in errors
    assert "Traceback" not in errors
