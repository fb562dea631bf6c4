"""What the robot would have done with a program that was written elsewhere, and whether that is what was asked."""

from __future__ import annotations

import asyncio

from services.behavior.catalogue import load_catalogue
from services.behavior.check import CheckError
from services.behavior.program import ProgramError, ProgramReader, Refusal
from services.behavior.schema import Action, BehaviorResult, Failure, PlanStep, Status
from services.robot.errors import BehaviorFailed
from services.robot.rehearsal import Rehearsal
from services.training.evaluation.answers import Answer
from services.training.judging.expectation import Item
from services.training.judging.judge import judge


def answer_of(item: Item, program: str, ended: bool) -> Answer:
    """Check and carry out a program in the scene of an item, and judge what came of it.

    Unlike in the engine there is no second try for a program that fails a check, and a program is checked as a whole.

    Args:
        item: what was asked.
        program: what a model wrote.
        ended: whether it ended by itself; what was cut off has failed.
    """
    result = asyncio.run(_carry_out(item, program, ended))
    verdict = judge(item, result)
    return Answer(id=item.id, passed=verdict.passed, findings=verdict.findings, ended="answered", result=result)


async def _carry_out(item: Item, program: str, ended: bool) -> BehaviorResult:
    plan: list[PlanStep] = []
    actions: list[Action] = []
    status: Status = "succeeded"
    refusal, failure = None, None
    try:
        if not ended:
            raise BehaviorFailed("program.length", "the program is too long, and was cut off")
        reader = ProgramReader(load_catalogue("nao"), item.scene)
        for part in [*reader.feed(program), *reader.close()]:
            if isinstance(part, PlanStep):
                plan.append(part)
            elif isinstance(part, Refusal):
                status, refusal = "refused", part.reason
        rehearsal = Rehearsal(item.scene)
        actions = rehearsal.actions
        rest = program if refusal is None else program.partition("\n")[2]
        if refusal is None or rest.strip():  # a refusal may be all there is
            await rehearsal.run(rest)
    except (ProgramError, CheckError, BehaviorFailed) as error:
        status, failure = "failed", Failure(code=error.code, message=str(error))
    return BehaviorResult(
        id=item.id,
        status=status,
        instruction=item.instruction,
        robot="nao",
        backend="none",
        plan=plan,
        code=program,
        refusal=refusal if failure is None else None,
        error=failure,
        actions=actions,
    )
