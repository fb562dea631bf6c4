"""The simulated robot's joints, postures and walking, without qi and without waiting."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.robot.simulator.anatomy import CHAINS, JOINTS, head_pitch_limits
from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.motors import MotorsOffError
from services.robot.simulator.nao import Nao
from services.robot.simulator.postures import POSTURES, route
from services.robot.simulator.walk import MAX_X, STEP_S, Odometry, Pose


def test_starts_awake_standing_at_the_origin(nao: Nao) -> None:
    assert nao.motion.motors.awake()
    assert nao.motion.body.posture() == "Stand"
    assert nao.motion.pose() == Pose(0.0, 0.0, 0.0)


def test_every_posture_is_within_the_joint_limits() -> None:
    for posture in POSTURES.values():
        assert set(posture.angles) == set(JOINTS)
        for name, angle in posture.angles.items():
            assert JOINTS[name].low <= angle <= JOINTS[name].high


def test_angles_move_at_the_fraction_of_top_speed(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.set_angles("HeadYaw", 1.0, 0.1)
    clock.advance(0.5)
    assert nao.motion.angles("HeadYaw") == [pytest.approx(0.5 * 0.8268)]
    clock.advance(1.0)
    assert nao.motion.angles("HeadYaw") == [1.0]


@given(yaw=st.floats(-4, 4), pitch=st.floats(-4, 4), after=st.floats(0, 2))
def test_angles_never_leave_the_limits(yaw: float, pitch: float, after: float) -> None:
    clock = SteppedClock()
    nao = Nao(clock)
    nao.motion.set_angles("Head", [yaw, pitch], 1.0)
    clock.advance(after)
    at_yaw, at_pitch = nao.motion.angles("Head")
    low, high = head_pitch_limits(at_yaw)
    assert abs(at_yaw) <= 2.0857
    assert low <= at_pitch <= high


def test_a_turned_head_narrows_the_pitch() -> None:
    assert head_pitch_limits(0.0) == (-0.672, 0.515)
    assert head_pitch_limits(-1.09) == (-0.43, 0.3)
    low, high = head_pitch_limits(0.24305)
    assert (low, high) == (-0.672, pytest.approx(0.4685))


def test_the_hips_share_one_motor(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.set_angles("LHipYawPitch", -0.5, 1.0)
    clock.advance(1.0)
    assert nao.motion.angles(["LHipYawPitch", "RHipYawPitch"]) == [-0.5, -0.5]


def test_interpolation_passes_its_keys_in_time(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.interpolate(["HeadYaw", "RElbowRoll"], [[0.5, -0.5], [1.0]], [[1.0, 2.0], [1.5]], True)
    clock.advance(1.0)
    assert nao.motion.angles("HeadYaw") == [pytest.approx(0.5)]
    clock.advance(0.99)
    assert activity.completed is None
    clock.advance(0.02)
    assert activity.completed is True
    assert nao.motion.angles(["HeadYaw", "RElbowRoll"]) == [-0.5, 1.0]


def test_relative_interpolation_starts_where_the_joint_is(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.interpolate("HeadYaw", 0.4, 1.0, True)
    clock.advance(1.0)
    nao.motion.interpolate("HeadYaw", [0.1], [1.0], False)
    clock.advance(1.0)
    assert nao.motion.angles("HeadYaw") == [pytest.approx(0.5)]


def test_a_key_too_fast_for_the_motor_comes_later(nao: Nao) -> None:
    activity = nao.motion.interpolate("HeadYaw", [2.0], [0.01], True)
    assert activity.ends == pytest.approx(2.0 / 8.268)


@pytest.mark.parametrize(
    ("names", "angles", "times", "reason"),
    [
        ("Nose", 0.1, 1.0, "'Nose' is no joint"),
        ("HeadYaw", math.nan, 1.0, "must be finite"),
        ("HeadYaw", "0.1", 1.0, "must be finite numbers"),
        ("HeadYaw", [0.1, 0.2], [1.0], "2 angles but 1 times"),
        ("HeadYaw", [0.1, 0.2], [2.0, 1.0], "positive and rising"),
        ("HeadYaw", [], [], "must not be empty"),
        (["HeadYaw", "HeadPitch"], [[0.1]], [[1.0]], "2 joints need 2 lists"),
    ],
)
def test_senseless_interpolations_are_errors(nao: Nao, names: Any, angles: Any, times: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        nao.motion.interpolate(names, angles, times, True)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, math.inf, math.nan])
def test_senseless_speeds_are_errors(nao: Nao, fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        nao.motion.set_angles("HeadYaw", 0.1, fraction)


def test_posture_takes_its_time_and_is_recognised(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.go_to_posture("Sit", 0.5)
    clock.advance(9.9)
    assert activity.completed is None
    assert nao.motion.body.posture() == "Unknown" or nao.motion.body.posture() == "Sit"
    clock.advance(0.2)
    assert activity.completed is True
    assert (nao.motion.body.posture(), nao.motion.body.family()) == ("Sit", "Sitting")


def test_getting_up_takes_longer_than_shifting_and_leads_through_a_crouch(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.place("Stand")
    shifting = nao.motion.go_to_posture("StandInit", 1.0)
    clock.advance(10.0)
    nao.motion.place("Sit")
    getting_up = nao.motion.go_to_posture("Stand", 1.0)
    assert getting_up.ends - getting_up.starts > 2 * (shifting.ends - shifting.starts)
    clock.advance(3.5)
    assert nao.motion.body.posture() == "Crouch"
    clock.advance(2.0)
    assert nao.motion.body.posture() == "Stand"


def test_the_way_up_from_the_back_is_by_way_of_sitting() -> None:
    assert [posture for posture, _ in route("LyingBack", "Stand")] == ["Sit", "Crouch", "Stand"]
    assert [posture for posture, _ in route("LyingBelly", "Stand")] == ["Crouch", "Stand"]
    assert [posture for posture, _ in route("Sit", "SitRelax")] == ["SitRelax"]


def test_a_posture_that_it_is_in_takes_no_time(nao: Nao, clock: SteppedClock) -> None:
    assert nao.motion.go_to_posture("Stand", 0.5).completed is True
    nao.motion.set_angles("HeadYaw", 1.0, 1.0)
    clock.advance(1.0)
    activity = nao.motion.go_to_posture("Stand", 0.5)
    clock.advance(activity.ends)
    assert nao.motion.angles("HeadYaw") == [0.0]


def test_calls_that_do_not_block_run_beside_each_other(nao: Nao, clock: SteppedClock) -> None:
    walk = nao.motion.walk_to(0.2, 0.0, 0.0)
    head = nao.motion.set_angles("HeadYaw", 0.5, 0.1)
    speech = nao.voice.say("I walk and look")
    light = nao.lights.fade_rgb("FaceLeds", "green", 1.0)
    assert {activity.starts for activity in (walk, head, speech, light)} == {0.0}
    clock.advance(1.0)
    assert nao.motion.pose().x > 0.05
    assert nao.motion.angles("HeadYaw") == [pytest.approx(0.5)]
    clock.advance(5.0)
    assert all(activity.completed for activity in (walk, head, speech, light))


def test_a_posture_cut_short_is_unknown(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.go_to_posture("Sit", 0.5)
    clock.advance(5.0)
    nao.motion.hold(JOINTS)
    clock.advance(60.0)
    assert activity.completed is False
    assert nao.motion.body.posture() == "Unknown"


def test_rest_switches_the_motors_off_and_moves_then_fail(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.rest()
    clock.advance(3.0)
    assert not nao.motion.motors.awake()
    assert nao.motion.body.posture() == "Crouch"
    for motion in (
        lambda: nao.motion.walk_to(0.1, 0.0, 0.0),
        lambda: nao.motion.walk_at(0.1, 0.0, 0.0),
        lambda: nao.motion.set_angles("HeadYaw", 0.1, 0.1),
    ):
        with pytest.raises(MotorsOffError, match=r"call ALMotion.wakeUp\(\) first"):
            motion()
    nao.motion.wake_up()
    clock.advance(3.0)
    nao.motion.walk_to(0.1, 0.0, 0.0)


def test_slack_arms_do_not_keep_it_from_walking(nao: Nao) -> None:
    nao.motion.set_stiffnesses("LArm", 0.0)
    nao.motion.walk_to(0.1, 0.0, 0.0)
    with pytest.raises(MotorsOffError):
        nao.motion.set_angles("LElbowYaw", 0.0, 0.1)


def test_walks_at_the_speed_of_its_gait(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.walk_to(1.0, 0.0, 0.0)
    assert activity.ends == pytest.approx(25 * STEP_S)
    clock.advance(25 * STEP_S / 2)
    assert nao.motion.pose().x == pytest.approx(0.5)
    assert nao.motion.walking()
    clock.advance(25 * STEP_S / 2 + 0.01)
    assert activity.completed is True
    assert nao.motion.pose() == Pose(1.0, 0.0, 0.0)
    assert not nao.motion.walking()


def test_displacements_are_in_the_robots_own_frame(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_to(0.0, 0.0, math.pi / 2)
    clock.advance(60)
    nao.motion.walk_to(0.5, 0.1, 0.0)
    clock.advance(60)
    pose = nao.motion.pose()
    assert (pose.x, pose.y, pose.theta) == (pytest.approx(-0.1), pytest.approx(0.5), pytest.approx(math.pi / 2))


def test_stop_ends_a_walk_where_the_robot_is(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.walk_to(1.0, 0.0, 0.0)
    clock.advance(25 * STEP_S / 4)
    nao.motion.halt()
    clock.advance(100)
    assert activity.completed is False
    assert nao.motion.pose().x == pytest.approx(0.25)


def test_a_velocity_lasts_until_stopped_and_is_cut_to_the_gait(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.walk_at(10.0, 0.0, 0.0)
    clock.advance(10.0)
    assert nao.motion.pose().x == pytest.approx(10.0 * MAX_X)
    nao.motion.walk_toward(-1.0, 0.0, 0.0)
    clock.advance(10.0)
    assert nao.motion.pose().x == pytest.approx(0.0)
    nao.motion.walk_at(0.0, 0.0, 0.0)
    clock.advance(10.0)
    assert nao.motion.pose().x == pytest.approx(0.0)


def test_turning_while_walking_draws_an_arc() -> None:
    pose = Pose().driven(0.1, 0.0, math.pi / 10, 10.0)
    radius = 0.1 / (math.pi / 10)
    assert (pose.x, pose.y) == (pytest.approx(0.0, abs=1e-9), pytest.approx(2 * radius))
    assert abs(pose.theta) == pytest.approx(math.pi)


def test_walking_from_a_crouch_stands_up_first(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.place("Crouch")
    activity = nao.motion.walk_to(MAX_X * STEP_S, 0.0, 0.0)
    assert activity.ends == pytest.approx(2.0 + STEP_S)
    clock.advance(2.0)
    assert nao.motion.pose().x == pytest.approx(0.0)
    assert nao.motion.body.posture() == "StandInit"


@pytest.mark.parametrize("x", [math.nan, math.inf, "1", True])
def test_senseless_walks_are_errors(nao: Nao, x: object) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        nao.motion.walk_to(x, 0.0, 0.0)


@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 3, st.floats(0, 50)), max_size=5))
def test_odometry_is_continuous(walks: list[tuple[float, float, float, float]]) -> None:
    """However walks follow each other, the robot never jumps."""
    odometry, now = Odometry(), 0.0
    for x, y, theta, lasts in walks:
        before = odometry.pose(now)
        odometry.displace(x, y, theta, now)
        after = odometry.pose(now)
        assert (after.x, after.y) == (pytest.approx(before.x, abs=1e-6), pytest.approx(before.y, abs=1e-6))
        now += lasts


def test_chains_cover_the_body() -> None:
    assert set(CHAINS["Head"] + CHAINS["Arms"] + CHAINS["Legs"]) == set(CHAINS["Body"]) == set(JOINTS)
