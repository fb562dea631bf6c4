"""Which poses a NAO can stand in."""

from __future__ import annotations

import math

import pytest

from services.picture.balance import MASSES, attitude, balance, centre_of_mass
from services.picture.kinematics import Frame, frames
from services.robot.simulator.postures import POSTURES

STAND = POSTURES["Stand"].angles


def both(joint: str, angle: float, mirrored: bool = False) -> dict[str, float]:
    return {f"L{joint}": angle, f"R{joint}": -angle if mirrored else angle}


def test_the_masses_are_a_naos() -> None:
    assert sum(mass for mass, _ in MASSES.values()) == pytest.approx(5.305, abs=0.001)


def test_the_centre_of_mass_is_in_the_middle_and_follows_the_arms() -> None:
    x, y, z = centre_of_mass(frames({}))
    assert y == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < x < 0.04  # the arms point ahead
    assert -0.08 < z < 0.02
    raised = centre_of_mass(frames(both("ShoulderPitch", -math.pi / 2)))
    assert raised[2] > z + 0.02
    assert centre_of_mass(frames({"LShoulderRoll": 1.3}))[1] > 0.005


@pytest.mark.parametrize("name", [name for name, posture in POSTURES.items() if posture.on_feet])
def test_the_postures_on_the_feet_stand(name: str) -> None:
    assert balance(POSTURES[name].angles).floor is not None


def test_the_floor_is_as_far_below_as_the_legs_are_long() -> None:
    floor = balance(POSTURES["StandZero"].angles).floor
    assert floor is not None
    assert floor.height == pytest.approx(0.33309)
    assert floor.up == pytest.approx((0.0, 0.0, 1.0))
    crouching = balance(POSTURES["Crouch"].angles).floor
    assert crouching is not None
    assert crouching.height < 0.25


@pytest.mark.parametrize(
    "change",
    [
        both("ShoulderPitch", -1.5),
        both("ShoulderPitch", 2.08),
        {"RShoulderPitch": 0.0, "RShoulderRoll": -1.3},
        both("HipPitch", -0.6),  # a bow
        both("AnklePitch", -0.1),
        {"LHipPitch": -0.1},
    ],
)
def test_stands(change: dict[str, float]) -> None:
    assert balance(STAND | change).floor is not None


@pytest.mark.parametrize(
    ("change", "ahead"),
    [
        (both("AnklePitch", -0.4), True),
        (both("AnklePitch", 0.6), False),
        (both("AnkleRoll", 0.39), None),
        (both("AnkleRoll", 0.39, mirrored=True), None),  # on the outer edges of both feet
        ({"LHipPitch": -1.0}, None),  # one leg raised without the weight on the other
        ({"RKneePitch": 1.5}, None),
        (both("HipPitch", 0.48) | both("AnklePitch", 0.9), False),
    ],
)
def test_tips(change: dict[str, float], ahead: bool | None) -> None:
    found = balance(STAND | change)
    assert found.floor is None
    if ahead is not None:
        assert (found.ahead > 0.0) is ahead


def test_on_its_feet_the_soles_are_flat_and_lying_it_leans() -> None:
    bow = STAND | both("HipPitch", -0.6)
    flat = Frame(attitude(bow, 1.0, 0.0), (0.0, 0.0, 0.0))
    soles = frames(bow, flat)
    assert soles["LAnkleRoll"].turn((0.0, 0.0, 1.0))[2] > 0.99
    assert flat.turn((1.0, 0.0, 0.0))[2] < -0.5  # the chest looks at the floor
    lying = Frame(attitude(STAND, 0.0, math.pi / 2), (0.0, 0.0, 0.0))
    assert lying.turn((1.0, 0.0, 0.0)) == pytest.approx((0.0, 0.0, -1.0), abs=1e-9)
    between = Frame(attitude(STAND, 0.5, math.pi / 2), (0.0, 0.0, 0.0))
    assert between.turn((1.0, 0.0, 0.0))[2] == pytest.approx(-math.sin(math.pi / 4), abs=0.05)
