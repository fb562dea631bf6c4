"""The type checker as the gateway uses it: what the static checks let through, it lets through too."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import pytest

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramError, ProgramReader, Statement
from services.behavior.schema import Scene, SceneItem
from services.behavior.stubs import stubs
from services.robot.errors import BehaviorFailed
from services.robot.typecheck import Mistyped, TypeChecker
from tests.unit.behavior.gbnf_sampler import Grammar
from tests.unit.behavior.test_subset import PASSES

NAO = load_catalogue("nao")
HALL = Scene(
    objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0]), SceneItem(name="door", position=[2.0, -1.0, 0.0])],
    people=[SceneItem(name="Anna", position=[1.0, 0.5, 0.0])],
)


def statements(text: str, robot: str = "nao") -> list[str]:
    """The statements of a program that passes the static checks; none of one that does not."""
    reader = ProgramReader(load_catalogue(robot), HALL)
    try:
        items = reader.feed(text) + reader.close()
    except ProgramError:
        return []
    return [item.source for item in items if isinstance(item, Statement)]


def check(scenario: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(bounded())


@pytest.mark.parametrize("robot", robots())
def test_what_the_static_checks_let_through_is_well_typed(robot: str) -> None:
    catalogue = load_catalogue(robot)
    grammar, chance = Grammar(build_gbnf(catalogue, HALL)), random.Random(7)
    programs = [grammar.sample(chance) for _ in range(100)] + [example.program for example in catalogue.examples]
    if robot == "nao":
        programs += PASSES
    checked = [found for text in programs if (found := statements(text, robot))]
    assert len(checked) >= 50

    async def scenario() -> None:
        async with TypeChecker(stubs(catalogue)) as types:
            for program in checked:
                for end in range(1, len(program) + 1):  # as it comes, statement by statement
                    await types.check(program[:end])

    check(scenario())


@pytest.mark.parametrize(
    ("program", "statement", "line", "code"),
    [
        (["x = 1", "ALTextToSpeech.say(x)"], 1, 0, "program.type"),
        (["x = 1", "if x > 0:\n    y = 2\n    ALTextToSpeech.say(y)", "ALTextToSpeech.say(x)"], 1, 2, "program.type"),
        (["ALMotion.moveTo('a', 0.0, 0.0)", "ALMotion.moveTo(0.1)"], 0, 0, "program.type"),
        (["x = 1", "x = ("], 1, 0, "program.syntax"),
        (["x = 1\r\n\r\nALTextToSpeech.say(x)"], 0, 2, "program.type"),
    ],
)
def test_the_first_fault_is_placed(program: list[str], statement: int, line: int, code: str) -> None:
    async def scenario() -> None:
        async with TypeChecker(stubs(NAO)) as types:
            with pytest.raises(Mistyped) as caught:
                await types.check(program)
            assert (caught.value.statement, caught.value.line, caught.value.code) == (statement, line, code)
            await types.check(["x = 1"])  # and the next program knows nothing of it

    check(scenario())


def test_names_may_change_their_values() -> None:
    async def scenario() -> None:
        async with TypeChecker(stubs(NAO)) as types:
            await types.check(["x = 0", "x = 0.5", "for i in range(3):\n    x += 0.5", "ALMotion.moveTo(x, 0.0, 0.0)"])
            await types.check(["x = 'a'", "ALTextToSpeech.say(x)"])

    check(scenario())


def test_nothing_runs_where_types_are_checked() -> None:
    async def scenario() -> None:
        async with TypeChecker(stubs(NAO)) as types:
            await types.check(["while True:\n    x = 1"])
            await types.check(["x = 1 / 0"])
            # A form feed is where Python's own reader begins to count blanks anew.
            for trick in (
                "x = 1\n\fwhile True: pass",
                "x = 1\r\fimport os\r\fos.listdir('/')",
                "pass\n\fraise ValueError",
            ):
                with pytest.raises(BehaviorFailed):
                    await types.check([trick])
                await types.check(["x = 1"])

    check(scenario())


def test_a_check_that_comes_to_no_end_fails_and_hangs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.robot.typecheck.CHECK_TIMEOUT_S", 0.001)

    async def scenario() -> None:
        async with TypeChecker(stubs(NAO)) as types:
            for _ in range(2):
                with pytest.raises(BehaviorFailed) as caught:
                    await types.check(["ALMotion.moveTo(0.1, 0.0, 0.0)"])
                assert caught.value.code == "budget.time"

    check(scenario())


def test_a_session_that_has_checked_much_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.robot.typecheck.CHECKS_OF_A_SESSION", 3)

    async def scenario() -> None:
        async with TypeChecker(stubs(NAO)) as types:
            for _ in range(10):
                await types.check(["x = 1"])
                with pytest.raises(Mistyped):
                    await types.check(["ALMotion.dance()"])

    check(scenario())
