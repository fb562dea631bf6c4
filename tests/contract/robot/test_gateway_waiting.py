"""Waiting on the way through gateway, sandbox and qi: it lets the robot's time pass, and nothing waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from gateway_client import gateway, play

from services.robot.simulator.porter.server import SimulatedPorter
from services.robot.simulator.server import SimulatedNao

STROLL, STOP = "ALMotion.move(0.05, 0.0, 0.0)", "ALMotion.stopMove()"
SOON_S = 5.0  # far less than what a program waits here, and more than a busy machine needs


@pytest.mark.parametrize("mode", ["atomic", "stream"])
def test_a_robot_walks_while_its_program_waits(nao: SimulatedNao, mode: str) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            began = time.monotonic()
            _, *actions, final = await robots.run(STROLL, "time.sleep(4.0)", STOP, mode=mode)
            assert final == {"type": "done"}
            assert time.monotonic() - began < 4.0  # of the robot's time, which passes twenty times as fast as ours
            assert [(a["service"], a["method"], a["args"]) for a in actions] == [
                ("ALMotion", "move", [0.05, 0.0, 0.0]),
                ("time", "sleep", [4.0]),
                ("ALMotion", "stopMove", []),
            ]
            assert actions[1]["took_s"] >= 4.0
            assert actions[2]["at_s"] >= actions[1]["at_s"] + 4.0
            walked = (await robots.state())["pose"]["x"]
            assert 0.2 - 0.001 <= walked <= 0.05 * (actions[2]["at_s"] + actions[2]["took_s"]) + 0.001
            assert "time.sleep" not in await robots.calls()

    play(scenario())


@pytest.mark.parametrize("how", ["cancel", "stop"])
def test_a_wait_ends_at_once_when_the_behaviour_does(switch_on: Callable[..., SimulatedNao], how: str) -> None:
    async def scenario() -> None:
        async with gateway(switch_on(speed=1.0).url) as robots:
            behavior = await robots.open()
            await behavior.send(STROLL, "time.sleep(30.0)", STOP)
            await behavior.begun("sleep")
            began = time.monotonic()
            if how == "cancel":
                await behavior.cancel()
            else:
                assert (await robots.stop())["stopped"] == ["b1"]
            *_, wait, final = await behavior.rest()
            assert time.monotonic() - began < SOON_S
            assert final["type"] == {"cancel": "cancelled", "stop": "stopped"}[how]
            assert (wait["method"], wait["interrupted"], wait["took_s"] < 30.0) == ("sleep", True, True)
            assert (await robots.state())["walking"] is False

    play(scenario())


def test_a_robot_that_is_lost_while_a_program_waits_fails_it(switch_on: Callable[..., SimulatedNao]) -> None:
    async def scenario() -> None:
        nao = switch_on(speed=1.0)
        async with gateway(nao.url) as robots:
            behavior = await robots.open()
            await behavior.send("time.sleep(30.0)")
            await behavior.begun("sleep")
            await asyncio.to_thread(nao.close)
            began = time.monotonic()
            *_, final = await behavior.rest()
            assert (final["type"], final["code"]) == ("failed", "robot.unreachable")
            assert time.monotonic() - began < SOON_S

    play(scenario())


def test_another_robot_waits_too() -> None:
    async def scenario() -> None:
        with SimulatedPorter(speed=20.0) as porter:
            more = f'{{"porter": {{"simulator_url": "{porter.url}"}}}}'
            async with gateway("", more_robots=more, ready=False) as robots:
                await robots.wait_ready()
                program = ["robot.say('One')", "time.sleep(2.0)", "robot.say('Two')"]
                _, *actions, final = await robots.run(*program, robot="porter")
                assert final == {"type": "done"}
                assert actions[2]["at_s"] >= actions[0]["took_s"] + 2.0

    play(scenario())
