"""A walk at a speed goes no further than its way was checked, whatever its program waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import qi
from gateway_client import Gateway, gateway, play
from scripted_robot import NAO, ScriptedRobot, services_of

from services.behavior.ground import UNLED_S
from services.robot.simulator.server import SimulatedNao

STROLL = "ALMotion.move(0.05, 0.0, 0.0)"
SAY = 'ALTextToSpeech.say("On")'
SAY_S = 0.9  # the longest that this sentence takes, by the catalogue


def test_a_robot_does_not_walk_on_while_the_engine_is_slow(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            behavior = await robots.open()
            await behavior.send(STROLL, end=False)
            await robots.until(walking=True)
            await robots.until(walking=False, behavior="b1")
            await behavior.send('ALTextToSpeech.say("where was I")')
            assert (await behavior.rest())[-1] == {"type": "done"}

    play(scenario())


def test_several_waits_within_one_walk_are_no_longer_than_one(switch_on: Callable[..., SimulatedNao]) -> None:
    async def scenario() -> None:
        async with gateway(switch_on(speed=2.0).url) as robots:
            behavior = await robots.open()
            await behavior.send(STROLL, end=False)
            await robots.until(walking=True)
            for _ in range(12):  # an engine that takes a fifth of a second for each statement
                await asyncio.sleep(0.2)
                await behavior.send("ALLeds.on('FaceLeds')", end=False)
            walked = (await robots.state())["pose"]["x"]
            assert 0.05 * UNLED_S * 0.9 < walked < 0.05 * UNLED_S * 1.75  # 4.8 s have passed for it
            await behavior.send("ALLeds.off('FaceLeds')")
            assert (await behavior.rest())[-1] == {"type": "done"}

    play(scenario())


def test_where_a_walk_that_was_ended_can_have_come_to_is_known_afterwards(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            behavior = await robots.open(scene={"free_space": 0.5})
            await behavior.send(STROLL, end=False)
            await robots.until(walking=True)
            await robots.until(walking=False)
            await behavior.send('ALRobotPosture.goToPosture("StandInit", 0.8)', end=False)  # it walks no more
            await behavior.send("ALMotion.moveTo(0.3, 0.0, 0.0)", "ALMotion.moveTo(0.15, 0.0, 0.0)")
            final = (await behavior.rest())[-1]
            assert (final["code"], final["line"]) == ("call.space", 4)

    play(scenario())


def test_a_walk_that_a_program_left_going_does_not_end_that_of_the_next(
    switch_on: Callable[..., SimulatedNao],
) -> None:
    async def scenario() -> None:
        async with gateway(switch_on(speed=4.0).url) as robots:
            assert (await robots.run(STROLL, behavior="first"))[-1] == {"type": "done"}
            *_, walk, final = await robots.run("ALMotion.moveTo(0.5, 0.0, 0.0)", behavior="next")
            assert final == {"type": "done"}
            assert walk["took_s"] > 5.0  # half a metre at NAO's pace; it would have been stopped after 2 s

    play(scenario())


def real_nao(answers: dict[str, Callable[..., Any]]) -> ScriptedRobot:
    """A robot that answers so, on our own time."""
    return ScriptedRobot(services_of(NAO), {"ALMotion.getRobotPosition": lambda _: [0.0, 0.0, 0.0]} | answers)


async def until(robots: Gateway, test: Callable[[], bool]) -> None:
    while not test():  # noqa: ASYNC110 (another thread)
        await asyncio.sleep(0.01)


def test_a_call_that_hangs_does_not_let_the_robot_walk_on() -> None:
    spoken = qi.Promise()

    async def scenario() -> None:
        with real_nao({"ALTextToSpeech.say": lambda _: spoken.future()}) as robot:
            async with gateway("", robot_url=robot.url) as robots:
                behavior = await robots.open(target="robot")
                await behavior.send(STROLL, SAY)
                await behavior.begun("say")
                stops = robot.calls.count("ALMotion.stopMove")
                began = asyncio.get_running_loop().time()
                await until(robots, lambda: robot.calls.count("ALMotion.stopMove") > stops)
                assert asyncio.get_running_loop().time() - began == pytest.approx(UNLED_S + SAY_S, abs=1.0)
                spoken.setValue(None)
                assert (await behavior.rest())[-1] == {"type": "done"}

    play(scenario())


def test_a_walk_that_cannot_be_ended_ends_the_behaviour() -> None:
    walks = False

    def move(*_: float) -> None:
        nonlocal walks
        walks = True

    def stop() -> None:
        if walks:
            raise ValueError("the feet do not listen")

    async def scenario() -> None:
        with real_nao({"ALMotion.move": move, "ALMotion.stopMove": stop}) as robot:
            async with gateway("", robot_url=robot.url) as robots:
                behavior = await robots.open(target="robot")
                await behavior.send(STROLL, end=False)
                final = (await behavior.rest())[-1]
                assert (final["type"], final["code"]) == ("failed", "robot.error")
                assert "the feet do not listen" in final["message"]
                assert final["message"].endswith("the robot did not answer to being stopped: it may still move")

    play(scenario())


@pytest.mark.parametrize("answers", [True, False])
def test_a_cancel_says_whether_the_robot_answered_to_it(monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    monkeypatch.setattr("services.robot.robot.STOP_TIMEOUT_S", 0.2)
    arrived, walking = qi.Promise(), False

    def move_to(*_: float) -> Any:
        nonlocal walking
        walking = True
        return arrived.future()

    def stop() -> Any:
        if walking and not answers:
            return qi.Promise().future()
        if walking:
            arrived.setValue(None)
        return None

    async def scenario() -> None:
        with real_nao({"ALMotion.moveTo": move_to, "ALMotion.stopMove": stop}) as robot:
            async with gateway("", robot_url=robot.url) as robots:
                behavior = await robots.open(target="robot")
                await behavior.send("ALMotion.moveTo(1.0, 0.0, 0.0)")
                await behavior.begun("moveTo")
                await until(robots, lambda: "ALMotion.moveTo" in robot.calls)
                await behavior.cancel()
                *_, walk, final = await behavior.rest()
                assert (walk["method"], walk["interrupted"]) == ("moveTo", True)
                assert final == {"type": "cancelled", "still": answers}

    play(scenario())
