"""Pictures of what the robot did: a few items that passed and a few that did not."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.behavior.errors import CheckError, ProgramError
from services.picture.draw import draw
from services.robot.errors import BehaviorFailed, RobotFault
from services.robot.rehearsal import rehearse
from services.training.evaluation.answers import Answer
from services.training.evaluation.suite import Case

_OF_EACH = 4


@dataclass(frozen=True)
class Picture:
    """An item with the last moment of what was done, and all of it moving, as ``data:`` addresses."""

    case: Case
    answer: Answer
    still: str
    moving: str


def pictures(cases: Sequence[Case], answers: Sequence[Answer], passed: bool) -> list[Picture]:
    """A few of the items that passed, or of those that did not, drawn always in the same way.

    Only what was carried out to its end can be drawn.
    """
    pairs = [
        (case, answer)
        for case, answer in zip(cases, answers, strict=True)
        if answer.passed == passed and answer.result is not None and answer.result.status == "succeeded"
    ]
    random.Random(len(pairs)).shuffle(pairs)  # noqa: S311 - a choice of pictures
    found: list[Picture] = []
    for case, answer in pairs:
        if len(found) == _OF_EACH:
            break
        if (picture := _picture(case, answer)) is not None:
            found.append(picture)
    return found


def _picture(case: Case, answer: Answer) -> Picture | None:
    if answer.result is None or not answer.result.actions:
        return None
    try:
        recording = rehearse(answer.result.code, case.item.scene)
    except (ProgramError, CheckError, BehaviorFailed, RobotFault):
        return None  # what depends on chance or on time can end otherwise here
    return Picture(case, answer, _address(draw(recording, still=True)), _address(draw(recording)))


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
