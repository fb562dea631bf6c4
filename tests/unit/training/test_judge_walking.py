"""Where the robot walks: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check
from tests.unit.training.conftest import Judged

ROOM = {
    "objects": [{"name": "red ball", "position": [1.0, 0.4, 0.0]}, {"name": "lamp", "position": [1.0, -1.0, 0.5]}],
    "people": [{"name": "Anna", "position": [0.0, 2.0, 0.6]}],
}

CASES = [
    Case(
        {"walks": {"distance": [0.9, 1.1], "bearing": [-10, 10]}},
        "ALMotion.moveTo(0.5, 0.0, 0.0)\nALMotion.moveTo(0.5, 0.0, 0.0)",
        "ALMotion.moveTo(0.42, 0.0, 0.0)",
    ),
    Case({"walks": {"bearing": [80, 100]}}, "ALMotion.moveTo(0.0, 0.3, 0.0)", "ALMotion.moveTo(0.0, -0.3, 0.0)"),
    Case({"walks": {"bearing": [170, 190]}}, "ALMotion.moveTo(-0.3, -0.01, 0.0)", "ALMotion.moveTo(0.3, 0.0, 0.0)"),
    Case({"turns": {"degrees": [350, 370]}}, "ALMotion.moveTo(0.0, 0.0, 6.28)", "ALMotion.moveTo(0.0, 0.0, -6.28)"),
    Case(
        {"turns": {"degrees": [80, 100]}},
        "ALMotion.moveTo(0.0, 0.0, 1.5708)",
        "ALMotion.moveTo(0.0, 0.0, 1.57)\nALMotion.moveTo(0.0, 0.0, -1.57)",
    ),
    Case(
        {"near": {"target": "Red ball", "within": 0.4}},
        "ALMotion.moveTo(0.7, 0.3, 0.0)",
        "ALMotion.moveTo(0.7, 0.0, 0.0)",
        ROOM,
    ),
    Case(
        {"faces": {"target": "Anna", "within": 20}},
        "ALMotion.moveTo(0.0, 0.0, 1.5)",
        'ALMotion.setAngles("HeadYaw", 1.5, 0.2)',
        ROOM,
    ),
    Case(
        {"walked": {"path": [0.9, 1.1]}},
        "ALMotion.moveTo(0.5, 0.0, 0.0)\nALMotion.moveTo(-0.5, 0.0, 0.0)",
        "ALMotion.moveTo(0.5, 0.0, 0.0)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
