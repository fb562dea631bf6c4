"""Programs through the real gateway and the real sandbox to a robot that is no NAO."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gateway_client import gateway, play

from services.robot.simulator.porter.server import SimulatedPorter


@pytest.fixture
def porter() -> Iterator[SimulatedPorter]:
    with SimulatedPorter(speed=20.0) as robot:
        yield robot


def house(porter: SimulatedPorter) -> dict[str, Any]:
    with porter.porter.lock:
        return porter.porter.snapshot()


def settings(porter: SimulatedPorter) -> dict[str, Any]:
    return {"simulator_url": "", "more_robots": json.dumps({"porter": {"simulator_url": porter.url}})}


def test_it_fetches_and_carries(porter: SimulatedPorter) -> None:
    async def scenario() -> None:
        async with gateway(**settings(porter)) as robots:
            accepted, *actions, final = await robots.run(
                'robot.go_to("kitchen")',
                'if robot.is_in_room("mug"):\n    robot.pick("mug")',
                'answer = robot.ask("Anna", "Where shall I take it?", ["office", "bedroom"])',
                "robot.go_to(answer)",
                'robot.place("mug")',
                'robot.say("I am in the " + robot.get_current_location())',
                robot="porter",
            )
            assert (accepted, final) == ({"type": "accepted"}, {"type": "done"})
            calls = [(action["method"], action["args"], action["result"]) for action in actions]
            assert calls == [
                ("go_to", ["kitchen"], None),
                ("is_in_room", ["mug"], True),
                ("pick", ["mug"], None),
                ("ask", ["Anna", "Where shall I take it?", ["office", "bedroom"]], "office"),
                ("go_to", ["office"], None),
                ("place", ["mug"], None),
                ("get_current_location", [], "office"),
                ("say", ["I am in the office"], None),
            ]
            assert actions[0]["took_s"] >= 9.5  # five metres at half a metre per second
            assert house(porter)["things"]["office"] == ["keys", "mug"]

    play(scenario())


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        (['robot.pick("mug")'], "robot.error", "no mug in the lobby"),
        (['robot.go_to("cellar")'], "call.enum", "room cannot be 'cellar'"),
        (["robot.drive(1.0)"], "program.type", "no attribute `drive`"),
        (["ALMotion.moveTo(0.1, 0.0, 0.0)"], "program.type", "`ALMotion` used when not defined"),
        (['robot.say(robot.is_in_room("mug"))'], "program.type", "Expected `str`"),
    ],
)
def test_what_it_cannot_do_fails(porter: SimulatedPorter, program: list[str], code: str, words: str) -> None:
    async def scenario() -> None:
        async with gateway(**settings(porter)) as robots:
            final = (await robots.run(*program, robot="porter"))[-1]
            assert final["code"] == code
            assert words in final["message"]

    play(scenario())


def test_positions_move_as_it_drives(porter: SimulatedPorter) -> None:
    async def scenario() -> None:
        async with gateway(**settings(porter)) as robots:
            *actions, final = await robots.run(
                'before = scene.distance("Anna")',
                'robot.go_to("hallway")',
                'robot.say(str(round(before, 1)) + " " + str(round(scene.distance("Anna"), 1)))',
                robot="porter",
                scene={"people": [{"name": "Anna", "position": [5.0, 0.0, 0.0]}]},
            )
            assert final == {"type": "done"}
            assert actions[-1]["args"] == ["5.0 1.0"]

    play(scenario())


def test_an_emergency_stop_stops_its_drive(porter: SimulatedPorter) -> None:
    async def scenario() -> None:
        async with gateway(**settings(porter)) as robots:
            behavior = await robots.open(robot="porter")
            await behavior.send('robot.go_to("office")')
            while not house(porter)["walking"]:  # noqa: ASYNC110 (another thread)
                await asyncio.sleep(0.005)
            response = await robots.http.post("/v1/robots/porter/stop")
            assert (await response.json())["stopped"] == ["b1"]
            assert (await behavior.rest())[-1] == {"type": "stopped"}
            assert not house(porter)["walking"]
            assert house(porter)["pose"]["x"] < 12.0

    play(scenario())


def test_two_robots_act_at_the_same_time(porter: SimulatedPorter, nao: Any) -> None:
    async def scenario() -> None:
        async with gateway(**settings(porter) | {"simulator_url": nao.url}) as robots:
            drive = robots.run('robot.go_to("kitchen")', behavior="drive", robot="porter")
            walk = robots.run("ALMotion.moveTo(0.3, 0.0, 0.0)", behavior="walk")
            for messages in await asyncio.gather(drive, walk):
                assert messages[-1] == {"type": "done"}

    play(scenario())
