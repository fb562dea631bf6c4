"""Gestures: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say, turn
from tests.unit.training.conftest import Judged

_HEY = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'
_RAISE_RIGHT = 'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", -1.0, 0.3)'

CASES = [
    Case({"gesture": "wave"}, _HEY, 'ALAnimationPlayer.run("animations/Stand/Gestures/Salute_1")'),
    Case({"gesture": "wave"}, 'ALAnimatedSpeech.say("^start(animations/Stand/Gestures/Hey_2) Hello")', say("Hey_2")),
    Case(
        {"gesture": "wave"},
        f"{_RAISE_RIGHT}\n{turn('RElbowRoll', 1.2, 0.4, 1.2, 0.4)}",
        f"{_RAISE_RIGHT}\n{turn('RElbowRoll', 1.2, 0.4)}",
    ),
    Case(
        {"gesture": "wave"},
        f"{_RAISE_RIGHT}\n{turn('RWristYaw', 0.5, -0.5, 0.5, -0.5)}",
        turn("RWristYaw", 0.5, -0.5, 0.5, -0.5),
    ),
    Case({"gesture": "nod"}, 'ALAnimationPlayer.runTag("yes")', 'ALAnimationPlayer.runTag("no")'),
    Case({"gesture": "nod"}, turn("HeadPitch", 0.2, -0.1), turn("HeadPitch", 0.2)),
    Case({"gesture": "nod"}, turn("HeadPitch", 0.2, -0.1), turn("HeadPitch", -0.1, -0.17)),
    # Postures move the head too, and this is no nod.
    Case(
        {"gesture": "nod"},
        turn("HeadPitch", 0.0, -0.17),
        'ALRobotPosture.goToPosture("StandInit", 0.8)\nALRobotPosture.goToPosture("Stand", 0.8)',
    ),
    Case({"gesture": "shake_head"}, turn("HeadYaw", 0.4, -0.4, 0.0), turn("HeadYaw", 0.15, 0.0)),
    # A motion that is not waited for gives way to the next.
    Case(
        {"gesture": "shake_head"},
        'ALMotion.angleInterpolationWithSpeed("HeadYaw", 0.4, 0.2)\nALMotion.setAngles("HeadYaw", 0.0, 0.2)',
        'ALMotion.setAngles("HeadYaw", 0.4, 0.2)\nALMotion.setAngles("HeadYaw", 0.0, 0.2)',
    ),
    *(
        Case({"gesture": name}, f'ALAnimationPlayer.run("animations/Stand/{path}")', _HEY)
        for name, path in {
            "bow": "Gestures/BowShort_1",
            "applaud": "Gestures/Applause_1",
            "shrug": "Gestures/IDontKnow_3",
            "think": "Gestures/Thinking_8",
            "happy": "Emotions/Positive/Happy_4",
            "sad": "Emotions/Negative/Sad_1",
            "excited": "Gestures/Enthusiastic_2",
            "calm": "Gestures/CalmDown_1",
            "point_self": "Gestures/Me_1",
            "point_you": "Gestures/You_5",
            "explain": "Gestures/Explain_11",
            "give": "Gestures/Give_6",
        }.items()
    ),
    Case(
        {"gesture": "dance"},
        f"{_HEY}\n{turn('HeadYaw', 0.5, -0.5)}\nALMotion.moveTo(0.0, 0.0, 0.5)",
        f"for i in range(6):\n    {_HEY}\n    {turn('HeadYaw', 0.5, -0.5)}",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
