"""One bridge, two robots: the simulated NAO, which is as its catalogue says, and an older one that is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from gateway_client import Gateway, gateway, play
from scripted_robot import ANIMATIONS, HEAD_YAW, NAO, POSTURES, WRISTS, ScriptedRobot, Walk, older_nao

from services.behavior.catalogue import load_catalogue
from services.behavior.narrowing import narrow
from services.behavior.schema import Lacks, RobotReport
from services.robot.simulator.server import SimulatedNao

STOPS = {f"{call.service}.{call.method}" for call in NAO.control.stop} | {"ALMotion.moveIsActive"}


@dataclass
class Case:
    """A robot, how the gateway is told of it, and a look at it."""

    target: str
    setting: str
    switch_on: Callable[[int], Any]
    robot: Any
    walking: Callable[[], bool]
    posture: str
    battery: int

    @property
    def settings(self) -> dict[str, str]:
        return {"simulator_url": ""} | {self.setting: self.robot.url}

    async def state(self, robots: Gateway) -> dict[str, Any]:
        return dict((await robots.report())["targets"][self.target])

    async def until_walking(self) -> None:
        while not self.walking():  # noqa: ASYNC110 (another thread)
            await asyncio.sleep(0.01)


@pytest.fixture
def old_walk() -> Walk:
    return Walk()


@pytest.fixture(params=["simulated", "older"])
def case(request: pytest.FixtureRequest, old_walk: Walk) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "simulated":
            switched_on: list[SimulatedNao] = []

            def simulated(port: int = 0) -> SimulatedNao:
                switched_on.append(stack.enter_context(SimulatedNao(port=port, speed=20.0)))
                return switched_on[-1]

            yield Case(
                "simulate", "simulator_url", simulated, simulated(), lambda: switched_on[-1].nao.motion.walking(),
                "Stand", 100,
            )  # fmt: skip
        else:

            def older(port: int = 0) -> ScriptedRobot:
                return stack.enter_context(older_nao(old_walk, port))

            yield Case("robot", "robot_url", older, older(), lambda: old_walk.walking, "Stand", 42)


WALK = "ALMotion.moveTo(3.0, 0.0, 0.0)"
ON_BOTH = [
    'ALTextToSpeech.say("Hello")',
    "ALMotion.setAngles('HeadYaw', 1.1, 0.2)",
    'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")',
    'ALRobotPosture.goToPosture("Crouch", 0.5)',
    'ALLeds.fadeRGB("FaceLeds", "red", 0.1)',
    "ALMotion.changeAngles(['HeadYaw', 'HeadPitch'], [0.1, 0.1], 0.1)",
]
ON_THE_NEWER = {
    "ALSonar.getFilteredValues()": "ALSonar",
    'ALTextToSpeech.say("Hello", "English")': "ALTextToSpeech.say",
    "ALLeds.rasta(0.1)": "rasta",
    "ALMotion.setAngles('HeadYaw', 1.5, 0.2)": "1.2",
    "ALMotion.setAngles('LWristYaw', 0.1, 0.2)": "LWristYaw",
    'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_2")': "Hey_2",
    'ALRobotPosture.goToPosture("SitRelax", 0.5)': "SitRelax",
    'ALTextToSpeech.setLanguage("French")': "French",
}


def test_what_it_lacks_is_told_and_logged(case: Case) -> None:
    async def scenario() -> None:
        with structlog.testing.capture_logs() as logs:
            async with gateway(**case.settings) as robots:
                report = RobotReport.model_validate_json(await (await robots.http.get("/v1/robots/nao")).read())
                (state,) = report.targets.values()
                assert (state.connected, state.posture, state.battery) == (True, case.posture, case.battery)
                assert (state.behavior, state.waiting, state.trouble) == (None, [], None)
                narrowings = await (await robots.http.get("/v1/narrowings")).json()
                assert narrowings == {"nao": {case.target: state.lacks.model_dump()}}
        told = [entry for entry in logs if entry["event"] == "robot is not as its catalogue says"]
        lacks = state.lacks
        if case.target == "simulate":
            assert (lacks, told) == (Lacks(), [])
            return
        assert {"ALTextToSpeech.say(text, language)", "ALLeds.rasta(duration)", "ALSonar.subscribe(client)"} <= set(
            lacks.methods
        )
        assert len(lacks.methods) == 2 + len(NAO.services["ALSonar"].methods)
        assert set(lacks.joints) == WRISTS
        assert {name: (at.min, at.max, at.max_velocity) for name, at in lacks.limits.items()} == {
            "HeadYaw": pytest.approx(HEAD_YAW)
        }
        assert set(lacks.names) == {"posture", "animation", "language"}
        assert set(NAO.enums["posture"].values) - set(lacks.names["posture"]) == set(POSTURES)
        assert set(NAO.enums["animation"].values) - set(lacks.names["animation"]) < set(ANIMATIONS)
        (entry,) = told
        assert (entry["robot"], entry["target"], entry["limits"]) == ("nao", "robot", ["HeadYaw"])

    play(scenario())


def test_what_it_has_works(case: Case) -> None:
    async def scenario() -> None:
        async with gateway(**case.settings) as robots:
            _, *actions, final = await robots.run(*ON_BOTH, target=case.target)
            assert final == {"type": "done"}, final
            assert len(actions) == len(ON_BOTH)

    play(scenario())


@pytest.mark.parametrize("statement", ON_THE_NEWER)
def test_what_it_lacks_fails_its_check_and_the_lack_is_named(case: Case, statement: str) -> None:
    async def scenario() -> None:
        async with gateway(**case.settings) as robots:
            final = (await robots.run(statement, target=case.target))[-1]
            if case.target == "simulate":
                assert final == {"type": "done"}
                return
            assert (final["code"], final["line"]) == ("call.unavailable", 1)
            assert final["message"].startswith("not on the connected robot: ")
            assert ON_THE_NEWER[statement] in f"{final['message']}; {final['suggestion']}"
            assert statement.split("(")[0] not in case.robot.calls

    play(scenario())


def test_what_no_robot_may_do_is_not_blamed_on_this_one(case: Case) -> None:
    async def scenario() -> None:
        async with gateway(**case.settings) as robots:
            final = (await robots.run("ALMotion.setAngles('HeadYaw', 3.0, 0.2)", target=case.target))[-1]
            assert final["code"] == "call.limit"

    play(scenario())


def test_the_emergency_stop_ends_a_walk(case: Case) -> None:
    async def scenario() -> None:
        async with gateway(**case.settings) as robots:
            behavior = await robots.open(target=case.target)
            await behavior.send(WALK)
            await case.until_walking()
            answer = await robots.stop()
            assert (answer["stopped"], answer["unreachable"]) == (["b1"], [])
            assert not case.walking()
            assert (await behavior.rest())[-1]["type"] == "stopped"

    play(scenario())


def test_a_connection_that_drops_fails_the_behaviour_and_the_robot_is_stilled_on_return(case: Case) -> None:
    async def scenario() -> None:
        async with gateway(**case.settings) as robots:
            behavior = await robots.open(target=case.target)
            await behavior.send(WALK)
            await case.until_walking()
            await asyncio.to_thread(case.robot.close)
            final = (await behavior.rest())[-1]
            assert (final["type"], final["code"], final["line"]) == ("failed", "robot.unreachable", 1)
            assert "was lost" in final["message"]
            await robots.wait_ready(False)
            state = await case.state(robots)
            assert (state["connected"], state["behavior"]) == (False, None)
            again = case.switch_on(int(case.robot.url.rsplit(":", 1)[1]))
            await robots.wait_ready()
            assert not case.walking()
            if case.target == "robot":
                assert again.calls[0] in STOPS  # before it is asked anything
            assert (await robots.run(*ON_BOTH, behavior="b2", target=case.target))[-1] == {"type": "done"}

    play(scenario())


def test_the_narrowed_catalogue_is_one_that_could_have_been_written(old_walk: Walk) -> None:
    async def scenario() -> None:
        with older_nao(old_walk) as robot:
            async with gateway(simulator_url="", robot_url=robot.url) as robots:
                lacks = Lacks.model_validate((await robots.report())["targets"]["robot"]["lacks"])
        narrowed = narrow(NAO, lacks)
        assert type(narrowed).model_validate(narrowed.model_dump()).services.keys() == narrowed.services.keys()
        assert narrow(NAO, lacks) is narrowed
        assert load_catalogue("nao") is NAO

    play(scenario())
