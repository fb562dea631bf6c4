"""NAO's forward kinematics against what its documentation says and what symmetry demands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.picture.kinematics import HAND, JOINTS, SOLE_Z, TORSO, Frame, about, after, frames
from services.robot.simulator.anatomy import JOINTS as LIMITS

ANGLES = st.fixed_dictionaries({name: st.floats(LIMITS[name].low, LIMITS[name].high) for name in JOINTS})
MIRRORED = ("Yaw", "Roll")


def mirror(angles: dict[str, float]) -> dict[str, float]:
    """The same pose seen in a mirror: left and right exchanged, yaw and roll turned the other way."""
    turned = {}
    for name, angle in angles.items():
        other = {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:]
        turned[other] = -angle if name.endswith(MIRRORED) else angle
    return turned


def test_the_zero_pose_is_that_of_the_documentation() -> None:
    """Straight legs, arms straight ahead; Aldebaran's "H25 - Links" adds up to these places."""
    parts = frames({})
    assert parts["HeadPitch"].origin == pytest.approx((0.0, 0.0, 0.1265))
    assert parts["LShoulderPitch"].origin == pytest.approx((0.0, 0.098, 0.100))
    assert parts["LElbowYaw"].origin == pytest.approx((0.105, 0.113, 0.100))
    assert parts["LWristYaw"].origin == pytest.approx((0.16095, 0.113, 0.100))
    assert parts["LWristYaw"].place(HAND) == pytest.approx((0.2187, 0.113, 0.08769))
    assert parts["RWristYaw"].place(HAND) == pytest.approx((0.2187, -0.113, 0.08769))
    assert parts["LHipRoll"].origin == pytest.approx((0.0, 0.050, -0.085))
    assert parts["LKneePitch"].origin == pytest.approx((0.0, 0.050, -0.185))
    assert parts["LAnkleRoll"].origin == pytest.approx((0.0, 0.050, -0.2879))
    assert parts["RAnkleRoll"].place((0.0, 0.0, SOLE_Z)) == pytest.approx((0.0, -0.050, -0.33309))


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_raised_arm_points_up_and_a_lowered_one_down(side: str) -> None:
    up = frames({f"{side}ShoulderPitch": -math.pi / 2})[f"{side}WristYaw"].place(HAND)
    down = frames({f"{side}ShoulderPitch": math.pi / 2})[f"{side}WristYaw"].place(HAND)
    assert up[2] == pytest.approx(0.100 + 0.2187)
    assert down[2] == pytest.approx(0.100 - 0.2187)
    assert up[0] == pytest.approx(0.01231)  # the hand is a little below the forearm's axis, which now is ahead of it


def test_turned_to_the_left_the_head_looks_to_the_left() -> None:
    assert frames({"HeadYaw": 1.0})["HeadPitch"].turn((1.0, 0.0, 0.0)) == pytest.approx(
        (math.cos(1.0), math.sin(1.0), 0.0)
    )
    assert frames({"HeadPitch": 0.4})["HeadPitch"].turn((1.0, 0.0, 0.0))[2] == pytest.approx(-math.sin(0.4))


def test_bent_knees_raise_the_feet_and_ankles_turn_the_soles() -> None:
    bent = frames({"LKneePitch": 1.0, "LHipPitch": -0.5, "LAnklePitch": -0.5})["LAnkleRoll"]
    assert bent.turn((0.0, 0.0, 1.0)) == pytest.approx((0.0, 0.0, 1.0))
    assert bent.origin[2] == pytest.approx(-0.085 - 0.100 * math.cos(0.5) - 0.1029 * math.cos(0.5))


def test_the_one_motor_of_both_hips_turns_the_feet_outwards() -> None:
    parts = frames({"LHipYawPitch": -0.6, "RHipYawPitch": -0.6})
    left, right = (parts[f"{side}AnkleRoll"].turn((1.0, 0.0, 0.0)) for side in "LR")
    assert left[1] > 0.1
    assert right == pytest.approx((left[0], -left[1], left[2]))


@given(ANGLES)
def test_left_and_right_are_mirror_images(angles: dict[str, float]) -> None:
    # One motor turns both hips, and alike, as a mirror would have it.
    angles["RHipYawPitch"] = angles["LHipYawPitch"]
    parts, mirrored = frames(angles), frames({**mirror(angles)})
    for name, part in parts.items():
        other = {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:]
        x, y, z = part.origin
        assert mirrored[other].origin == pytest.approx((x, -y, z), abs=1e-9)


@given(ANGLES)
def test_links_keep_their_lengths_whatever_the_angles(angles: dict[str, float]) -> None:
    parts = frames(angles)
    for side in "LR":
        thigh = math.dist(parts[f"{side}HipPitch"].origin, parts[f"{side}KneePitch"].origin)
        tibia = math.dist(parts[f"{side}KneePitch"].origin, parts[f"{side}AnklePitch"].origin)
        upper_arm = math.dist(parts[f"{side}ShoulderRoll"].origin, parts[f"{side}ElbowYaw"].origin)
        assert (thigh, tibia, upper_arm) == pytest.approx((0.100, 0.1029, math.hypot(0.105, 0.015)))


def test_a_base_moves_the_whole_body() -> None:
    base = Frame(about((0.0, 0.0, 1.0), math.pi / 2), (1.0, 2.0, 0.3))
    angles = {"RShoulderPitch": 0.4, "LKneePitch": 0.7}
    for name, part in frames(angles, base).items():
        assert part.origin == pytest.approx(base.place(frames(angles)[name].origin))


def test_rotations_follow_each_other() -> None:
    quarter = about((0.0, 0.0, 1.0), math.pi / 2)
    half = after(quarter, quarter)
    assert Frame(half, (0.0, 0.0, 0.0)).turn((1.0, 2.0, 3.0)) == pytest.approx((-1.0, -2.0, 3.0))
    assert TORSO.place((1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)
