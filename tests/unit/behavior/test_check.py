from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.check import CallChecker, CheckError, check_call
from services.behavior.ground import UNLED_S
from services.behavior.scene import SceneView
from services.behavior.schema import Scene

HEY = "animations/Stand/Gestures/Hey_1"


def nested(depth: int) -> list[Any]:
    """Lists in lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ACCEPTED: list[tuple[str, list[Any], list[Any]]] = [
    ("ALTextToSpeech.say", ["Hello"], ["Hello"]),
    ("ALTextToSpeech.say", ["Bonjour à tous", "French"], ["Bonjour à tous", "French"]),
    ("ALAnimatedSpeech.say", [f"^start({HEY}) Hello ^wait({HEY})"], [f"^start({HEY}) Hello ^wait({HEY})"]),
    ("ALMotion.wakeUp", [], []),
    ("ALMotion.moveTo", [1, 0, -3], [1.0, 0.0, -3.0]),
    ("ALMotion.setAngles", ["HeadYaw", 1, 0.2], ["HeadYaw", 1.0, 0.2]),
    ("ALMotion.setAngles", [("HeadYaw", "HeadPitch"), (1, 0.3), 1], [["HeadYaw", "HeadPitch"], [1.0, 0.3], 1.0]),
    ("ALMotion.setAngles", ["Head", [0.0, 0.5], 0.2], ["Head", [0.0, 0.5], 0.2]),
    ("ALMotion.setAngles", [["LHand", "RHand"], 1, 0.2], [["LHand", "RHand"], 1.0, 0.2]),
    ("ALMotion.changeAngles", ["HeadYaw", -4.0, 0.2], ["HeadYaw", -4.0, 0.2]),
    ("ALMotion.angleInterpolation", ["HeadYaw", [0.5, -0.5], [1, 2], True], ["HeadYaw", [0.5, -0.5], [1.0, 2.0], True]),
    (
        "ALMotion.angleInterpolation",
        [["HeadYaw", "LHand"], [[0.5, 0.0], 1.0], [[1.0, 2.0], 1.0], True],
        [["HeadYaw", "LHand"], [[0.5, 0.0], 1.0], [[1.0, 2.0], 1.0], True],
    ),
    ("ALMotion.angleInterpolation", ["Head", [0.5, 0.1], 1.0, False], ["Head", [0.5, 0.1], 1.0, False]),
    # Not at one time: the head is turned when it is level, and tilted when it looks ahead.
    (
        "ALMotion.angleInterpolation",
        ["Head", [[1.5, 0.0], [0.0, 0.0, 0.5]], [[1.0, 2.0], [1.0, 2.0, 3.0]], True],
        ["Head", [[1.5, 0.0], [0.0, 0.0, 0.5]], [[1.0, 2.0], [1.0, 2.0, 3.0]], True],
    ),
    # An angle that a robot gave back as a 32-bit float is not out of range for that.
    ("ALMotion.setAngles", ["HeadPitch", 0.51490002, 0.2], ["HeadPitch", 0.51490002, 0.2]),
    ("ALLeds.fadeRGB", ["FaceLeds", "red", 1], ["FaceLeds", "red", 1.0]),
    ("ALLeds.fadeRGB", ["FaceLeds", 0x00FF00, 1], ["FaceLeds", 0x00FF00, 1.0]),
    ("ALAudioPlayer.playFile", ["/usr/share/naoqi/wav/random.wav"], ["/usr/share/naoqi/wav/random.wav"]),
    ("ALMemory.getData", ["FrontTactilTouched"], ["FrontTactilTouched"]),
]

REFUSED: list[tuple[str, list[Any], str, str]] = [
    ("ALMotion.setFallManagerEnabled", [False], "denied", "never allowed"),
    ("ALMotion._shutdown", [], "denied", "never allowed"),
    ("ALTracker.lookAt", [[1.0, 0.0, 0.3], 2, 0.3, True], "denied", "useWholeBody is never True, because it bends"),
    ("ALTracker.setMode", ["WholeBody"], "enum", "choose from 'Head'"),
    ("ALBasicAwareness.setTrackingMode", ["WholeBody"], "enum", "choose from 'Head'"),
    ("ALMotions.wakeUp", [], "service", "did you mean 'ALMotion'?"),
    ("ALMotion.moveto", [1.0, 0.0, 0.0], "method", "did you mean 'moveTo'?"),
    ("ALMotion.say", ["Hello"], "method", "did you mean ALTextToSpeech.say?"),
    ("ALMotion.moveTo", [1.0], "arity", "ALMotion.moveTo(x, y, theta)"),
    ("ALTextToSpeech.say", [], "arity", "say(text) or ALTextToSpeech.say(text, language)"),
    ("ALMotion.moveTo", ["1.0", 0.0, 0.0], "type", "x is '1.0'; give a number"),
    ("ALMotion.moveTo", [True, 0.0, 0.0], "type", "x is True; give a number"),
    ("ALMotion.moveTo", [None, 0.0, 0.0], "type", "give a number"),
    ("ALMotion.moveTo", [math.nan, 0.0, 0.0], "finite", "finite"),
    ("ALMotion.moveTo", [-math.inf, 0.0, 0.0], "finite", "finite"),
    ("ALMotion.setAngles", ["HeadYaw", math.nan, 0.2], "finite", "finite"),
    ("ALMotion.moveTo", [3.1, 0.0, 0.0], "range", "between -3 and 3 m"),
    ("ALMotion.moveTo", [10**400, 0.0, 0.0], "range", "between -3 and 3 m"),
    ("ALMotion.setAngles", ["HeadYaw", 10**400, 0.2], "range", "too large"),
    ("ALMotion.moveTo", [0.0, 0.0, 90.0], "degrees", "write radians: 1.57"),
    ("ALMotion.setAngles", ["HeadYaw", 45, 0.2], "degrees", "write radians: 0.79"),
    # Units that cannot be right
    ("ALMotion.moveTo", [50, 0.0, 0.0], "centimetres", "x is 50, which looks like centimetres; write metres: 0.50"),
    ("ALMotion.moveTo", [0.0, -1500, 0.0], "millimetres", "write metres: -1.50"),
    ("ALMotion.move", [10, 0.0, 0.0], "centimetres", "write metres per second: 0.10"),
    ("ALMotion.move", [0.0, 0.0, 20], "degrees", "write radians per second: 0.35"),
    ("ALMotion.moveTo", [4, 0.0, 0.0], "range", "x is 4 m; write a number between -3 and 3 m"),
    ("ALLeds.fadeRGB", ["FaceLeds", "red", 500], "milliseconds", "write seconds: 0.50"),
    ("ALLeds.fadeRGB", ["FaceLeds", "red", 60], "range", "between 0 and 30 s"),
    ("ALLeds.fadeRGB", ["FaceLeds", "red", -1.0], "range", "between 0 and 30 s"),
    ("ALMotion.setAngles", ["HeadYaw", 0.2, 20], "percent", "write a fraction of 1: 0.20"),
    ("ALMotion.setAngles", ["LHand", 80, 0.2], "percent", "write a fraction of 1: 0.80"),
    ("ALTextToSpeech.setVolume", [1.5], "range", "between 0 and 1"),
    ("ALTextToSpeech.setVolume", [150], "range", "between 0 and 1"),
    ("ALAudioPlayer.playSine", [440, 50, 7, 1.0], "range", "between -1 and 1"),
    ("ALMotion.setAngles", ["HeadYaw", 2.2, 0.2], "limit", "between -2.0857 and 2.0857 rad"),
    ("ALMotion.setAngles", ["LHand", 1.5, 0.2], "limit", "between 0 and 1"),
    ("ALMotion.setAngles", ["HeadYa", 0.2, 0.2], "joint", "did you mean 'HeadYaw'?"),
    ("ALMotion.setAngles", [["HeadYaw", "HeadYaw"], [0.1, 0.2], 0.2], "joint", "twice"),
    ("ALMotion.setAngles", [["Head", "LHand"], [0.1, 0.2], 0.2], "joint", "'Head'"),
    ("ALMotion.setAngles", [["HeadYaw", "HeadPitch"], [0.1], 0.2], "arity", "one for each joint"),
    ("ALMotion.setAngles", [[], [], 0.2], "type", "empty list"),
    ("ALMotion.setAngles", [["HeadYaw", "HeadPitch"], [1.527, 0.4], 0.2], "coupling", "between -0.33 and 0.2"),
    ("ALMotion.setAngles", ["Head", [-1.527, 0.4], 0.2], "coupling", "HeadYaw at -1.527"),
    # On the way: at the first of two times, at a time that only one joint has, and between all times.
    (
        "ALMotion.angleInterpolation",
        ["Head", [[1.527, 0.0], 0.4], [[1.0, 2.0], 1.0], True],
        "coupling",
        "HeadYaw at 1.527",
    ),
    (
        "ALMotion.angleInterpolation",
        ["Head", [[0.0, 1.5], [0.5, 0.0]], [[1.0, 2.0], [2.0, 3.0]], True],
        "coupling",
        "HeadYaw at 1.5",
    ),
    (
        "ALMotion.angleInterpolation",
        ["Head", [[2.08, 0.0], [0.3, 0.3]], [[1.0, 2.0], [1.0, 2.0]], True],
        "coupling",
        "HeadYaw at 1.527",
    ),
    ("ALMotion.changeAngles", ["HeadYaw", 4.5, 0.2], "limit", "between -4.1714 and 4.1714"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [0.5, 0.1], [1.0], True], "arity", "as many of each"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [0.5, 0.1], [2.0, 1.0], True], "range", "let times grow"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [2.0, -2.0], [1.0, 1.1], True], "velocity", "at least 0.48 s"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [[0.5]], [[1.0]], True], "type", "HeadYaw"),
    ("ALMotion.openHand", ["LeftHand"], "enum", "'LHand'"),
    ("ALRobotPosture.goToPosture", ["stand", 0.5], "enum", "did you mean 'Stand'?"),
    ("ALTextToSpeech.say", [""], "text", "empty"),
    ("ALTextToSpeech.say", [7], "type", "text in quotes"),
    ("ALTextToSpeech.say", [10**5000], "type", "too large to write out"),
    ("ALTextToSpeech.say", [nested(100_000)], "type", "too large to write out"),
    ("ALTextToSpeech.say", ["a\nb"], "text", "control characters"),
    ("ALTextToSpeech.say", ["\\rspd=400\\ fast"], "text", "remove it"),
    ("ALTextToSpeech.say", ["a" * 401], "length", "split it"),
    ("ALAnimatedSpeech.say", ["^start(animations/Stand/Hey) hi"], "enum", "did you mean"),
    ("ALAnimatedSpeech.say", ["^mode(disabled) hi"], "text", "^"),
    ("ALAudioPlayer.playFile", ["/etc/passwd"], "text", "that matches"),
    ("ALLeds.fadeRGB", ["FaceLeds", "pink", 1.0], "enum", "'white'"),
    ("ALLeds.fadeRGB", ["FaceLeds", 0x1000000, 1.0], "range", "between 0 and"),
    ("ALAudioPlayer.playSine", [440.0, 50, 0, 1.0], "type", "whole number"),
    ("ALMotion.setBreathEnabled", ["Arms", 1], "type", "True or False"),
    ("ALMotion.setStiffnesses", ["Body", 0.0], "enum", "'Head', 'LArm', 'RArm'"),
]


@pytest.mark.parametrize(("call", "args", "normal"), ACCEPTED)
def test_accepts_and_normalises(catalogue: Catalogue, call: str, args: list[Any], normal: list[Any]) -> None:
    service, _, method = call.partition(".")
    checked = check_call(catalogue, service, method, args)
    assert checked == normal
    # 1 == 1.0 == True in Python, and not to a robot.
    assert repr(checked) == repr(normal)


@pytest.mark.parametrize(("call", "args", "code", "words"), REFUSED)
def test_refuses_and_says_how_to_mend(catalogue: Catalogue, call: str, args: list[Any], code: str, words: str) -> None:
    service, _, method = call.partition(".")
    with pytest.raises(CheckError) as caught:
        check_call(catalogue, service, method, args)
    assert (caught.value.code, words in str(caught.value)) == (f"call.{code}", True), str(caught.value)
    assert caught.value.suggestion


def test_every_denied_method_is_refused(catalogue: Catalogue) -> None:
    for denied in catalogue.deny:
        service, _, method = denied.partition(".")
        with pytest.raises(CheckError, match="never allowed"):
            check_call(catalogue, service, method, [])


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["HeadYaw", "Stand"]),
    lambda children: (
        st.lists(children, max_size=4) | st.tuples(children) | st.dictionaries(st.text(), children, max_size=2)
    ),
    max_leaves=8,
)


@given(data=st.data())
def test_no_argument_makes_the_check_fail_otherwise(data: st.DataObject) -> None:
    catalogue = load_catalogue("nao")
    calls = [(service, method) for service, entry in catalogue.services.items() for method in entry.methods]
    service, method = data.draw(st.sampled_from(calls))
    args = [data.draw(ANYTHING) for _ in method.args]
    try:
        checked = check_call(catalogue, service, method.name, args)
    except CheckError:
        return
    assert check_call(catalogue, service, method.name, checked) == checked


def test_a_walk_at_a_speed_ends_when_the_calls_after_it_do_and_a_little_later() -> None:
    checker = CallChecker(load_catalogue("nao"), SceneView(Scene(free_space=1.0)))

    def call(method: str, *args: Any, at: float) -> float | None:
        checker.check(*method.split("."), list(args), 1, at)  # type: ignore[arg-type]
        return checker.walk_ends

    assert call("ALLeds.on", "FaceLeds", at=1.0) is None
    assert call("ALMotion.move", 0.1, 0.0, 0.0, at=10.0) == 10.0 + UNLED_S
    assert call("ALLeds.on", "FaceLeds", at=11.9) == 10.0 + UNLED_S  # takes no time by itself
    assert call("time.sleep", 3.0, at=11.9) == 13.0 + UNLED_S
    assert call("ALTextToSpeech.stopAll", at=14.5) == 13.0 + UNLED_S
    assert call("ALMotion.stopMove", at=14.6) is None
    assert call("ALMotion.move", 0.05, 0.0, 0.0, at=20.0) == 20.0 + UNLED_S
    checker.walk_was_ended()
    assert checker.walk_ends is None
    with pytest.raises(CheckError, match=r"takes the robot 1\.10 m"):  # 3 s and 2 s at 0.1 m/s, then 2 s at 0.05 m/s
        call("ALMotion.moveTo", 0.5, 0.0, 0.0, at=30.0)
