"""The simulated robot falls when asked for what would make it fall, and ends as a robot does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.clock import Activity, SteppedClock
from services.robot.simulator.falling import FallenError
from services.robot.simulator.motion import FALL_S
from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.sensors import ALMemory


def legs_up(nao: Nao) -> Activity:
    return nao.motion.set_angles("LHipPitch", -1.2, 0.5)


FALLS: dict[str, Callable[[Nao], object]] = {
    "a leg raised": legs_up,
    "the ankles rolled": lambda nao: nao.motion.set_angles(["LAnkleRoll", "RAnkleRoll"], [0.39, 0.39], 0.5),
    "the feet stretched": lambda nao: nao.motion.interpolate(["LAnklePitch", "RAnklePitch"], [0.8, 0.8], [1.0], True),
    "the motors of the legs off": lambda nao: nao.motion.set_stiffnesses("Legs", 0.0),
    "all motors off": lambda nao: nao.motion.set_stiffnesses("Body", 0.0),
    "one knee slack": lambda nao: nao.motion.set_stiffnesses("RKneePitch", 0.0),
}


@pytest.mark.parametrize("what", FALLS)
def test_falls(nao: Nao, clock: SteppedClock, what: str) -> None:
    FALLS[what](nao)
    clock.advance(3.0)
    assert nao.motion.fall is not None
    assert nao.motion.body.posture() in ("LyingBelly", "LyingBack")
    assert not nao.motion.motors.awake()
    assert nao.motion.motors.stiffness(JOINTS) == [0.0] * len(JOINTS)
    assert ALMemory(nao).getData("robotHasFallen") is True
    for motion in (
        lambda: nao.motion.walk_to(0.1, 0.0, 0.0),
        lambda: nao.motion.set_angles("HeadYaw", 0.1, 0.1),
        lambda: nao.animate("animations/Stand/Gestures/Hey_1"),
    ):
        with pytest.raises(FallenError, match=r"the robot has fallen, because .*: call ALMotion.wakeUp"):
            motion()
    nao.voice.say("Ouch")  # it still speaks


STANDS: dict[str, Callable[[Nao], object]] = {
    "arms raised": lambda nao: nao.motion.set_angles(["LShoulderPitch", "RShoulderPitch"], -1.5, 0.5),
    "a bow": lambda nao: nao.motion.set_angles(["LHipPitch", "RHipPitch"], -0.5, 0.2),
    "a slack arm": lambda nao: nao.motion.set_stiffnesses("LArm", 0.0),
    "knees bent as for walking": lambda nao: nao.motion.go_to_posture("StandInit", 1.0),
    "an animation that bows": lambda nao: nao.animate("animations/Stand/Gestures/BowShort_1"),
    "rest": lambda nao: nao.motion.rest(),
    "sitting down": lambda nao: nao.motion.go_to_posture("Sit", 1.0),
    "lying down": lambda nao: nao.motion.go_to_posture("LyingBelly", 1.0),
    "a walk": lambda nao: nao.motion.walk_to(0.3, 0.1, 1.0),
}


@pytest.mark.parametrize("what", STANDS)
def test_does_not_fall(nao: Nao, clock: SteppedClock, what: str) -> None:
    STANDS[what](nao)
    clock.advance(30.0)
    assert nao.motion.last_fall is None
    assert ALMemory(nao).getData("robotHasFallen") is False


@pytest.mark.parametrize("posture", ["Sit", "SitRelax", "LyingBack", "LyingBelly"])
def test_off_its_feet_it_may_move_its_legs_and_lose_its_motors(nao: Nao, clock: SteppedClock, posture: str) -> None:
    nao.motion.place(posture)
    legs_up(nao)
    clock.advance(3.0)
    nao.motion.set_stiffnesses("Body", 0.0)
    clock.advance(3.0)
    assert nao.motion.last_fall is None


def test_the_motors_of_a_crouching_robot_may_be_switched_off(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.place("Crouch")
    nao.motion.set_stiffnesses("Body", 0.0)
    clock.advance(3.0)
    assert (nao.motion.fall, nao.motion.body.posture()) == (None, "Crouch")


def test_it_falls_where_the_balance_is_lost_and_not_before(nao: Nao, clock: SteppedClock) -> None:
    activity = nao.motion.interpolate(["LAnklePitch", "RAnklePitch"], [0.9, 0.9], [8.0], True)
    clock.advance(1.0)
    assert nao.motion.fall is None
    clock.advance(9.0)
    assert nao.motion.fall is not None
    assert 1.0 < nao.motion.fall.at < 7.0
    assert activity.completed is False
    assert activity.error == "the robot fell, because its centre of mass left the support of its feet"


def test_a_motion_that_is_taken_back_in_time_does_not_tip_it(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.interpolate(["LAnklePitch", "RAnklePitch"], [0.9, 0.9], [8.0], True)
    clock.advance(1.0)
    nao.motion.set_angles(["LAnklePitch", "RAnklePitch"], 0.087, 0.5)
    clock.advance(20.0)
    assert nao.motion.last_fall is None


def test_stopping_the_joints_in_time_does_not_tip_it(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.interpolate(["LAnklePitch", "RAnklePitch"], [0.9, 0.9], [8.0], True)
    clock.advance(1.0)
    nao.motion.hold(JOINTS)
    clock.advance(20.0)
    assert nao.motion.last_fall is None


def test_legs_moved_during_an_animation_tip_it_when_that_is_over(nao: Nao, clock: SteppedClock) -> None:
    gesture = nao.animate("animations/Stand/Gestures/Hey_1")
    legs_up(nao)
    clock.advance(gesture.ends - 0.1)
    assert nao.motion.fall is None
    clock.advance(1.0)
    assert nao.motion.fall is not None


def test_a_fall_ends_a_walk_where_it_happens(nao: Nao, clock: SteppedClock) -> None:
    walk = nao.motion.walk_to(1.0, 0.0, 0.0)
    clock.advance(4.2)
    nao.motion.set_stiffnesses("Legs", 0.0)
    clock.advance(20.0)
    assert walk.error == "the robot fell, because the motors of its legs were switched off while it stood"
    assert nao.motion.pose().x == pytest.approx(0.4)
    assert not nao.motion.walking()


def test_nothing_holds_up_a_fall(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.set_stiffnesses("Legs", 0.0)
    clock.advance(FALL_S / 2)
    nao.motion.hold(JOINTS)
    nao.motion.halt()
    clock.advance(FALL_S / 2)
    assert nao.motion.body.posture() == "LyingBelly"


def test_walking_while_sitting_is_a_fall(nao: Nao, clock: SteppedClock) -> None:
    nao.motion.place("Sit")
    with pytest.raises(FallenError, match="because it was asked to walk while it sat"):
        nao.motion.walk_to(0.1, 0.0, 0.0)
    clock.advance(FALL_S)
    assert nao.motion.body.posture() == "LyingBack"


def test_walking_while_lying_is_refused(nao: Nao) -> None:
    nao.motion.place("LyingBelly")
    with pytest.raises(RuntimeError, match=r"lies on the floor: call ALRobotPosture.goToPosture"):
        nao.motion.walk_to(0.1, 0.0, 0.0)
    assert nao.motion.last_fall is None


@pytest.mark.parametrize("get_up", [lambda nao: nao.motion.wake_up(), lambda nao: nao.motion.go_to_posture("Sit", 1.0)])
def test_it_gets_up_again(nao: Nao, clock: SteppedClock, get_up: Callable[[Nao], Activity]) -> None:
    legs_up(nao)
    clock.advance(3.0)
    activity = get_up(nao)
    assert activity.ends - activity.starts > 3.0
    clock.advance(10.0)
    assert nao.motion.fall is None
    assert nao.motion.body.family() in ("Standing", "Sitting")
    assert ALMemory(nao).getData("robotHasFallen") is False
    nao.motion.set_angles("HeadYaw", 0.1, 0.1)


def test_being_prepared_for_the_next_behaviour_puts_it_on_its_feet(nao: Nao, clock: SteppedClock) -> None:
    legs_up(nao)
    clock.advance(3.0)
    nao.prepare("", -1)
    assert nao.motion.fall is None
    assert nao.motion.body.posture() == "Stand"
