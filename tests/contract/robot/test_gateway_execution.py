"""Programs through the real gateway, the real sandbox and real qi to the simulated robot."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError
from gateway_client import gateway, play

from services.behavior.schema import Action
from services.robot.simulator.porter.server import SimulatedPorter
from services.robot.simulator.server import SimulatedNao


def test_a_program_is_carried_out_and_traced(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            accepted, *actions, final = await robots.run(
                'ALTextToSpeech.say("Hello")',
                'x, y, z = scene.position("red ball")',
                "ALMotion.moveTo(x - 0.25, y, 0)",
                'if ALRobotPosture.getPosture() == "Stand":\n    ALLeds.fadeRGB("FaceLeds", "red", 0.5)',
                'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")',
            )
            assert accepted == {"type": "accepted"}
            assert final == {"type": "done"}
            assert {action.pop("type") for action in actions} == {"action"}
            trace = [Action.model_validate(action) for action in actions]
            assert [(action.service, action.method, action.args) for action in trace] == [
                ("ALTextToSpeech", "say", ["Hello"]),
                ("ALMotion", "moveTo", [0.35, 0.1, 0.0]),
                ("ALRobotPosture", "getPosture", []),
                ("ALLeds", "fadeRGB", ["FaceLeds", "red", 0.5]),
                ("ALAnimationPlayer", "run", ["animations/Stand/Gestures/Hey_1"]),
            ]
            assert trace[0].at_s == 0.0
            assert trace[1].took_s >= 3.7  # simulated seconds; far less of ours passed
            assert trace[2].result == "Stand"
            assert all(b.at_s >= a.at_s + a.took_s - 0.002 for a, b in itertools.pairwise(trace))
            state = await robots.state()
            assert state["pose"] == pytest.approx({"x": 0.35, "y": 0.1, "theta": 0.0}, abs=1e-3)
            assert state["speech"][-1]["text"] == "Hello"

    play(scenario())


def test_a_call_is_told_when_it_goes_out_and_when_it_has_ended(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            behavior = await robots.open()
            await behavior.send("x = 0.5", "ALMotion.moveTo(x, 0.0, 0.0)", "ALMotion.stopMove()")
            messages = [await behavior.socket.receive_json() for _ in range(7)]
            kinds = [message["type"] for message in messages]
            assert kinds == ["accepted", "begun", "action", "begun", "action", "recording", "done"]
            begun, ended = (
                Action.model_validate({key: value for key, value in message.items() if key != "type"})
                for message in messages[1:3]
            )
            assert (begun.method, begun.args, begun.at_s, begun.took_s) == ("moveTo", [0.5, 0.0, 0.0], 0.0, None)
            assert ended.model_copy(update={"took_s": None}) == begun

    play(scenario())


def test_statements_share_their_variables_and_run_as_they_come(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            behavior = await robots.open()
            assert (await behavior.message())["type"] == "accepted"
            await behavior.send('name = "Ada"', 'ALTextToSpeech.say("Hi " + name)', end=False)
            assert (await behavior.message())["args"] == ["Hi Ada"]
            await behavior.send('for word in ["a", "b"]:\n    ALTextToSpeech.say(word + name)')
            assert [m.get("args") for m in await behavior.rest()] == [["aAda"], ["bAda"], None]

    play(scenario())


def test_the_scene_moves_as_the_robot_does(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            await robots.run("ALMotion.moveTo(0.3, 0.2, 1.0)", behavior="before")
            *_, action, final = await robots.run(
                "ALMotion.moveTo(0.4, 0.0, 0.0)",
                'x, y, z = scene.position("red ball")',
                "ALMotion.moveTo(x, y, 0.0)",
                behavior="after",
            )
            assert final["type"] == "done"
            assert action["args"] == pytest.approx([0.2, 0.1, 0.0], abs=1e-5)

    play(scenario())


def test_the_simulated_robot_stands_as_the_scene_says(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            messages = await robots.run(
                "ALRobotPosture.getPosture()",
                "ALBattery.getBatteryCharge()",
                scene={"posture": "Sit", "battery": 42},
            )
            assert [m["result"] for m in messages if m["type"] == "action"] == ["Sit", 42]
            (failed,) = await robots.run("ALMotion.stopMove()", behavior="b2", scene={"posture": "Flying"})
            assert failed["code"] == "robot.error"
            assert "'Flying' is no posture" in failed["message"]

    play(scenario())


def test_motion_with_the_motors_off_fails_and_the_next_behaviour_starts_awake(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            *_, final = await robots.run("ALMotion.rest()", 'ALMotion.openHand("LHand")')
            assert (final["code"], final["line"]) == ("call.motors", 2)
            assert final["suggestion"] == "write ALMotion.wakeUp() before it"
            *_, final = await robots.run("ALMotion.moveTo(0.1, 0.0, 0.0)", behavior="b2")
            assert final["type"] == "done"

    play(scenario())


def test_calls_are_checked_after_those_before_them_with_the_values_that_they_have(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            scene = {"objects": [{"name": "box", "position": [1.0, 0.0, 0.0]}], "free_space": 1.5}
            # What a battery says is not known before it is asked.
            walk = ["far = ALBattery.getBatteryCharge() / 100", "ALMotion.moveTo(0.0, far, 0.0)"]
            *_, final = await robots.run(*walk, "ALMotion.moveTo(0.0, far, 0.0)", scene=scene)
            assert (final["code"], final["line"]) == ("call.space", 3)
            *_, final = await robots.run(walk[0], "ALMotion.moveTo(far, 0.0, 0.0)", behavior="b2", scene=scene)
            assert (final["code"], final["line"]) == ("call.obstacle", 2)
            assert await robots.calls() == ["ALMotion.moveTo"]
            *_, final = await robots.run(*walk, behavior="b3", scene=scene)
            assert final == {"type": "done"}

    play(scenario())


def test_a_walk_left_going_ends_with_the_behaviour(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            assert (await robots.run("ALMotion.move(0.05, 0.0, 0.0)"))[-1]["type"] == "done"
            assert (await robots.state())["walking"] is False

    play(scenario())


def test_behaviours_on_one_robot_take_turns(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            programs = [
                robots.run(*[f'ALTextToSpeech.say("{name} {number}")' for number in range(5)], behavior=name)
                for name in ("a", "b", "c")
            ]
            for messages in await asyncio.gather(*programs):
                assert messages[-1] == {"type": "done"}
            spoken = [sentence["text"][0] for sentence in (await robots.state())["speech"]]
            assert "".join(sorted(spoken)) == "aaaaabbbbbccccc"
            assert len([1 for a, b in itertools.pairwise(spoken) if a != b]) == 2

    play(scenario())


def test_one_that_replaces_takes_the_robot_and_those_who_wait_go_on_waiting(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            owner, waiter = await robots.open("owner"), await robots.open("waiter")
            await owner.send("ALMotion.move(0.05, 0.0, 0.0)", 'ALTextToSpeech.say("' + "word " * 70 + '")')
            await robots.until(walking=True, waiting=["waiter"])
            new = await robots.open("new", when_busy="replace")
            await new.send('ALTextToSpeech.say("new")')
            assert (await owner.rest())[-1] == {"type": "replaced", "by": "new"}
            assert [m["type"] for m in await new.rest()] == ["accepted", "action", "done"]
            await waiter.send('ALTextToSpeech.say("waiter")')
            assert (await waiter.rest())[-1] == {"type": "done"}
            state = await robots.state()
            assert state["walking"] is False
            assert [sentence["text"] for sentence in state["speech"] if sentence["complete"]] == ["new", "waiter"]
            (again,) = await robots.run('ALTextToSpeech.say("never")', behavior="owner")
            assert again["code"] == "robot.duplicate"

    play(scenario())


def test_in_atomic_mode_nothing_begins_before_all_is_there_and_checked(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            good = await robots.open("good", mode="atomic")
            await good.send("ALLeds.on('FaceLeds')", end=False)
            await asyncio.sleep(0.1)
            assert await robots.calls() == []
            await good.send("ALLeds.off('FaceLeds')")
            assert [m.get("method") for m in await good.rest()] == [None, "on", "off", None]
            program = ["ALLeds.on('FaceLeds')", "x = 1", "ALTextToSpeech.say(x)"]
            before = await robots.calls()
            *_, final = await robots.run(*program, behavior="atomic", mode="atomic")
            assert (final["code"], final["line"], final["statement"]) == ("program.type", 3, program[2])
            assert await robots.calls() == before
            *_, action, final = await robots.run(*program, behavior="stream", mode="stream")
            assert (action["method"], final["code"], final["line"]) == ("on", "program.type", 3)

    play(scenario())


def test_robots_of_two_kinds_are_served_side_by_side(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        with SimulatedPorter(speed=20.0) as porter:
            more_robots = json.dumps({"porter": {"simulator_url": porter.url}})
            async with gateway(nao.url, more_robots=more_robots) as robots:
                ready = await (await robots.http.get("/readyz")).json()
                assert ready == {"ready": True, "robots": {"nao": {"simulate": True}, "porter": {"simulate": True}}}
                report = await (await robots.http.get("/v1/robots/porter")).json()
                state = report["targets"]["simulate"]
                assert (state["connected"], state["posture"], state["battery"]) == (True, None, 100)
                # Each kind has a stop of its own.
                behavior = await robots.open("driving", robot="porter")
                await behavior.send('robot.go_to("storage room")')
                assert (await behavior.message())["type"] == "accepted"
                assert (await robots.stop())["stopped"] == []
                answer = await (await robots.http.post("/v1/robots/porter/stop")).json()
                assert (answer["stopped"], answer["unreachable"]) == (["driving"], [])
                assert (await behavior.rest())[-1]["type"] == "stopped"
                old = await robots.run('robot.say("never")', behavior="old", robot="porter", age_s=60.0)
                assert old[-1]["type"] == "stopped"

    play(scenario())


def test_the_line_is_bounded(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_line_limit=1) as robots:
            owner = await robots.open("owner")
            assert (await owner.message())["type"] == "accepted"
            waiter = await robots.open("waiter")
            await robots.until(waiting=["waiter"])
            (refused,) = await (await robots.open("one too many")).rest()
            assert refused["code"] == "robot.busy"
            assert "1 behaviours wait" in refused["message"]
            await owner.send()
            assert (await owner.rest())[-1]["type"] == "done"
            await waiter.send()
            assert (await waiter.rest())[-1]["type"] == "done"

    play(scenario())


def test_the_wait_in_line_is_bounded_and_may_be_tried_again(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_line_timeout_s=0.2) as robots:
            owner = await robots.open("owner")
            assert (await owner.message())["type"] == "accepted"
            (gave_up,) = await (await robots.open("waiter")).rest()
            assert gave_up["code"] == "robot.busy"
            await owner.send()
            assert (await owner.rest())[-1]["type"] == "done"
            assert (await robots.run("ALMotion.stopMove()", behavior="waiter"))[-1]["type"] == "done"

    play(scenario())


def test_no_behaviour_runs_twice(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            first = await robots.open("once")
            assert (await first.message())["type"] == "accepted"
            (during,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once")
            await first.send('ALTextToSpeech.say("once")')
            assert (await first.rest())[-1]["type"] == "done"
            (after,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once")
            assert during["code"] == after["code"] == "robot.duplicate"
            assert [sentence["text"] for sentence in (await robots.state())["speech"]] == ["once"]

    play(scenario())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"robot": "r2d2"}, "robot.unknown"),
        ({"target": "robot"}, "robot.unreachable"),
        ({"target": "moon"}, "robot.protocol"),
        ({"type": "end"}, "robot.protocol"),
        ({"scene": {"objects": [{"name": "x", "position": [1, 2]}]}}, "robot.protocol"),
        ({"behavior": ""}, "robot.protocol"),
        ({"surprise": 1}, "robot.protocol"),
    ],
)
def test_wrong_begins_are_refused_with_a_reason(nao: SimulatedNao, fields: dict[str, Any], code: str) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            (failed,) = await (await robots.open(**fields)).rest()
            assert (failed["type"], failed["code"]) == ("failed", code)
            assert len(failed["message"]) > 10

    play(scenario())


@pytest.mark.parametrize("garbage", ["hello", "[]", '{"type":"dance"}', '{"type":"statement","line":0,"source":"x"}'])
def test_garbage_within_a_behaviour_fails_it(nao: SimulatedNao, garbage: str) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            behavior = await robots.open()
            assert (await behavior.message())["type"] == "accepted"
            await behavior.socket.send_str(garbage)
            assert (await behavior.rest())[-1]["code"] == "robot.protocol"
            assert (await robots.state())["behavior"] is None

    play(scenario())


def test_browsers_may_not_drive_a_robot(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            with pytest.raises(WSServerHandshakeError, match="403"):
                await robots.http.ws_connect("/v1/execute", headers={"Origin": "http://evil.example"})

    play(scenario())


def test_the_gateway_waits_for_the_workers_farewell_so_that_its_last_word_arrives(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            begin = {"type": "begin", "behavior": "b1", "robot": "nao", "target": "simulate"}
            async with robots.http.ws_connect("/v1/execute", autoclose=False) as socket:
                await socket.send_json(begin)
                await socket.send_json({"type": "statement", "line": 1, "source": "ALMotion.dance()"})
                while (message := await socket.receive()).type is WSMsgType.TEXT:
                    last = message.json()
                assert (last["type"], message.type) == ("failed", WSMsgType.CLOSE)
                await asyncio.sleep(0.05)
                await socket.ping()  # a connection that is gone would raise

    play(scenario())


def test_a_later_attempt_takes_the_place_of_one_that_waits(nao: SimulatedNao) -> None:
    """As when a worker froze while its behaviours stood in line, and the store gave them to another."""

    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            owner = await robots.open("owner")
            assert (await owner.message())["type"] == "accepted"
            frozen = await robots.open("once")
            await frozen.send('ALTextToSpeech.say("twice")')
            await robots.until(waiting=["once"])
            second = await robots.open("once", attempt=2)
            await second.send('ALTextToSpeech.say("once")')
            assert await frozen.rest() == []
            (late,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once", attempt=1)
            await owner.send()
            assert (await owner.rest())[-1] == {"type": "done"}
            assert (await second.rest())[-1] == {"type": "done"}
            (after,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once", attempt=3)
            assert late["code"] == after["code"] == "robot.duplicate"
            assert [sentence["text"] for sentence in (await robots.state())["speech"]] == ["once"]

    play(scenario())


def test_a_later_attempt_does_not_take_the_robot_from_one_that_acts(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            owner = await robots.open("once", mode="stream")
            assert (await owner.message())["type"] == "accepted"
            await owner.send('ALTextToSpeech.say("once")', end=False)
            assert (await owner.message())["type"] == "action"
            (second,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once", attempt=2)
            assert second["code"] == "robot.duplicate"
            await owner.send()
            assert (await owner.rest())[-1] == {"type": "done"}

    play(scenario())


def test_a_later_attempt_takes_the_robot_from_one_that_has_not_acted(nao: SimulatedNao) -> None:
    """As when a worker died or froze between its robot's turn and the first statement."""

    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            owner = await robots.open("once")
            assert (await owner.message())["type"] == "accepted"
            assert (await robots.run('ALTextToSpeech.say("once")', behavior="once", attempt=2))[-1] == {"type": "done"}
            await owner.rest()
            (late,) = await robots.run('ALTextToSpeech.say("twice")', behavior="once", attempt=3)
            assert late["code"] == "robot.duplicate"
            assert [sentence["text"] for sentence in (await robots.state())["speech"]] == ["once"]

    play(scenario())


def test_a_robot_that_sits_does_not_walk_whatever_the_scene_leaves_out(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            assert (await robots.run('ALRobotPosture.goToPosture("Sit", 0.5)', behavior="b1"))[-1] == {"type": "done"}
            accepted, failed = await robots.run("ALMotion.moveTo(0.2, 0.0, 0.0)", behavior="b2", scene={})
            assert accepted == {"type": "accepted"}
            assert (failed["type"], failed["code"]) == ("failed", "call.posture")
            assert "the robot is Sitting as the program begins" in failed["message"]
            assert (await robots.state())["posture"] == "Sit"

    play(scenario())
