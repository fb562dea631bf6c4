"""Cases for the predicates, and the small programs that they are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.unit.training.conftest import Judged


@dataclass(frozen=True)
class Case:
    """A predicate, a program that satisfies it, one that only nearly does, and where both run."""

    predicate: dict[str, Any]
    program: str
    near_miss: str
    scene: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return json.dumps(self.predicate, ensure_ascii=False)[:60]


def check(case: Case, judged: Judged) -> None:
    """The predicate holds for the program and not for the near miss, and ``must_not`` says the opposite."""
    (key,) = case.predicate
    assert judged(case.program, case.scene, must=[case.predicate]).findings == []
    (finding,) = judged(case.near_miss, case.scene, must=[case.predicate]).findings
    assert finding.startswith(f"{key}: ")
    assert judged(case.near_miss, case.scene, must_not=[case.predicate]).findings == []
    (finding,) = judged(case.program, case.scene, must_not=[case.predicate]).findings
    assert finding.startswith("must not: ")


def say(*texts: str) -> str:
    """Lines that speak, a sentence each."""
    return "\n".join(f"ALTextToSpeech.say({json.dumps(text, ensure_ascii=False)})" for text in texts)


def turn(joint: str, *angles: float) -> str:
    """A line that turns a joint to each of the angles, half a second each."""
    times = [0.5 * (number + 1) for number in range(len(angles))]
    return f'ALMotion.angleInterpolation("{joint}", {list(angles)}, {times}, True)'
