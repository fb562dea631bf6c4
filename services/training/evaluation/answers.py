"""What came of the items, kept in a file as it comes, so that an interrupted run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from services.behavior.schema import BehaviorResult, Document
from services.training.evaluation.suite import Case
from services.training.judging.expectation import Item


class Answer(Document):
    """What came of one item."""

    id: str
    passed: bool
    findings: list[str]
    """Why it did not pass."""
    ended: Literal["answered", "time-out", "crash"]
    result: BehaviorResult | None
    """What the engine answered; after a time-out, how far it had come; None after a crash."""


Ask = Callable[[Item], Answer]


def answers_of(
    cases: Sequence[Case],
    path: Path,
    engine: Callable[[], AbstractContextManager[Ask]],
    told: Callable[[int, Answer], None],
) -> list[Answer]:
    """The answers to all cases: those that ``path`` has, and the others as the engine gives them.

    Args:
        cases: what is asked, in this order.
        path: file in JSON Lines, to which each new answer is written at once.
        engine: starts the engine; used only if something is missing.
        told: called with the number of each new answer, from 0, and the answer.
    """
    known = {answer.id: answer for answer in _read(path)}
    missing = [(number, case.item) for number, case in enumerate(cases) if case.item.id not in known]
    if missing:
        with engine() as ask, path.open("a", encoding="utf-8") as file:
            for number, item in missing:
                answer = ask(item)
                file.write(answer.model_dump_json() + "\n")
                file.flush()
                known[item.id] = answer
                told(number, answer)
    return [known[case.item.id] for case in cases]


def _read(path: Path) -> list[Answer]:
    """The whole lines of the file; what an interruption left of a last one is cut off."""
    if not path.exists():
        return []
    written = path.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if whole != written:
        path.write_bytes(whole)
    return [Answer.model_validate_json(line) for line in whole.splitlines()]
