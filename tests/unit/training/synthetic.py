"""Answers for the evaluation that no engine gave."""

from __future__ import annotations

from typing import Any

from services.behavior.schema import Action, BehaviorResult, Failure, Status, Timings, Usage
from services.training.evaluation.answers import Answer
from services.training.evaluation.suite import Case
from services.training.evaluation.variants import Length
from services.training.judging.expectation import Item

WAVE = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")\n'
WAVE_CALL = Action(
    service="ALAnimationPlayer", method="run", args=["animations/Stand/Gestures/Hey_1"], at_s=0.0, took_s=3.0
)


def case(
    number: int, outcome: str = "acts", calls: list[str] | None = None, length: Length | None = None, **fields: Any
) -> Case:
    """An item that asks for nothing in particular."""
    given = {"id": f"i{number}", "language": "en", "instruction": f"do {number}", "outcome": outcome}
    predicates = {"must_not": [{"moves": "walk"}]} if outcome == "acts" else {}
    return Case(Item.model_validate({**given, **predicates, **fields}), calls, length)


def answer(
    number: int,
    passed: bool = True,
    status: Status = "succeeded",
    actions: list[Action] | None = None,
    total_ms: float | None = None,
    tokens: int = 0,
    error: str | None = None,
    code: str = WAVE,
) -> Answer:
    """What the engine answered to the item of that number."""
    result = BehaviorResult(
        id=f"b{number}",
        status=status,
        instruction=f"do {number}",
        robot="nao",
        backend="llamacpp",
        code=code,
        actions=[WAVE_CALL] if actions is None else actions,
        error=Failure(code=error, message="it did not work") if error else None,
        timings=Timings(total_ms=total_ms),
        usage=Usage(prompt_tokens=10 * tokens, completion_tokens=tokens),
    )
    return Answer(
        id=f"i{number}", passed=passed, findings=[] if passed else ["it is not"], ended="answered", result=result
    )
