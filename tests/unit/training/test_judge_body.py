"""Posture, motors, and what moves: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say, turn
from tests.unit.training.conftest import Judged

_HEY = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'

CASES = [
    Case({"posture": "Sitting"}, 'ALRobotPosture.goToPosture("Sit", 0.8)', 'ALRobotPosture.goToPosture("Crouch", 0.8)'),
    # On the way to a seat a NAO crouches, but it does not stay so.
    Case(
        {"posture": "Crouching"}, 'ALRobotPosture.goToPosture("Crouch", 0.8)', 'ALRobotPosture.goToPosture("Sit", 0.8)'
    ),
    Case(
        {"posture": {"family": "Sitting", "end": True}},
        'ALRobotPosture.goToPosture("Sit", 0.8)',
        'ALRobotPosture.goToPosture("Sit", 0.8)\nALRobotPosture.goToPosture("Stand", 0.8)',
    ),
    Case({"posture": {"family": "Standing", "end": True}}, "ALMotion.wakeUp()", say("I stand"), {"posture": "Sit"}),
    Case({"motors": "off"}, "ALMotion.rest()", 'ALRobotPosture.goToPosture("Crouch", 0.8)'),
    Case({"motors": "on"}, "ALMotion.rest()\nALMotion.wakeUp()", "ALMotion.rest()"),
    Case({"moves": "walk"}, "ALMotion.moveTo(0.2, 0.0, 0.0)", "ALMotion.moveTo(0.0, 0.0, 0.0)"),
    Case(
        {"moves": "walk"},
        f"ALMotion.move(0.1, 0.0, 0.0)\n{say('On I go')}",
        "ALMotion.move(0.1, 0.0, 0.0)\nALMotion.stopMove()",
    ),
    Case({"moves": "head"}, turn("HeadYaw", 0.5), 'ALRobotPosture.goToPosture("Sit", 0.8)'),
    Case({"moves": "arms"}, _HEY, turn("HeadYaw", 0.5)),
    Case({"moves": "hands"}, 'ALMotion.openHand("LHand")', 'ALMotion.setAngles("LWristYaw", 0.5, 0.2)'),
    Case({"moves": "posture"}, 'ALRobotPosture.goToPosture("Sit", 0.8)', _HEY),
    Case({"moves": "any"}, turn("HeadYaw", 0.5), f'{say("Still")}\nALLeds.off("FaceLeds")\nALMotion.wakeUp()'),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
