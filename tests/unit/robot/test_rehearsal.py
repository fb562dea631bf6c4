"""A program on a simulated robot whose time takes no time."""

from __future__ import annotations

import asyncio

import pytest

from services.behavior.check import CheckError
from services.behavior.program import ProgramError
from services.behavior.schema import Scene
from services.behavior.sequence import Sequence
from services.robot.errors import BehaviorFailed
from services.robot.rehearsal import Rehearsal, rehearse


def test_a_program_uses_the_scene_and_what_it_is_answered() -> None:
    scene = Scene.model_validate({"objects": [{"name": "red ball", "position": [0.6, 0.2, 0.0]}], "posture": "Stand"})
    recording = rehearse(
        """\
# Step 1: go to the ball | target: red ball | prefer: slowly | avoid: stepping on it
x, y, z = scene.position("red ball")
ALMotion.moveTo(x - 0.25, y, 0.0)
if ALRobotPosture.goToPosture("Crouch", 0.8):
    ALTextToSpeech.say("I am there.")
""",
        scene,
    )
    end = recording.at(recording.seconds)
    assert (end.x, end.y) == pytest.approx((0.35, 0.2), abs=0.01)
    assert end.angles["LKneePitch"] == pytest.approx(2.11, abs=0.01)
    assert [said.text for said in recording.spoken] == ["I am there."]
    assert [(item.name, item.x, item.y) for item in recording.items] == [("red ball", 600, 200)]


def test_what_is_under_way_at_the_end_is_told_to_its_end() -> None:
    recording = rehearse('ALMotion.setAngles("HeadYaw", 1.0, 0.1)\n')
    assert recording.seconds == pytest.approx(1.0 / 0.8268, abs=0.01)
    assert recording.at(recording.seconds).angles["HeadYaw"] == pytest.approx(1.0)


def test_a_robot_walks_while_its_program_waits() -> None:
    recording = rehearse("ALMotion.move(0.05, 0.0, 0.0)\ntime.sleep(3.0)\nALMotion.stopMove()\ntime.sleep(2.0)\n")
    assert recording.seconds == pytest.approx(5.0)
    assert recording.at(1.0).x == pytest.approx(0.05, abs=1e-3)
    assert recording.at(5.0).x == pytest.approx(0.15, abs=1e-3)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets through what would make the robot fall: the checks of a call after others look away."""
    monkeypatch.setattr(Sequence, "take", lambda *_: None)


def test_a_fall_that_comes_after_the_last_call_is_told(unchecked: None) -> None:
    recording = rehearse('ALMotion.setAngles("LHipPitch", -1.2, 0.1)\n')
    assert recording.fallen is not None
    assert abs(recording.at(recording.seconds).lean) > 1.0


@pytest.mark.parametrize(
    ("program", "error", "reason"),
    [
        ("import os\n", ProgramError, "import"),
        ("far = ALSonar.getFilteredValues()\nALMotion.moveTo(far[0], 0.0, 0.0)\n", CheckError, "x is 5"),
        ("# Refuse: that would hurt somebody\n", BehaviorFailed, "that would hurt somebody"),
        ("far = ALBattery.getBatteryCharge() / 40\nALMotion.moveTo(0.0, far, 0.0)\n", CheckError, "2.50 m from where"),
    ],
)
def test_a_program_that_does_not_run_says_why(program: str, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        rehearse(program, Scene(free_space=2.0))


def test_a_fall_that_keeps_the_program_from_going_on_is_the_reason(unchecked: None) -> None:
    with pytest.raises(BehaviorFailed, match="the robot"):
        rehearse(
            'ALMotion.setAngles(["LHipPitch", "RKneePitch"], [-1.2, 1.0], 0.9)\nALMotion.moveTo(0.1, 0.0, 0.0)\n'
            "ALMotion.moveTo(0.2, 0.0, 0.0)\n"
        )


def test_the_calls_are_told_as_a_result_document_has_them() -> None:
    rehearsal = Rehearsal(Scene(battery=64))
    asyncio.run(
        rehearsal.run(
            'charge = ALBattery.getBatteryCharge()\nALTextToSpeech.say("Hello")\nALMotion.openHand("LHand")\n'
        )
    )
    calls = [(action.method, action.args, action.at_s, action.result) for action in rehearsal.actions]
    assert calls == [
        ("getBatteryCharge", [], 0.0, 64),
        ("say", ["Hello"], 0.0, None),
        ("openHand", ["LHand"], 0.657, None),
    ]
    assert rehearsal.actions[1].took_s == pytest.approx(0.657)
