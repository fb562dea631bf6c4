"""The catalogue of NAO against what is known of NAOqi."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.behavior.catalogue import Catalogue
from services.behavior.check import CheckError, check_call
from services.behavior.waiting import TIME

METHODS = [
    (service, method, {int(number) for number in numbers})
    for line in Path(__file__).with_name("naoqi_methods.txt").read_text().splitlines()
    if not line.startswith("#")
    for service, method, *numbers in [line.split()]
]


@pytest.mark.parametrize(("service", "method", "arities"), METHODS, ids=lambda value: str(value))
def test_every_method_of_naoqi_is_offered_whole_or_denied_with_a_reason(
    catalogue: Catalogue, service: str, method: str, arities: set[int]
) -> None:
    offered = catalogue.services[service].by_name.get(method, ())
    assert bool(offered) != catalogue.denies(service, method)
    if offered:
        assert {len(form.args) for form in offered} == arities
    else:
        assert len(catalogue.denial(service, method) or "") > 20


def test_nothing_is_offered_that_naoqi_is_not_known_to_have(catalogue: Catalogue) -> None:
    known = {(service, method) for service, method, _ in METHODS}
    assert {(service, form.name) for service, form in catalogue.calls if service != TIME} <= known


@pytest.mark.parametrize(
    ("call", "args", "sent"),
    [
        ("ALTracker.lookAt", [(0.6, 0, 0.1), 2, 0.3, False], [[0.6, 0.0, 0.1], 2, 0.3, False]),
        ("ALTracker.pointAt", ["LArm", [0.6, 0.1, 0.3], 2, 1], ["LArm", [0.6, 0.1, 0.3], 2, 1.0]),
        ("ALAnimatedSpeech.say", ["Hi", "disabled"], ["Hi", {"bodyLanguageMode": "disabled"}]),
        ("ALTextToSpeech.setParameter", ["pitchShift", 0], ["pitchShift", 0.0]),
        ("ALTextToSpeech.setParameter", ["speed", 80], ["speed", 80.0]),
        ("ALSpeechRecognition.setVocabulary", [["yes", "no"], False], [["yes", "no"], False]),
        ("ALBehaviorManager.runBehavior", ["animations/Sit/Gestures/No_2"], ["animations/Sit/Gestures/No_2"]),
        ("ALAnimationPlayer.runTag", ["hello", "Sit"], ["hello", "Sit"]),
    ],
)
def test_calls_are_sent_as_naoqi_takes_them(
    catalogue: Catalogue, call: str, args: list[object], sent: list[object]
) -> None:
    assert check_call(catalogue, *call.split("."), args) == sent


@pytest.mark.parametrize(
    ("call", "args", "code", "words"),
    [
        ("ALTracker.lookAt", [[0.6, 0.1], 2, 0.3, False], "type", "list of three numbers such as"),
        ("ALTracker.lookAt", [0.6, 2, 0.3, False], "type", "list of three numbers such as"),
        ("ALTracker.lookAt", [[0.6, 0.1, "up"], 2, 0.3, False], "type", "give a number"),
        ("ALTracker.lookAt", [[7.0, 0.1, 0.0], 2, 0.3, False], "range", "between -5 and 5 m"),
        ("ALTracker.lookAt", [[0.6, 0.1, 0.0], 3, 0.3, False], "range", "frame is 3"),
        ("ALTracker.setMode", ["Move"], "enum", "mode cannot be 'Move'"),
        ("ALTextToSpeech.setParameter", ["pitchShift", 0.5], "range", "between 1 and 4"),
        ("ALTextToSpeech.setParameter", ["speed", 3], "range", "between 50 and 400 %"),
        ("ALTextToSpeech.setParameter", ["sped", 100], "enum", "did you mean 'speed'"),
        ("ALSpeechRecognition.setVocabulary", ["yes", True], "type", "list of texts"),
        ("ALSpeechRecognition.setVocabulary", [[], True], "type", "empty list"),
        ("ALSpeechRecognition.setVocabulary", [["yes", 1], True], "type", "list of texts"),
        ("ALSpeechRecognition.setVocabulary", [["yes", "a\\b"], True], "text", "may not contain"),
        ("ALBehaviorManager.runBehavior", ["my-app/main"], "enum", "animation cannot be"),
        ("ALMotion.setStiffnesses", ["Body", 0.0], "enum", "part cannot be 'Body'"),
        ("ALFaceDetection.learnFace", ["Anna"], "denied", "never allowed"),
    ],
)
def test_what_a_robot_would_do_wrong_is_not_sent(
    catalogue: Catalogue, call: str, args: list[object], code: str, words: str
) -> None:
    with pytest.raises(CheckError, match=words) as caught:
        check_call(catalogue, *call.split("."), args)
    assert caught.value.code == f"call.{code}"
