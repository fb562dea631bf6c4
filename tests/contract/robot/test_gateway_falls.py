"""A robot that falls ends the behaviour that has it, simulated or real, whatever it was doing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import qi
from gateway_client import Gateway, gateway, play
from scripted_robot import NAO, ScriptedRobot, services_of

from services.behavior.sequence import Sequence
from services.robot.simulator.server import SimulatedNao
from services.robot.simulator.surface.sensors import Subscriber

SAY = 'ALTextToSpeech.say("I speak while I fall, and for long")'
LIFT = 'ALMotion.setAngles("LHipPitch", -1.2, 0.05)'


class RealNao:
    """A robot that speaks until it is told to stop, and tells of falls as NAOqi does."""

    def __init__(self) -> None:
        self.events: dict[str, Subscriber] = {}
        self._spoken = qi.Promise()
        answers = {
            "ALTextToSpeech.say": lambda _: self._spoken.future(),
            "ALTextToSpeech.stopAll": self._hush,
            "ALMemory.subscriber": lambda key: self.events.setdefault(key, Subscriber()),
            "ALMotion.getRobotPosition": lambda _: [0.0, 0.0, 0.0],
        }
        self.robot = ScriptedRobot(services_of(NAO), answers)

    def _hush(self) -> None:
        spoken, self._spoken = self._spoken, qi.Promise()
        spoken.setValue(None)

    async def speaking(self) -> None:
        while "ALTextToSpeech.say" not in self.robot.calls:  # noqa: ASYNC110 (another thread)
            await asyncio.sleep(0.01)

    def fall(self, value: object = True) -> None:
        self.events["robotHasFallen"].signal(value)


@pytest.fixture
def real() -> Iterator[RealNao]:
    nao = RealNao()
    with nao.robot:
        yield nao


async def speak(robots: Gateway, real: RealNao) -> tuple[dict[str, object], dict[str, object]]:
    """Fall while speaking; the last two messages."""
    real.robot.calls.clear()
    conversation = await robots.open(target="robot")
    await conversation.send("ALLeds.on('FaceLeds')", SAY, "ALLeds.off('FaceLeds')")
    await real.speaking()
    rest = asyncio.create_task(conversation.rest())
    while not rest.done():  # the gateway may be about to listen only
        real.fall()
        await asyncio.sleep(0.05)
    *_, action, final = await rest
    return action, final


def test_a_real_robot_that_falls_ends_the_behaviour(real: RealNao) -> None:
    async def scenario() -> None:
        async with gateway("", robot_url=real.robot.url) as robots:
            action, final = await speak(robots, real)
            assert final == {
                "type": "failed",
                "code": "robot.fell",
                "message": "the robot fell",
                "line": 2,
                "statement": SAY,
                "suggestion": None,
            }
            assert (action["method"], action["interrupted"]) == ("say", True)
            assert real.robot.calls[-1] != "ALLeds.off"
            assert "ALMotion.stopMove" in real.robot.calls
            # Once it stands again it can be used again.
            real.fall(False)
            assert (await robots.run("ALLeds.on('FaceLeds')", behavior="next", target="robot"))[-1] == {"type": "done"}

    play(scenario())


def test_a_fall_is_heard_of_after_the_memory_has_come_back(real: RealNao) -> None:
    async def scenario() -> None:
        async with gateway("", robot_url=real.robot.url) as robots:
            old = real.events.pop("robotHasFallen")
            real.robot.take_away("ALMemory")
            real.robot.bring("ALMemory", services_of(NAO)["ALMemory"])
            while "robotHasFallen" not in real.events:  # noqa: ASYNC110 (another thread)
                await asyncio.sleep(0.01)
            assert real.events["robotHasFallen"] is not old
            _, final = await speak(robots, real)
            assert final["code"] == "robot.fell"

    play(scenario())


def test_a_robot_that_tells_of_no_falls_can_be_used(real: RealNao) -> None:
    async def scenario() -> None:
        services = services_of(NAO)
        del services["ALMemory"]["subscriber"]
        answers = {"ALMotion.getRobotPosition": lambda _: [0.0, 0.0, 0.0]}
        with ScriptedRobot(services, answers) as robot:
            async with gateway("", robot_url=robot.url) as robots:
                assert (await robots.run("ALLeds.on('FaceLeds')", target="robot"))[-1] == {"type": "done"}

    play(scenario())


def test_a_simulated_robot_that_falls_ends_the_behaviour_in_the_same_way(
    switch_on: Callable[..., SimulatedNao], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sequence, "take", lambda *_: None)  # the checks look away

    async def scenario() -> None:
        async with gateway(switch_on(speed=2.0).url) as robots:
            *_, action, final = await robots.run(LIFT, SAY)
            assert (action["method"], action["interrupted"]) == ("say", True)
            assert (final["code"], final["line"], final["statement"]) == ("robot.fell", 2, SAY)
            assert final["message"] == "the robot fell, because its centre of mass left the support of its feet"
            assert (await robots.run("ALLeds.on('FaceLeds')", behavior="next"))[-1] == {"type": "done"}

    play(scenario())
