"""Head, arms, hands and joints: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, turn
from tests.unit.training.conftest import Judged

ROOM = {
    "objects": [{"name": "red ball", "position": [1.0, 0.4, 0.0]}, {"name": "lamp", "position": [1.0, -1.0, 0.5]}],
    "people": [{"name": "Anna", "position": [0.0, 2.0, 0.6]}],
}
_RAISE_RIGHT = 'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", -1.0, 0.3)'

CASES = [
    Case({"looks": {"yaw": [20, 119]}}, turn("HeadYaw", 0.8, 0.0), turn("HeadYaw", -0.8)),
    Case({"looks": {"yaw": [30, 60]}}, turn("HeadYaw", 0.8), turn("HeadYaw", 1.4)),
    Case({"looks": {"yaw": [20, 119], "end": True}}, turn("HeadYaw", 0.8), turn("HeadYaw", 0.8, 0.0)),
    Case({"looks": {"pitch": [18, None]}}, turn("HeadPitch", -0.5), turn("HeadPitch", 0.5)),
    Case(
        {"looks_at": {"target": "lamp", "within": 12}},
        'x, y, z = scene.position("lamp")\nALTracker.lookAt([x, y, z], 2, 0.3, False)',
        turn("HeadYaw", 0.78),
        ROOM,
    ),
    Case(
        {"looks_at": {"target": "red ball", "within": 12}},
        'x, y, z = scene.position("red ball")\nALTracker.lookAt([x, y, z], 2, 0.3, False)',
        turn("HeadYaw", 0.38),
        ROOM,
    ),
    Case(
        {"points_at": {"target": "lamp", "arm": "right", "within": 20}},
        'x, y, z = scene.position("lamp")\nALTracker.pointAt("RArm", [x, y, z], 2, 0.3)',
        'x, y, z = scene.position("lamp")\nALTracker.pointAt("LArm", [x, y, z], 2, 0.3)',
        ROOM,
    ),
    Case(
        {"points_at": {"target": "red ball", "within": 20}},
        'x, y, z = scene.position("red ball")\nALTracker.pointAt("LArm", [x, y, z], 2, 0.3)',
        'x, y, z = scene.position("lamp")\nALTracker.pointAt("RArm", [x, y, z], 2, 0.3)',
        ROOM,
    ),
    Case(
        {"arm": {"side": "both", "raised": [40, None]}},
        'ALMotion.setAngles(["LShoulderPitch", "RShoulderPitch"], [-1.0, -1.0], 0.3)',
        _RAISE_RIGHT,
    ),
    Case({"arm": {"side": "either", "raised": [40, None]}}, _RAISE_RIGHT, _RAISE_RIGHT.replace("-1.0", "0.0")),
    Case(
        {"arm": {"side": "left", "raised": [-20, 20]}},
        'ALMotion.setAngles("LShoulderRoll", 1.3, 0.3)',
        'ALMotion.setAngles("LShoulderRoll", 0.5, 0.3)',
    ),
    Case({"hand": {"side": "left", "state": "open"}}, 'ALMotion.openHand("LHand")', 'ALMotion.openHand("RHand")'),
    Case(
        {"hand": {"side": "both", "state": "closed", "end": True}},
        'ALMotion.closeHand("LHand")\nALMotion.closeHand("RHand")',
        'ALMotion.closeHand("LHand")\nALMotion.openHand("LHand")\nALMotion.closeHand("RHand")',
    ),
    Case(
        {"joint": {"name": "RElbowRoll", "degrees": [40, 90]}},
        'ALMotion.setAngles("RElbowRoll", 1.2, 0.2)',
        'ALMotion.setAngles("RElbowRoll", 0.6, 0.2)',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
