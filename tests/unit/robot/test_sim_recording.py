"""What the simulated robot tells of what it did."""

from __future__ import annotations

import json
import math

import pytest

from services.picture.recording import MAX_MOMENTS, Recording
from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.track import KEPT_KEYS, Track, linear


def recorded(nao: Nao) -> Recording:
    return Recording.model_validate_json(nao.recording_json())


def test_a_recording_tells_joints_place_lights_and_words(nao: Nao, clock: SteppedClock) -> None:
    clock.advance(100.0)
    nao.prepare("", -1)
    nao.motion.interpolate(["LShoulderPitch", "RShoulderPitch"], [-1.0, -1.0], [2.0, 2.0], True)
    nao.lights.fade_rgb("FaceLeds", "red", 1.0)
    clock.advance(3.0)
    nao.voice.say("Here I come")
    nao.motion.walk_to(0.4, 0.0, 0.0)
    clock.advance(10.0)
    recording = recorded(nao)
    assert set(recording.joints) == set(JOINTS)
    assert recording.seconds == pytest.approx(13.0)
    for seconds in (0.0, 0.7, 2.0, 3.5, 13.0):
        state, stance = recording.at(seconds), nao.motion.body.stance(100.0 + seconds)
        assert state.angles == pytest.approx(stance.angles, abs=2e-3)
        assert (state.x, state.y, state.theta) == pytest.approx((stance.pose.x, 0.0, 0.0), abs=2e-3)
        assert state.steps == pytest.approx(stance.steps, abs=2e-3)
    assert recording.at(0.5).leds["LeftFaceLeds"] == pytest.approx((255, 128, 128), abs=1)
    assert [(said.begins, said.text) for said in recording.spoken] == [(3000, "Here I come")]
    assert recording.fallen is None
    packed = recording.packed()
    assert packed is not None
    assert len(packed) < 1000


def test_its_place_begins_where_the_robot_stood(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_to(0.5, 0.2, math.pi / 2)
    clock.advance(60.0)
    nao.prepare("", -1)
    nao.motion.walk_to(0.4, 0.0, 0.0)
    clock.advance(60.0)
    end = recorded(nao).at(60.0)
    assert (end.x, end.y, end.theta) == pytest.approx((0.4, 0.0, 0.0), abs=2e-3)


def test_turning_past_half_a_turn_goes_on(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_at(0.0, 0.0, 10.0)
    clock.advance(30.0)
    nao.motion.halt()
    assert recorded(nao).at(30.0).theta == pytest.approx(30.0 * 0.349 / 0.84, abs=2e-3)


def test_a_curve_is_told_as_one(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_at(0.05, 0.0, 0.2)
    clock.advance(20.0)
    recording = recorded(nao)
    for seconds in range(20):
        state, pose = recording.at(seconds), nao.motion.body.stance(seconds).pose
        assert (state.x, state.y) == pytest.approx((pose.x, pose.y), abs=3e-3)


def test_a_fall_is_told_with_its_reason(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.set_angles("LHipPitch", -1.2, 0.5)
    clock.advance(3.0)
    nao.motion.wake_up()
    clock.advance(10.0)
    recording = recorded(nao)
    assert recording.fallen is not None
    assert 0 < recording.fallen.at < 500
    assert recording.fallen.why == "its centre of mass left the support of its feet"
    lying = recording.at(2.0)
    assert (lying.on_feet, abs(lying.lean)) == (0.0, pytest.approx(1.4, abs=0.11))
    assert recording.at(12.9).on_feet == 1.0
    nao.prepare("", -1)
    assert recorded(nao).fallen is None


def test_words_that_were_cut_short_end_there(nao: Nao, clock: SteppedClock) -> None:
    nao.voice.say("A sentence that takes a while to say")
    nao.voice.say("Another that is never begun")
    clock.advance(1.0)
    nao.voice.stop_all()
    clock.advance(1.0)
    assert [(said.begins, said.ends) for said in recorded(nao).spoken] == [(0, 1000)]


def test_a_restless_behaviour_is_told_in_a_bounded_number_of_moments(nao: Nao, clock: SteppedClock) -> None:
    for number in range(3 * MAX_MOMENTS):
        nao.motion.set_angles("HeadYaw", (-1.0) ** number, 1.0)
        clock.advance(0.1)
    recording = recorded(nao)
    assert len(recording.moments) <= MAX_MOMENTS
    assert (recording.moments[0], recording.moments[-1]) == (0, pytest.approx(3 * MAX_MOMENTS * 100, abs=300))


def test_the_past_is_kept_up_to_a_bound() -> None:
    track = Track(0.0, linear)
    for second in range(3 * KEPT_KEYS):
        track.go(float(second), [(second + 0.5, float(second))])
    assert len(track.moments(-1.0, 1e9)) <= KEPT_KEYS + 2
    assert track.at(1e9) == 3 * KEPT_KEYS - 1
    track.forget(3.0 * KEPT_KEYS)
    assert track.moments(-1.0, 1e9) == [3.0 * KEPT_KEYS]


def test_a_robot_that_did_nothing_has_a_recording_too(nao: Nao) -> None:
    recording = recorded(nao)
    assert recording.seconds == 0.0
    assert json.loads(nao.recording_json())["moments"] == [0]
