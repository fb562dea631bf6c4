"""The verdict on a behaviour: its end, the order of what it does, and what is wrong in words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.behavior.schema import Action, BehaviorResult, Failure, Scene
from services.training.judging.judge import judge
from tests.unit.training.conftest import Judged, item_of, result_of

HELLO = 'ALTextToSpeech.say("Hello")\n'
WAVE = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")\n'
LEFT_RIGHT = 'ALMotion.angleInterpolation("HeadYaw", [0.8, -0.8], [1.0, 2.5], True)\n'
SPOKEN: dict[str, Any] = {"says": {"any": ["hello"]}}
WAVED: dict[str, Any] = {"gesture": "wave"}
LEFT: dict[str, Any] = {"looks": {"yaw": [20, 119]}}
RIGHT: dict[str, Any] = {"looks": {"yaw": [-119, -20]}}
AHEAD: dict[str, Any] = {"looks": {"yaw": [-5, 5]}}
FORTH: dict[str, Any] = {"walks": {"distance": [0.4, 0.6], "bearing": [-10, 10]}}
TURNED: dict[str, Any] = {"turns": {"degrees": [80, 100]}}


def test_a_finding_says_what_was_seen_instead(judged: Judged) -> None:
    verdict = judged("ALMotion.moveTo(0.42, 0.0, 0.0)\n", must=[{"walks": {"distance": [0.9, 1.1]}}, SPOKEN])
    assert not verdict.passed
    assert verdict.findings == ["walks: distance 0.42 m, not within 0.9 to 1.1", "says: it says nothing"]


@pytest.mark.parametrize(
    ("program", "in_order", "finding"),
    [
        (WAVE + HELLO, [WAVED, SPOKEN], None),
        (WAVE + HELLO, [SPOKEN, WAVED], "comes with call 1, not after"),
        (HELLO + WAVE + HELLO, [WAVED, SPOKEN], None),
        (HELLO + HELLO, [SPOKEN, SPOKEN], None),
        (HELLO, [SPOKEN, {"says": {}}], "not after"),
        (HELLO, [SPOKEN, WAVED], "does not come about"),
        # One call can do several things, one after the other.
        (LEFT_RIGHT, [LEFT, RIGHT], None),
        (LEFT_RIGHT, [RIGHT, LEFT], "not after"),
        # What was so from the beginning comes first.
        (LEFT_RIGHT, [AHEAD, LEFT], None),
        (LEFT_RIGHT, [LEFT, AHEAD], "comes before the first call"),
        # The head is on its way when it speaks; the looking has begun before.
        ('ALMotion.setAngles("HeadYaw", 0.8, 0.1)\n' + HELLO, [LEFT, SPOKEN], None),
        (HELLO + 'ALMotion.setAngles("HeadYaw", 0.8, 0.1)\n', [LEFT, SPOKEN], "not after"),
        # Each call by itself, in the frame in which it began.
        ("ALMotion.moveTo(0.0, 0.0, 1.57)\nALMotion.moveTo(0.5, 0.0, 0.0)\n", [TURNED, FORTH], None),
        ("ALMotion.moveTo(0.5, 0.0, 0.0)\nALMotion.moveTo(0.0, 0.0, 1.57)\n", [TURNED, FORTH], "not after"),
        ("ALMotion.moveTo(0.0, 0.0, 1.57)\nALMotion.moveTo(0.5, 0.0, 0.0)\n", [{"all_of": [TURNED, FORTH]}], None),
        (HELLO + WAVE, [{"any_of": [WAVED, LEFT]}, SPOKEN], "not after"),
    ],
)
def test_the_order_counts(program: str, in_order: list[dict[str, Any]], finding: str | None, judged: Judged) -> None:
    findings = judged(program, in_order=in_order).findings
    assert (findings == []) if finding is None else (len(findings) == 1 and finding in findings[0])


@pytest.mark.parametrize(
    ("outcome", "program", "status", "finding"),
    [
        ("words", HELLO, "succeeded", None),
        ("words", HELLO + 'ALLeds.off("FaceLeds")\n', "refused", None),
        ("words", 'ALLeds.off("FaceLeds")\n', "succeeded", "words: it says nothing"),
        ("words", HELLO + 'ALMotion.openHand("LHand")\n', "succeeded", "nothing may move, but call 2"),
        ("words", HELLO, "failed", "status: failed, not succeeded or refused"),
        ("refuses", HELLO, "refused", None),
        ("refuses", HELLO, "succeeded", "status: succeeded, not refused"),
        ("refuses", HELLO + 'ALLeds.off("FaceLeds")\n', "refused", "at most it speaks, but it calls call 2"),
        ("refuses", "ALMotion.moveTo(0.2, 0.0, 0.0)\n", "refused", "nothing may move, but call 1"),
        ("acts", HELLO, "refused", "status: refused, not succeeded"),
    ],
)
def test_the_end_is_as_wanted(outcome: str, program: str, status: Any, finding: str | None, judged: Judged) -> None:
    predicates = {"must": [SPOKEN]} if outcome == "acts" else {}
    findings = judged(program, None, outcome, status, **predicates).findings
    assert (findings == []) if finding is None else (len(findings) == 1 and finding in findings[0])


def test_a_refusal_may_be_without_any_call() -> None:
    refused = BehaviorResult(id="1", status="refused", instruction="do it", robot="nao", backend="none")
    assert judge(item_of(outcome="refuses"), refused).passed
    assert judge(item_of(outcome="words"), refused).findings == ["words: it says nothing"]


def test_why_a_behaviour_failed_is_told() -> None:
    result = result_of(HELLO, Scene(), "failed")
    result.error = Failure(code="robot.fell", message="the robot fell")
    assert judge(item_of(must=[SPOKEN]), result).findings == ["status: failed, not succeeded (the robot fell)"]


@pytest.mark.parametrize(
    ("service", "method", "args", "reason"),
    [
        ("ALMotion", "moveTo", ["far", 0.0, 0.0], "call 2, ALMotion.moveTo: "),
        ("ALMotion", "moveTo", [], "no such method for 0 arguments"),
        ("ALCooking", "fry", ["egg"], "no such method"),
        ("ALTextToSpeech", "say", [None], "call 2, ALTextToSpeech.say: "),
        ("ALTextToSpeech", "setVolume", [7.0], "the volume must be between 0 and 1"),
        ("ALAnimatedSpeech", "say", ["^start(animations/Nowhere)"], "no animation"),
        ("ALAnimatedSpeech", "say", ["Hello", 3], "call 2, ALAnimatedSpeech.say: "),
        ("ALMotion", "setAngles", [["LHipPitch", "RHipPitch"], [-1.5, 0.4], 1.0], "the robot fell"),
        ("ALLeds", "fadeRGB", [["FaceLeds"], "red", 1.0], "call 2, ALLeds.fadeRGB: "),
        ("ALMemory", "getData", [{}], "call 2, ALMemory.getData: "),
        ("ALMotion", "angleInterpolation", ["HeadYaw", [], [], True], "call 2, ALMotion.angleInterpolation: "),
    ],
)
def test_whatever_a_program_did_there_is_a_verdict(service: str, method: str, args: list[Any], reason: str) -> None:
    result = result_of(HELLO, Scene())
    result.actions.append(Action(service=service, method=method, args=args, at_s=2.0, took_s=0.0))
    findings = judge(item_of(must=[SPOKEN]), result).findings
    assert len(findings) == 1
    assert findings[0].startswith("replay: ")
    assert reason in findings[0]


def test_the_same_behaviour_always_gets_the_same_verdict_and_quickly(record_property: Any) -> None:
    program = (
        WAVE + HELLO + "ALMotion.moveTo(0.5, 0.0, 0.0)\n" + LEFT_RIGHT + 'ALRobotPosture.goToPosture("Sit", 0.5)\n'
    )
    seated = {"posture": {"family": "Sitting", "end": True}}
    item = item_of(
        must=[WAVED, SPOKEN, FORTH, seated],
        in_order=[WAVED, SPOKEN, FORTH, LEFT, RIGHT, {"posture": "Sitting"}],
        must_not=[{"gesture": "dance"}, {"lights": {"group": "any", "colour": "any"}}],
    )
    result = result_of(program, Scene())
    began = time.perf_counter()
    verdicts = [judge(item, result) for _ in range(200)]
    each = (time.perf_counter() - began) / len(verdicts)
    record_property("judgement_ms", round(each * 1000, 2))
    assert all(verdict == verdicts[0] for verdict in verdicts)
    assert verdicts[0].findings == ['must not: {"gesture":"dance"} holds']
    assert each < 0.02  # two thousand are to take seconds; a busy machine may take a few times as long
