"""What a program must not do is stopped before the robot sees it."""

from __future__ import annotations

import pytest
from gateway_client import gateway, play

from services.behavior.catalogue import Catalogue
from services.robot.simulator.server import SimulatedNao

HUGE = "1e308 * 10"


@pytest.fixture
def untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stubs that know nothing: what stops a call then is the check at run time, the last before the robot."""

    def know_nothing(catalogue: Catalogue) -> str:
        return "from typing import Any\n" + "".join(f"{name}: Any\n" for name in [*catalogue.services, "scene"])

    monkeypatch.setattr("services.robot.fleet.stubs", know_nothing)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (f"x = {HUGE}\nALMotion.moveTo(x - x, 0.0, 0.0)", "call.finite"),
        (f"ALMotion.moveTo({HUGE}, 0.0, 0.0)", "call.finite"),
        ("ALMotion.moveTo(2.0 * 4, 0.0, 0.0)", "call.range"),
        ("ALMotion.moveTo(10 ** 400, 0.0, 0.0)", "call.range"),
        ("ALMotion.moveTo('0.1', 0.0, 0.0)", "call.type"),
        ("ALMotion.moveTo(True, 0.0, 0.0)", "call.type"),
        ("ALMotion.moveTo(None, 0.0, 0.0)", "call.type"),
        ("ALMotion.moveTo({}, 0.0, 0.0)", "call.type"),
        ("ALMotion.moveTo(ALMotion, 0.0, 0.0)", "call.type"),
        ("ALTextToSpeech.say(b'bytes')", "call.type"),
        ("ALTextToSpeech.say({'a': 1})", "call.type"),
        ("ALMotion.moveTo(0.1)", "call.arity"),
        ("ALMotion.moveTo(x=0.1, y=0.0, theta=0.0)", "call.arity"),
        ("ALMotion.setAngles('HeadYaw', 3.0, 0.1)", "call.limit"),
        ("ALMotion.setAngles(['HeadYaw', 'HeadPitch'], [1.5, 0.5], 0.1)", "call.coupling"),
        ("ALMotion.killAll()", "call.denied"),
        ("ALMotion.setFallManagerEnabled(False)", "call.denied"),
        ("ALMotion.dance()", "call.method"),
        ("ALTextToSpeech.say('\\\\rspd=400\\\\')", "call.text"),
        ("scene.position('unicorn')", "call.target"),
    ],
)
@pytest.mark.usefixtures("untyped")
def test_a_bad_call_never_reaches_the_robot(nao: SimulatedNao, program: str, code: str) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            *_, final = await robots.run("ALLeds.on('FaceLeds')", program, "ALLeds.off('FaceLeds')")
            assert (final["type"], final["code"], final["line"]) == ("failed", code, 2)
            assert final["statement"] == program
            assert len(final["message"]) > 20
            assert await robots.calls() == ["ALLeds.on"]

    play(scenario())


@pytest.mark.parametrize(
    ("program", "code", "line", "words"),
    [
        ("ALMotion.moveTo('0.1', 0.0, 0.0)", "program.type", 2, "Expected `float`"),
        ("ALTextToSpeech.say(None)", "program.type", 2, ""),
        ("ALMotion.moveTo(0.1)", "program.type", 2, "No argument"),
        ("ALMotion.moveTo(x=0.1, y=0.0, theta=0.0)", "program.type", 2, ""),
        ("ALMotion.dance()", "program.type", 2, "`dance`"),
        ("unknown.say('x')", "program.type", 2, "`unknown`"),
        (
            "if ALMotion.robotIsWakeUp():\n    x = 1\nelse:\n    ALMotion.moveTo('a', 0.0, 0.0)",
            "program.type",
            5,
            "float",
        ),
        ("import os\nos.system('true')", "program.type", 3, "`system`"),
        ("x = (", "program.syntax", 2, ""),
    ],
)
def test_a_statement_that_fails_its_type_check_does_not_begin(
    nao: SimulatedNao, program: str, code: str, line: int, words: str
) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            *_, final = await robots.run("ALLeds.on('FaceLeds')", program, "ALLeds.off('FaceLeds')")
            assert (final["type"], final["code"], final["line"]) == ("failed", code, line)
            assert final["statement"] == program
            assert words in final["message"]
            assert "behavior:" not in final["message"]
            assert await robots.calls() == ["ALLeds.on"]

    play(scenario())


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os\nos.listdir('/')", "program.forbidden"),
        ("open('/etc/passwd').read()", "program.type"),
        ("import time\ntime.sleep(3600)", "program.forbidden"),
        ("type(ALMotion)()", "program.forbidden"),
        ("ALMotion._private()", "program.error"),
        ("ALMotion._private", "program.error"),
        ("ALMotion.__class__.__bases__", "program.error"),
        ("walk = ALMotion.moveTo\nwalk(1.0, 0.0, 0.0)", "program.error"),
        ("unknown_name", "program.type"),
        ("1 / 0", "program.error"),
        ("x = (", "program.syntax"),
        ("while True:\n    pass", "budget.time"),
        ("x = [0] * 10 ** 9", "budget.memory"),
        ("x = 'a'\nwhile True:\n    x = x + x", "budget.memory"),
        ("def f():\n    f()\nf()", "budget.recursion"),
        ("while True:\n    ALLeds.on('FaceLeds')", "budget.calls"),
    ],
)
@pytest.mark.usefixtures("untyped")
def test_the_sandbox_holds(nao: SimulatedNao, program: str, code: str) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_max_calls=5) as robots:
            *_, final = await robots.run(program)
            assert (final["type"], final["code"], final["line"]) == ("failed", code, 1)
            assert set(await robots.calls()) <= {"ALLeds.on"}
            # The gateway goes on as if nothing had been.
            assert (await robots.run("ALLeds.off('FaceLeds')", behavior="next"))[-1] == {"type": "done"}

    play(scenario())


def test_a_program_that_swallows_the_refusal_is_ended_all_the_same(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            program = "try:\n    ALMotion.moveTo(9.0, 0.0, 0.0)\nexcept BaseException:\n    ALLeds.on('FaceLeds')"
            assert (await robots.run(program))[-1]["code"] == "call.range"
            assert await robots.calls() == []

    play(scenario())


def test_behaviours_share_nothing(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url) as robots:
            assert (await robots.run("secret = 1", behavior="a"))[-1]["type"] == "done"
            final = (await robots.run("ALLeds.fade('FaceLeds', secret, 0.1)", behavior="b"))[-1]
            assert "Name `secret` used when not defined" in final["message"]

    play(scenario())


def test_a_program_with_too_many_statements_fails(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_max_statements=3) as robots:
            final = (await robots.run(*["ALLeds.on('FaceLeds')"] * 4))[-1]
            assert final["code"] == "budget.statements"
            assert await robots.calls() == ["ALLeds.on"] * 3

    play(scenario())


def test_a_silent_worker_loses_the_robot(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_statement_timeout_s=0.2) as robots:
            assert (await (await robots.open()).rest())[-1]["code"] == "budget.idle"
            assert (await robots.state())["behavior"] is None

    play(scenario())


def test_a_behaviour_that_takes_too_long_fails(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_behavior_timeout_s=0.5) as robots:
            *_, walk, final = await robots.run("ALMotion.moveTo(3.0, 0.0, 0.0)", "ALLeds.on('FaceLeds')")
            assert final["code"] == "budget.time"
            assert (walk["method"], walk["interrupted"]) == ("moveTo", True)
            assert (await robots.state())["walking"] is False
            assert "ALLeds.on" not in await robots.calls()

    play(scenario())


def test_a_call_that_takes_too_long_fails(nao: SimulatedNao) -> None:
    async def scenario() -> None:
        async with gateway(nao.url, gateway_call_timeout_s=0.2) as robots:
            *_, walk, final = await robots.run("ALMotion.moveTo(3.0, 0.0, 0.0)")
            assert (final["code"], final["line"]) == ("robot.error", 1)
            assert (walk["method"], walk["interrupted"]) == ("moveTo", True)
            assert "did not end within 0.2 s" in final["message"]
            assert (await robots.state())["walking"] is False

    play(scenario())
