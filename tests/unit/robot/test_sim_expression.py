"""The simulated robot's voice, lights, animations and sounds."""

from __future__ import annotations

import json

import pytest

from services.robot.simulator.animations import ANIMATIONS
from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.lights import RASTA
from services.robot.simulator.nao import LOGGED_CALLS, Nao
from services.robot.simulator.voice import BREATH_S, CHARACTERS_PER_S, LOGGED_SENTENCES

HEY = "animations/Stand/Gestures/Hey_1"


def test_speech_lasts_as_long_as_its_text(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.voice.say("x" * 28)
    assert activity.ends == pytest.approx(28 / CHARACTERS_PER_S + BREATH_S)
    clock.advance(activity.ends)
    assert activity.completed is True
    (sentence,) = nao.voice.log()
    assert sentence == {
        "at_s": 0.0,
        "ends_s": activity.ends,
        "text": "x" * 28,
        "language": "English",
        "volume": 0.7,
        "complete": True,
    }


def test_sentences_wait_for_each_other(nao: Nao, clock: SteppedClock) -> None:
    first, second = nao.voice.say("Hello"), nao.voice.say("world", "French")
    clock.advance(first.ends)
    assert second.completed is None
    assert nao.voice.log()[1]["at_s"] == first.ends
    assert nao.voice.log()[1]["language"] == "French"


def test_stop_silences_what_is_said_and_what_waits(nao: Nao, clock: SteppedClock) -> None:
    sentences = [nao.voice.say("a long sentence"), nao.voice.say("another")]
    clock.advance(0.1)
    nao.voice.stop_all()
    assert [sentence.completed for sentence in sentences] == [False, False]
    assert nao.voice.say("now").starts == pytest.approx(0.1)
    assert nao.voice.log()[-1]["at_s"] == pytest.approx(0.1)


def test_voice_tags_are_not_spoken_and_speed_counts(nao: Nao) -> None:
    nao.voice.set_parameter("speed", 200.0)
    activity = nao.voice.say("\\rspd=80\\ hello \\pau=100\\")
    assert nao.voice.log()[0]["text"] == "hello"
    assert activity.ends == pytest.approx(5 / CHARACTERS_PER_S / 2 + BREATH_S)


def test_senseless_voice_settings_are_errors(nao: Nao) -> None:
    for setting in (
        lambda: nao.voice.set_volume(1.5),
        lambda: nao.voice.set_volume(float("nan")),
        lambda: nao.voice.set_language("Klingon"),
        lambda: nao.voice.set_parameter("charm", 1.0),
        lambda: nao.voice.say("hello", "Klingon"),
    ):
        with pytest.raises(ValueError, match=r"must be|is not installed|no parameter"):
            setting()
    assert nao.voice.log() == []


def test_leds_fade_from_colour_to_colour(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.lights.fade_rgb("FaceLeds", "red", 2.0)
    clock.advance(1.0)
    assert nao.lights.colours()["LeftFaceLeds"] == "#ff8080"
    assert nao.lights.colours()["ChestLeds"] == "#ffffff"
    clock.advance(1.0)
    assert activity.completed is True
    assert nao.lights.colours()["RightFaceLeds"] == "#ff0000"
    nao.lights.fade("FaceLeds", 0.5, 0.0)
    assert nao.lights.colours()["LeftFaceLeds"] == "#800000"


def test_a_pattern_of_the_eyes_leaves_them_as_they_were(nao: Nao, clock: SteppedClock) -> None:
    nao.lights.fade_rgb("FaceLeds", "blue", 0.0)
    activity = nao.lights.show(3.0, RASTA)
    seen = set()
    for _ in range(10):
        clock.advance(0.29)
        seen.add(nao.lights.colours()["LeftFaceLeds"])
    assert len(seen) > 3
    clock.advance(0.1)
    assert activity.completed is True
    assert nao.lights.colours()["LeftFaceLeds"] == "#0000ff"
    nao.lights.show(3.0, RASTA)
    clock.advance(0.5)
    nao.lights.stop()
    assert nao.lights.colours()["LeftFaceLeds"] == "#0000ff"


@pytest.mark.parametrize(
    ("group", "colour", "seconds"),
    [
        ("Nose", "red", 1.0),
        ("FaceLeds", "mauve", 1.0),
        ("FaceLeds", 0x1000000, 1.0),
        ("FaceLeds", -1, 1.0),
        ("FaceLeds", 0.5, 1.0),
        ("FaceLeds", "red", -1.0),
        ("FaceLeds", "red", float("inf")),
    ],
)
def test_senseless_lights_are_errors(nao: Nao, group: str, colour: str | int, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"group|colour|duration"):
        nao.lights.fade_rgb(group, colour, seconds)


def test_an_animation_moves_the_joints_and_brings_them_back(nao: Nao, clock: SteppedClock) -> None:
    before = nao.motion.joints()
    activity = nao.animate(HEY)
    clock.advance(ANIMATIONS[HEY] / 2)
    assert nao.motion.joints()["RShoulderPitch"] < before["RShoulderPitch"] - 1.0
    assert nao.playing() == [HEY]
    clock.advance(ANIMATIONS[HEY])
    assert activity.completed is True
    assert nao.playing() == []
    assert nao.motion.joints() == pytest.approx(before)


def test_unknown_animations_are_errors(nao: Nao) -> None:
    with pytest.raises(ValueError, match="no animation"):
        nao.animate("animations/Stand/Gestures/Backflip_1")


def test_animated_speech_plays_what_the_text_names(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.say_animated(f"Hi ^start({HEY}) there ^wait({HEY})")
    assert nao.voice.log()[0]["text"] == "Hi there"
    assert nao.playing() == [HEY]
    assert activity.ends == pytest.approx(ANIMATIONS[HEY])
    clock.advance(activity.ends)
    assert activity.completed is True


def test_prepare_wakes_a_resting_robot_and_takes_the_scenes_word(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_to(0.2, 0.0, 0.0)
    clock.advance(20)
    nao.motion.rest()
    clock.advance(20)
    nao.prepare("", -1)
    assert (nao.motion.motors.awake(), nao.motion.body.posture(), nao.battery) == (True, "Stand", 100)
    nao.prepare("Sit", 35)
    assert (nao.motion.body.posture(), nao.battery) == ("Sit", 35)
    assert nao.motion.pose().x == pytest.approx(0.2)
    with pytest.raises(ValueError, match="no posture"):
        nao.prepare("Flying", -1)


def test_logs_are_bounded_and_the_snapshot_is_json(nao: Nao) -> None:
    for number in range(max(LOGGED_CALLS, LOGGED_SENTENCES) + 50):
        nao.record("ALMotion", "moveTo", (float("nan"), number))
        nao.voice.say(f"{number}")
    snapshot = json.loads(nao.snapshot_json())
    assert len(snapshot["calls"]) == LOGGED_CALLS
    assert len(snapshot["speech"]) == LOGGED_SENTENCES
    assert snapshot["called"] == LOGGED_CALLS + 50
