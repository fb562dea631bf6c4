"""What NAO's catalogue says of a robot's time and place, against what the simulated one does."""

from __future__ import annotations

import itertools
import math

import pytest

from services.behavior.catalogue import load_catalogue
from services.picture.kinematics import HAND, frames
from services.robot.simulator import animations, walk
from services.robot.simulator.anatomy import LEGS
from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.postures import POSTURES, route
from services.robot.simulator.surface.autonomy import ALTracker

CATALOGUE = load_catalogue("nao")


def method(service: str, name: str, arity: int) -> tuple[float, float]:
    """Seconds, and seconds for each character, that the catalogue gives a method."""
    (form,) = [form for form in CATALOGUE.services[service].by_name[name] if len(form.args) == arity]
    return form.takes.seconds, form.takes.per_character


def test_nothing_takes_longer_than_the_catalogue_says(nao: Nao) -> None:
    for path, lasts in animations.ANIMATIONS.items():
        for service, name in (("ALAnimationPlayer", "run"), ("ALBehaviorManager", "runBehavior")):
            assert lasts <= method(service, name, 1)[0], path
    slowest = max(sum(s for _, s in route(one, other)) for one, other in itertools.product(POSTURES, repeat=2))
    assert slowest <= method("ALRobotPosture", "goToPosture", 2)[0]
    assert slowest <= min(method("ALMotion", "wakeUp", 0)[0], method("ALMotion", "rest", 0)[0])
    nao.voice.set_parameter("speed", 50.0)
    text = "a" * 400
    seconds, per_character = method("ALTextToSpeech", "say", 1)
    assert nao.voice.say(text).ends <= seconds + per_character * len(text)


@pytest.mark.parametrize("way", [(1.0, 0.0, 0.0), (0.01, 0.0, 0.0), (0.0, -0.3, 0.0), (0.1, 0.2, 3.0)])
def test_walking_takes_as_long_as_the_bases_speed_says(way: tuple[float, float, float]) -> None:
    base = CATALOGUE.base
    assert base is not None
    slowest = max(abs(distance) / speed for distance, speed in zip(way, (base.x, base.y, base.theta), strict=True))
    assert slowest <= walk.walk_s(*way) <= slowest + method("ALMotion", "moveTo", 3)[0]


def test_the_families_of_postures_are_those_of_the_robot() -> None:
    assert {name: CATALOGUE.family(name) for name in POSTURES} == {name: p.family for name, p in POSTURES.items()}
    assert CATALOGUE.family("Frog") is None


def test_the_joints_that_carry_the_robot_are_its_legs() -> None:
    assert {name for name, joint in CATALOGUE.joints.items() if joint.carries} == set(LEGS)


@pytest.mark.parametrize(("posture", "family"), [("Stand", "Standing"), ("Sit", "Sitting")])
def test_every_tag_has_an_animation_in_both_postures(posture: str, family: str) -> None:
    for tag in CATALOGUE.enums["animation_tag"].values:
        assert CATALOGUE.enums["animation"].family(animations.tagged(tag, posture)) == family
    with pytest.raises(ValueError, match="no animation expresses 'yodel'"):
        animations.tagged("yodel", posture)


@pytest.mark.parametrize(("effector", "side"), [("LArm", 0.098), ("RArm", -0.098)])
def test_an_arm_points_at_a_place(nao: Nao, clock: SteppedClock, effector: str, side: float) -> None:
    tracker = ALTracker(nao)
    tracker.pointAt(effector, [1.0, side, 0.43], 2, 0.5)  # straight ahead of the shoulder
    clock.advance(5.0)
    assert nao.motion.angles(effector)[:2] == [pytest.approx(0.0, abs=1e-6)] * 2
    nao.motion.walk_to(0.0, 0.0, math.pi / 2)
    clock.advance(20.0)
    tracker.pointAt(effector, [-side, 1.0, 1.43], 1, 0.5)  # the same place of the world, a metre up
    clock.advance(5.0)
    assert nao.motion.angles(effector)[:2] == pytest.approx([-math.pi / 4, 0.0], abs=1e-3)


@pytest.mark.parametrize("posture", ["Stand", "StandInit", "Sit", "Crouch"])
@pytest.mark.parametrize("place", [(1.0, 0.3, 0.0), (1.0, 0.5, 1.2), (0.3, 0.6, 0.9), (0.5, 0.0, 0.0), (0.0, 0.2, 2.0)])
def test_an_arm_that_points_is_stretched_towards_the_place(
    nao: Nao, clock: SteppedClock, posture: str, place: tuple[float, float, float]
) -> None:
    nao.motion.place(posture)
    ALTracker(nao).pointAt("LArm", list(place), 0, 0.5)
    clock.advance(5.0)
    parts = frames(nao.motion.joints())
    shoulder, palm = parts["LShoulderPitch"].origin, parts["LWristYaw"].place(HAND)
    ways = [[to - at for to, at in zip(end, shoulder, strict=True)] for end in (palm, place)]
    cosine = sum(a * b for a, b in zip(*ways, strict=True)) / math.prod(math.hypot(*way) for way in ways)
    assert math.degrees(math.acos(cosine)) < 5.0
