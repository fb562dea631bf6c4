"""The judge itself: it finds the faults that are planted, and lets good calls pass."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.safety.cases import expand
from tests.safety.oracle import oracle

HEY = "animations/Stand/Gestures/Hey_1"

GOOD: list[tuple[str, list[Any]]] = [
    ("ALMotion.moveTo", [3.0, -3.0, 6.3]),
    ("ALTextToSpeech.say", ["Hello"]),
    ("ALTextToSpeech.setParameter", ["pitchShift", 0.0]),
    ("ALAnimatedSpeech.say", [f"^start({HEY}) hello"]),
    ("ALAnimatedSpeech.say", ["hello", {"bodyLanguageMode": "random"}]),
    ("ALMotion.setAngles", [["HeadYaw", "HeadPitch"], [1.5, 0.1], 0.2]),
    ("ALMotion.setAngles", ["Head", [0.5, 0.1], 0.2]),
    ("ALMotion.angleInterpolation", ["HeadYaw", [0.5, -0.5], [1.0, 2.0], True]),
    ("ALMotion.angleInterpolation", ["Head", [[1.5, 0.0], [0.0, 0.5]], [[1.0, 2.0], [1.0, 3.0]], True]),
    ("ALTracker.lookAt", [[1.0, 0.0, 0.5], 2, 0.5, False]),
    ("ALLeds.fadeRGB", ["FaceLeds", 0xFF0000, 1.0]),
    ("ALSpeechRecognition.setVocabulary", [["yes", "no"], False]),
]
BAD: list[tuple[str, list[Any], str]] = [
    ("ALMotion.killAll", [], "denied"),
    ("ALMotion._x", [], "denied"),
    ("ALMotion.dance", [], "not in the catalogue"),
    ("ALMotion.moveTo", [1.0], "not in the catalogue"),
    ("ALMotion.moveTo", [3.01, 0.0, 0.0], "x: out of range"),
    ("ALMotion.moveTo", [math.nan, 0.0, 0.0], "not a finite number"),
    ("ALMotion.moveTo", [math.inf, 0.0, 0.0], "not a finite number"),
    ("ALMotion.moveTo", [True, 0.0, 0.0], "not a finite number"),
    ("ALMotion.moveTo", ["1", 0.0, 0.0], "not a finite number"),
    ("ALAudioPlayer.playSine", [440.0, 1, 0, 1.0], "of its type"),
    ("ALTextToSpeech.say", ["a\\rspd=400\\"], "forbidden"),
    ("ALTextToSpeech.say", [" "], "no text"),
    ("ALTextToSpeech.say", ["a" * 401], "too long"),
    ("ALTextToSpeech.say", ["a\x00"], "control"),
    ("ALTextToSpeech.setParameter", ["pitchShift", 0.5], "out of range"),
    ("ALAnimatedSpeech.say", ["^start(evil) hello"], "forbidden"),
    ("ALAnimatedSpeech.say", ["hello", "random"], "not a map"),
    ("ALAudioPlayer.playFile", ["/etc/passwd"], "not of the pattern"),
    ("ALLeds.off", ["NoseLeds"], "not among the names"),
    ("ALMotion.setBreathEnabled", ["Arms", 1], "neither True nor False"),
    ("ALMotion.setAngles", ["Body", 0.0, 0.2], "no joint"),
    ("ALMotion.setAngles", [["HeadYaw", "HeadYaw"], [0.1, 0.1], 0.2], "different joints"),
    ("ALMotion.setAngles", ["HeadYaw", 2.2, 0.2], "HeadYaw beyond its limits"),
    ("ALMotion.setAngles", [["HeadYaw", "HeadPitch"], [0.1], 0.2], "one entry for each joint"),
    ("ALMotion.setAngles", ["Head", [1.5, 0.5], 0.2], "beyond what HeadYaw leaves"),
    ("ALMotion.changeAngles", ["HeadYaw", 4.5, 0.2], "beyond its limits"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [0.5, 0.1], [2.0, 1.0], True], "do not grow"),
    ("ALMotion.angleInterpolation", ["HeadYaw", [2.0, -2.0], [1.0, 1.1], True], "faster than it can"),
    ("ALMotion.angleInterpolation", ["Head", [[1.5, 0.0], [0.5]], [[1.0, 2.0], [1.0]], True], "HeadYaw leaves"),
    ("ALMotion.angleInterpolation", ["Head", [[2.08, 0.0], [0.3, 0.3]], [[1.0, 2.0], [1.0, 2.0]], True], "leaves"),
    ("ALTracker.lookAt", [[1.0, 0.0], 2, 0.5, False], "wrong length"),
    ("ALTracker.lookAt", [1.0, 2, 0.5, False], "not a list of three"),
    ("ALSpeechRecognition.setVocabulary", ["yes", False], "no text"),
]


@pytest.mark.parametrize(("call", "args"), GOOD)
def test_good_calls_pass(call: str, args: list[Any]) -> None:
    assert oracle("nao").fault(call, args) is None


@pytest.mark.parametrize(("call", "args", "words"), BAD)
def test_planted_faults_are_found(call: str, args: list[Any], words: str) -> None:
    assert words in (oracle("nao").fault(call, args) or "")


def test_the_gateways_own_calls_are_known_to_the_letter() -> None:
    judge = oracle("nao")
    assert judge.is_own("ALMotion.stopMove", [])
    assert judge.is_own("ALMotion.killTasksUsingResources", [["Body"]])
    assert not judge.is_own("ALMotion.killTasksUsingResources", [["LLeg"]])
    assert not judge.is_own("ALMotion.killAll", [])


@pytest.mark.parametrize(
    ("short", "text"),
    [
        ("a<3×bc>d", "abcbcbcd"),
        ("<2×<2×a>b>", "aabaab"),
        ("<U+0041><U+1F916>", "A🤖"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("<2×<U+003C>>", "<<"),
    ],
)
def test_the_corpus_is_written_short(short: str, text: str) -> None:
    assert expand(short) == text
