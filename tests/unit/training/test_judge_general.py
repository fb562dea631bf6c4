"""Sounds, senses, time and calls: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say
from tests.unit.training.conftest import Judged

CASES = [
    Case({"sound": "tone"}, "ALAudioPlayer.playSine(440, 50, 0, 1.0)", "ALAudioPlayer.setMasterVolume(0.5)"),
    Case(
        {"sound": "file"},
        'ALAudioPlayer.playFile("/usr/share/naoqi/wav/bip.wav")',
        "ALAudioPlayer.playSine(440, 50, 0, 1.0)",
    ),
    Case({"sound": "any"}, "ALAudioPlayer.playSine(440, 50, 0, 1.0)", say("Beep")),
    Case({"reads": "battery"}, "level = ALBattery.getBatteryCharge()", "here = ALRobotPosture.getPosture()"),
    Case(
        {"reads": "battery"},
        'level = ALMemory.getData("Device/SubDeviceList/Battery/Charge/Sensor/Value")',
        'far = ALMemory.getData("Device/SubDeviceList/US/Left/Sensor/Value")',
    ),
    Case({"reads": "sonar"}, "far = ALSonar.getFilteredValues()", 'ALSonar.subscribe("me")'),
    Case(
        {"reads": "touch"},
        'touched = ALMemory.getData("FrontTactilTouched")',
        'face = ALMemory.getData("FaceDetected")',
    ),
    Case({"reads": "posture"}, "here = ALRobotPosture.getPostureFamily()", "all = ALRobotPosture.getPostureList()"),
    Case({"reads": "angles"}, 'now = ALMotion.getAngles("HeadYaw", False)', 'now = ALMotion.getLimits("HeadYaw")'),
    Case({"reads": "any"}, 'now = ALMotion.getLimits("HeadYaw")', say("I read nothing")),
    Case({"lasts": [4, 8]}, "ALAudioPlayer.playSine(440, 50, 0, 5.0)", "ALAudioPlayer.playSine(440, 50, 0, 3.0)"),
    Case({"lasts": [4, 8]}, 'ALMotion.setAngles("HeadYaw", 2.0, 0.05)', 'ALMotion.setAngles("HeadYaw", 2.0, 0.5)'),
    Case(
        {"calls": {"method": "ALMotion.moveTo", "times": [2, 3]}},
        "for i in range(2):\n    ALMotion.moveTo(0.1, 0.0, 0.0)",
        "ALMotion.moveTo(0.2, 0.0, 0.0)",
    ),
    Case({"calls": {"method": "ALMotion.wakeUp"}}, "ALMotion.wakeUp()", "ALMotion.rest()"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
