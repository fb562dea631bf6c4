"""A simulated NAO whose time takes no time, called one call after the other."""

from __future__ import annotations

import pytest

from services.behavior.schema import Scene
from services.robot.errors import RobotFault
from services.robot.simulator.stepped import SteppedNao


def test_time_passes_only_while_a_call_lasts() -> None:
    robot = SteppedNao(Scene(posture="Sit", battery=30))
    begun = robot.begin("ALRobotPosture", "goToPosture", ["Stand", 1.0])
    assert robot.clock.now() == 0.0
    assert robot.end(begun) is True
    assert robot.clock.now() > 4.0
    assert robot.end(robot.begin("ALBattery", "getBatteryCharge", [])) == 30


@pytest.mark.parametrize(
    ("service", "method", "args", "reason"),
    [
        ("ALMotion", "moveTo", [1.0], "no such method for 1 arguments"),
        ("ALCooking", "fry", [], "no such method"),
        ("ALMotion", "openHand", ["Foot"], "is no hand"),
    ],
)
def test_a_call_that_cannot_begin_says_why(service: str, method: str, args: list[object], reason: str) -> None:
    with pytest.raises(RobotFault, match=reason):
        SteppedNao(Scene()).begin(service, method, args)


def test_a_call_that_a_fall_ends_says_why() -> None:
    robot = SteppedNao(Scene())
    begun = robot.begin("ALMotion", "angleInterpolation", ["LHipPitch", -1.2, 1.0, True])
    with pytest.raises(RobotFault, match="the robot fell"):
        robot.end(begun)
