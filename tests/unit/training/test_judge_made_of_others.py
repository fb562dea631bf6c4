"""Predicates made of others: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say, turn
from tests.unit.training.conftest import Judged

_HEY = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'
_BLINK = 'for i in range({}):\n    ALLeds.fadeRGB("FaceLeds", "blue", 0.2)\n    ALLeds.off("FaceLeds")'

CASES = [
    Case({"times": {"of": {"says": {"any": ["ho"]}}, "count": [3, 3]}}, say("Ho", "Ho", "Ho ho"), say("Ho ho ho")),
    Case(
        {"times": {"of": {"lights": {"group": "eyes", "colour": "blue"}}, "count": [3, 3]}},
        _BLINK.format(3),
        _BLINK.format(2),
    ),
    Case(
        {"times": {"of": {"lights": {"group": "any", "colour": "blue"}}, "count": [3, 3]}},
        _BLINK.format(3),
        _BLINK.format(4),
    ),
    Case(
        {"times": {"of": {"gesture": "nod"}, "count": [3, 3]}},
        turn("HeadPitch", *[0.2, -0.2] * 3),
        turn("HeadPitch", *[0.2, -0.2] * 2),
    ),
    Case({"times": {"of": {"gesture": "wave"}, "count": [2, 2]}}, f"{_HEY}\n{_HEY}", _HEY),
    Case(
        {"times": {"of": {"hand": {"side": "right", "state": "open"}}, "count": [2, 2]}},
        'for i in range(2):\n    ALMotion.openHand("RHand")\n    ALMotion.closeHand("RHand")',
        'for i in range(2):\n    ALMotion.openHand("RHand")',
    ),
    Case(
        {"times": {"of": {"looks": {"yaw": [20, None]}}, "count": [2, 2]}},
        turn("HeadYaw", 0.6, 0.0, 0.6),
        turn("HeadYaw", 0.6, 0.7),
    ),
    Case(
        {"times": {"of": {"turns": {"degrees": [80, 100]}}, "count": [2, 2]}},
        "for i in range(2):\n    ALMotion.moveTo(0.0, 0.0, 1.57)",
        "ALMotion.moveTo(0.0, 0.0, 3.14)",
    ),
    Case({"any_of": [{"sound": "any"}, {"says": {}}]}, say("Beep"), 'ALMotion.openHand("LHand")'),
    Case({"all_of": [{"moves": "hands"}, {"says": {}}]}, f'{say("Beep")}\nALMotion.openHand("LHand")', say("Beep")),
    Case({"not": {"says": {"any": ["six"]}}}, say("five"), say("five, six")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
