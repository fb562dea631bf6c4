"""Programs nobody wrote: those of the grammar are accepted and run, mutated ones harm nobody, both checks agree."""

from __future__ import annotations

import asyncio
import random

import pytest

from services.behavior.catalogue import robots
from services.behavior.schema import Scene
from tests.safety.cases import Case
from tests.safety.generate import DECIDED_BY_NUMBERS, SCENES, as_it_stands, lone_call, mutated, sampled
from tests.safety.trial import read, trial

SAMPLES = 40


def case(robot: str, text: str, scene: Scene) -> Case:
    return Case("generated", "generated", "nothing", text, True, (), robot, scene)


@pytest.mark.parametrize("robot", robots())
def test_programs_of_the_grammar_are_accepted_and_run(robot: str) -> None:
    async def scenario() -> None:
        async with trial() as gateway:
            for name, scene in SCENES.items():
                for seed in range(SAMPLES):
                    program = case(robot, sampled(robot, name, seed), scene)
                    statements, _, error = read(program)
                    if error is not None:
                        assert error.code in DECIDED_BY_NUMBERS, (error, program.text)
                        continue
                    outcome = await gateway.run(robot, scene, {}, statements, "atomic")
                    assert (outcome.code, outcome.harm(robot)) == ("done", []), (outcome, program.text)

    asyncio.run(scenario())


@pytest.mark.parametrize("robot", robots())
def test_mutated_programs_harm_nobody_and_what_is_let_through_can_be_run(robot: str) -> None:
    async def scenario() -> None:
        async with trial() as gateway:
            for seed in range(SAMPLES * 3):
                chance = random.Random(seed)
                name = chance.choice(sorted(SCENES))
                program = case(robot, mutated(sampled(robot, name, seed), chance), SCENES[name])
                outcome = await gateway.whole(program, "stream")
                assert outcome.harm(robot) == [], program.text
                assert outcome.layer != "robot", (outcome, program.text)
                assert outcome.layer == "read" or outcome.code != "program.syntax", (outcome, program.text)

    asyncio.run(scenario())


@pytest.mark.parametrize("robot", robots())
def test_reading_and_running_agree_on_calls_whose_values_are_written_out(robot: str) -> None:
    async def scenario() -> None:
        async with trial() as gateway:
            for seed in range(SAMPLES * 3):
                call = case(robot, lone_call(robot, random.Random(seed)), as_it_stands(robot))
                _, _, error = read(call)
                outcome = await gateway.unread(call)
                assert outcome.harm(robot) == []
                assert (error is None) == (outcome.code == "done"), (call.text, error, outcome)

    asyncio.run(scenario())
