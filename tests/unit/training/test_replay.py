"""The actions of a result, carried out again."""

from __future__ import annotations

import math

import pytest

from services.behavior.schema import Action, Scene
from services.training.judging.replay import replay
from services.training.judging.timeline import START
from tests.unit.training.conftest import result_of


def test_a_replay_does_what_the_program_did() -> None:
    program = """\
ALTextToSpeech.setVolume(0.4)
ALTextToSpeech.say("Bonjour", "French")
ALMotion.setAngles("HeadYaw", 0.5, 0.1)
ALMotion.moveTo(0.4, 0.0, 0.0)
ALMotion.moveTo(0.0, 0.0, 6.28)
ALLeds.fadeRGB("ChestLeds", "red", 1.0)
ALRobotPosture.goToPosture("Crouch", 0.5)
"""
    actions = result_of(program, Scene()).actions
    timeline = replay(actions, Scene())
    assert timeline.error is None
    assert [call.begins for call in timeline.calls] == pytest.approx([action.at_s for action in actions], abs=2e-3)
    assert [(one.call, one.text, one.language) for one in timeline.sentences] == [(1, "Bonjour", "French")]
    assert timeline.calls[1].voice.volume == 0.4
    assert (timeline.place.x, timeline.place.theta) == pytest.approx((0.4, 6.28), abs=1e-6)
    assert timeline.shines[-1].colours == {"ChestLeds": (255, 0, 0)}
    assert (timeline.began, timeline.ended, timeline.awake) == ("Standing", "Crouching", True)
    assert timeline.joints["HeadYaw"][-1] == pytest.approx(0.0)
    assert max(timeline.joints["HeadYaw"]) == pytest.approx(0.5)
    assert timeline.calls[2].moved == {"HeadYaw"}


def test_the_robot_begins_as_the_scene_says() -> None:
    seated = replay([], Scene(posture="Sit", battery=12))
    assert (seated.began, seated.ended, seated.awake, seated.moments[0]) == ("Sitting", "Sitting", True, 0.0)
    charge = [Action(service="ALBattery", method="getBatteryCharge", args=[], at_s=0.0, took_s=0.0)]
    assert replay(charge, Scene(battery=12)).calls[0].effect == "read"
    assert "'Kneel' is no posture" in str(replay([], Scene(posture="Kneel")).error)


def test_a_call_begins_when_it_did() -> None:
    actions = [
        Action(service="ALMotion", method="move", args=[0.05, 0.0, 0.0], at_s=0.0, took_s=0.0),
        Action(service="ALMotion", method="stopMove", args=[], at_s=4.0, took_s=0.0),
        Action(service="ALMotion", method="moveTo", args=[0.0, 0.0, 0.1], at_s=1e9, took_s=0.0),
    ]
    timeline = replay(actions, Scene())
    assert timeline.calls[2].begins == pytest.approx(64.0)  # no program waits for ever
    assert timeline.walks[0].path == pytest.approx(0.2, abs=1e-6)
    assert timeline.walks[0].arrives.x == pytest.approx(0.2, abs=1e-6)


def test_a_wait_is_carried_out_again() -> None:
    program = "ALMotion.move(0.05, 0.0, 0.0)\ntime.sleep(4.0)\nALMotion.stopMove()\n"
    timeline = replay(result_of(program, Scene()).actions, Scene())
    assert timeline.error is None
    assert [(call.name, call.effect) for call in timeline.calls][1] == ("time.sleep", "wait")
    assert timeline.walks[0].path == pytest.approx(0.2, abs=1e-6)


def test_a_call_that_was_interrupted_is() -> None:
    walk = Action(service="ALMotion", method="moveTo", args=[1.0, 0.0, 0.0], at_s=0.0, took_s=4.2, interrupted=True)
    timeline = replay([walk], Scene())
    assert timeline.error is None
    assert timeline.place.x == pytest.approx(0.4, abs=0.01)
    assert timeline.calls[0].ends == pytest.approx(4.2)


def test_an_arc_is_as_long_as_its_way() -> None:
    actions = [
        Action(service="ALMotion", method="move", args=[0.05, 0.0, 0.2], at_s=0.0, took_s=0.0),
        Action(service="ALMotion", method="stopMove", args=[], at_s=40.0, took_s=0.0),
    ]
    (walk,) = replay(actions, Scene()).walks
    assert walk.turned == pytest.approx(8.0, abs=1e-6)
    assert walk.path == pytest.approx(2.0, abs=0.01)
    assert math.hypot(walk.x, walk.y) < 0.5


def test_joints_rest_or_pass_and_know_who_sent_them() -> None:
    program = """\
ALMotion.setAngles("HeadYaw", 1.6, 0.1)
ALMotion.angleInterpolationWithSpeed("LShoulderPitch", 0.5, 0.5)
ALMotion.setAngles("HeadYaw", 0.0, 0.1)
"""
    timeline = replay(result_of(program, Scene()).actions, Scene())
    yaw = timeline.joints["HeadYaw"]
    rests = timeline.rests(["HeadYaw"])
    assert [yaw[i] for i in rests] == pytest.approx([0.0, yaw[rests[1]], 0.0, 0.0], abs=1e-6)
    assert 0.05 < yaw[rests[1]] < 0.5  # as far as it had come when the next call turned it back
    assert timeline.cause(["HeadYaw"], rests[1]) == 0
    assert timeline.cause(["HeadYaw"], timeline.last) == 2
    assert timeline.cause(["RHand"], timeline.last) == START


def test_an_action_that_cannot_be_repeated_ends_the_replay() -> None:
    actions = [
        Action(service="ALMotion", method="openHand", args=["LHand"], at_s=0.0, took_s=0.0),
        Action(service="ALMotion", method="openHand", args=["Foot"], at_s=1.0, took_s=0.0),
        Action(service="ALMotion", method="openHand", args=["RHand"], at_s=2.0, took_s=0.0),
    ]
    timeline = replay(actions, Scene())
    assert "call 2, ALMotion.openHand: " in str(timeline.error)
    assert len(timeline.calls) == 1


def test_a_fall_is_an_error() -> None:
    actions = [Action(service="ALMotion", method="setAngles", args=["LHipPitch", -1.2, 0.1], at_s=0.0, took_s=0.0)]
    timeline = replay(actions, Scene())
    assert str(timeline.error).startswith("the robot fell, because")
    assert timeline.ended.startswith("Lying")
