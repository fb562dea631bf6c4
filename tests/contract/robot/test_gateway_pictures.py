"""What the gateway tells of a simulated robot's motion, and what it makes of a fall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gateway_client import gateway, play

from services.behavior.sequence import Sequence
from services.robot.simulator.server import SimulatedNao

TIP = 'ALMotion.angleInterpolation("LHipPitch", -1.2, 2.0, True)'


def test_the_recording_of_a_behaviour_comes_before_its_end(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            conversation = await robots.open()
            await conversation.send(
                'ALMotion.angleInterpolation("HeadYaw", 1.0, 1.0, True)',
                'ALTextToSpeech.say("Hello")',
                "ALMotion.moveTo(0.2, 0.0, 0.0)",
            )
            assert (await conversation.rest())[-1] == {"type": "done"}
            recording = conversation.recording
            assert recording is not None
            end = recording.at(recording.seconds)
            assert end.angles["HeadYaw"] == pytest.approx(1.0, abs=0.01)
            assert end.x == pytest.approx(0.2, abs=0.01)
            assert [said.text for said in recording.spoken] == ["Hello"]
            assert [(item.name, item.x, item.y) for item in recording.items] == [("red ball", 600, 100)]
            # The next one begins anew, at its own place.
            following = await robots.open("b2")
            await following.send('ALTextToSpeech.say("Again")')
            await following.rest()
            assert following.recording is not None
            assert [said.text for said in following.recording.spoken] == ["Again"]
            assert following.recording.at(0.0).x == 0.0

    play(scenario())


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets through what would make the robot fall: the checks of a call after others look away."""
    monkeypatch.setattr(Sequence, "take", lambda *_: None)


def test_a_call_that_makes_the_robot_fall_fails_the_behaviour_and_names_it(nao: SimulatedNao, unchecked: None) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            conversation = await robots.open()
            await conversation.send('ALTextToSpeech.say("Watch me")', TIP, 'ALTextToSpeech.say("never")')
            final = (await conversation.rest())[-1]
            assert final == {
                "type": "failed",
                "code": "robot.fell",
                "message": "the robot fell, because its centre of mass left the support of its feet",
                "line": 2,
                "statement": TIP,
                "suggestion": None,
            }
            assert conversation.recording is not None
            assert conversation.recording.fallen is not None
            await robots.until(fallen=True, posture="LyingBelly")
            # It is on its feet again for the next.
            assert (await robots.run("ALMotion.moveTo(0.1, 0.0, 0.0)", behavior="next"))[-1] == {"type": "done"}

    play(scenario())


@pytest.mark.parametrize(
    "statements",
    [
        ['ALMotion.setAngles("LHipPitch", -1.2, 0.1)'],  # it falls when the program is over
        [TIP.replace("angleInterpolation", "setAngles").replace("2.0, True", "0.9"), 'ALTextToSpeech.say("I fell")'],
        ['ALRobotPosture.goToPosture("Sit", 1.0)', "ALMotion.moveTo(0.2, 0.0, 0.0)"],
    ],
    ids=["after the program", "without a call that fails", "walking while sitting"],
)
def test_whatever_its_calls_answered_a_robot_that_fell_has_failed(
    nao: SimulatedNao, unchecked: None, statements: list[str]
) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            final: dict[str, Any] = (await robots.run(*statements))[-1]
            assert (final["type"], final["code"]) == ("failed", "robot.fell")
            assert final["message"].startswith("the robot fell, because ")

    play(scenario())


def test_what_was_done_before_a_cancellation_is_told_too(switch_on: Callable[..., SimulatedNao]) -> None:
    async def scenario() -> None:
        async with gateway(switch_on(speed=1.0).url) as robots:
            conversation = await robots.open()
            await conversation.send("ALMotion.moveTo(2.0, 0.0, 0.0)")
            await robots.until(walking=True)
            await conversation.cancel()
            assert (await conversation.rest())[-1] == {"type": "cancelled", "still": True}
            assert conversation.recording is not None
            assert conversation.recording.seconds < 10.0

    play(scenario())


def test_a_behaviour_that_never_had_the_robot_has_no_recording(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            running = await robots.open("running", robot="nao")
            waiting = await robots.open("waiting")
            await robots.until(behavior="running")
            await waiting.cancel()
            assert (await waiting.rest()) == [{"type": "cancelled", "still": True}]
            assert waiting.recording is None
            await running.cancel()
            await running.rest()

    play(scenario())
