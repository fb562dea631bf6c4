"""The connection to a robot: who it lets in, what comes and goes, what begins after it was stopped."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from doorkeeper import Doorkeeper
from gateway_client import Gateway, gateway, play
from scripted_robot import NAO, ScriptedRobot, Walk, services_of

from services.robot.inspection import count_parameters

PASSWORD = "geheim ünd läng"
CERTIFICATE = Path(__file__).parents[1] / "router" / "localhost.pem"


def plain_nao(walk: Walk, port: int = 0) -> ScriptedRobot:
    """A robot with everything that the catalogue knows, and a real one: it has no clock of its own."""
    return ScriptedRobot(
        services_of(NAO), {"ALMotion.getRobotPosition": lambda _: [0.0, 0.0, 0.0], **walk.answers}, port
    )


async def trouble(robots: Gateway) -> str:
    """Why the real robot is not connected, once that is known."""
    while not (words := (await robots.report())["targets"]["robot"]["trouble"]):  # noqa: ASYNC110 (another process)
        await asyncio.sleep(0.01)
    return str(words)


@pytest.mark.parametrize("encrypted", [False, True], ids=["tcp", "tcps"])
def test_a_robot_that_asks_for_a_password_is_shown_it(tmp_path: Path, encrypted: bool) -> None:
    tls = None
    if encrypted:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
    file = tmp_path / "password.txt"
    file.write_text("not yet right\n")

    async def scenario() -> None:
        with plain_nao(Walk()) as robot, Doorkeeper(robot.url, "nao", PASSWORD, tls) as door:
            settings = {"robot_url": door.url, "robot_password_file": file, "simulator_url": ""}
            async with gateway(**settings, ready=False) as robots:
                words = await trouble(robots)
                assert "check the user 'nao' and the password in" in words
                assert "not yet right" not in words
                assert robot.calls == []
                file.write_text(f"{PASSWORD}\n")  # it is read anew for each connection
                await robots.wait_ready()
                final = (await robots.run('ALTextToSpeech.say("Hello")', target="robot"))[-1]
                assert final == {"type": "done"}

    play(scenario())


def test_a_robot_that_asks_is_named_when_no_password_is_set() -> None:
    async def scenario() -> None:
        with plain_nao(Walk()) as robot, Doorkeeper(robot.url, "nao", PASSWORD) as door:
            async with gateway(robot_url=door.url, simulator_url="", ready=False) as robots:
                assert "set ROBOT_USER and ROBOT_PASSWORD_FILE" in await trouble(robots)

    play(scenario())


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        with plain_nao(Walk()) as robot:
            settings = {"robot_url": robot.url, "robot_password_file": tmp_path / "missing", "simulator_url": ""}
            async with gateway(**settings, ready=False) as robots:
                assert "missing" in await trouble(robots)

    play(scenario())


def test_a_robot_that_cannot_be_stopped_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.robot.execution.CONNECT_WAIT_S", 0.2)
    services = services_of(NAO)
    del services["ALMotion"]["stopMove"]

    async def scenario() -> None:
        with ScriptedRobot(services, {}) as robot:
            async with gateway(robot_url=robot.url, simulator_url="", ready=False) as robots:
                assert "does not hear ALMotion.stopMove" in await trouble(robots)
                assert (await robots.run('ALTextToSpeech.say("Hello")', target="robot"))[-1]["code"] == (
                    "robot.unreachable"
                )

    play(scenario())


def test_services_that_come_and_go_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a robot that boots, whose own programs start one after the other, or one of whose programs crashes."""
    monkeypatch.setattr("services.robot.bridge.HEARTBEAT_S", 0.05)
    services = services_of(NAO)

    async def scenario() -> None:
        with plain_nao(Walk()) as robot:
            async with gateway(robot_url=robot.url, simulator_url="") as robots:

                async def lacks_leds(expected: bool) -> None:
                    while True:
                        lacks = (await robots.report())["targets"]["robot"]["lacks"]["methods"]
                        if any(method.startswith("ALLeds.") for method in lacks) == expected:
                            return
                        await asyncio.sleep(0.01)

                assert (await robots.run("ALLeds.on('FaceLeds')", target="robot"))[-1]["type"] == "done"
                robot.take_away("ALLeds")
                await lacks_leds(True)
                final = (await robots.run("ALLeds.on('FaceLeds')", behavior="b2", target="robot"))[-1]
                assert final["code"] == "call.unavailable"
                robot.bring("ALLeds", services["ALLeds"])
                await lacks_leds(False)
                assert (await robots.run("ALLeds.on('FaceLeds')", behavior="b3", target="robot"))[-1]["type"] == "done"

    play(scenario())


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_a_walk_that_begins_only_after_the_stop_is_stopped_again(how: str) -> None:
    """qi hands calls to threads, and one that was sent first may begin last."""
    walk = Walk(begins_after_s=0.15)

    async def scenario() -> None:
        with plain_nao(walk) as robot:
            async with gateway(robot_url=robot.url, simulator_url="") as robots:
                behavior = await robots.open(target="robot")
                await behavior.send("ALMotion.moveTo(1.0, 0.0, 0.0)")
                while "ALMotion.moveTo" not in robot.calls:  # noqa: ASYNC110 (another thread)
                    await asyncio.sleep(0.001)
                if how == "stop":
                    assert (await robots.stop())["stopped"] == ["b1"]
                else:
                    await behavior.cancel()
                await behavior.rest()
                await asyncio.sleep(0.2)
                assert not walk.walking

    play(scenario())


@pytest.mark.parametrize(
    ("signature", "count"),
    [
        ("()", 0),
        ("(s)", 1),
        ("(fff)", 3),
        ("(mmfb)", 4),
        ("(s[f]{sm})", 3),
        ("((ss)<Pair,first,second>i)", 2),
        ("([(s[i])<Named,name,numbers>]+i)", 2),
    ],
)
def test_parameters_are_counted(signature: str, count: int) -> None:
    assert count_parameters(signature) == count
