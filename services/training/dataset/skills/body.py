"""What the skills of the body share: lines of code for joints and animations, sides, and how often."""

from __future__ import annotations

import math
from collections.abc import Sequence

from services.training.dataset.task import Step, World

STAND_UP = Step("stand up", ['ALRobotPosture.goToPosture("Stand", 0.5)'])
RESTING = "Resting"  # as World has it after ALMotion.rest(): crouching with the motors off
_UPRIGHT = ("Standing", "Sitting", "Crouching")
_TIMES_EN = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times", 8: "eight times"}
_NUMBERS_EN = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight", 10: "ten"}
_NUMBERS_ZH = {2: "两", 3: "三", 4: "四", 5: "五", 6: "六", 8: "八", 10: "十"}


def upright(world: World) -> bool:
    """Whether head, arms and hands can be moved: the robot does not lie, and its motors are on."""
    return world.posture in _UPRIGHT


def animation(world: World, name: str) -> str:
    """The line that plays an animation such as ``Gestures/Hey_1`` in the posture that the robot is in."""
    family = "Sit" if world.posture == "Sitting" else "Stand"
    return f'ALAnimationPlayer.run("animations/{family}/{name}")'


def can_animate(world: World) -> bool:
    """Whether animations can be played without a change of posture."""
    return world.posture in ("Standing", "Sitting")


def before_animation(world: World) -> list[Step]:
    """The steps that bring the robot into a posture in which there are animations."""
    return [] if can_animate(world) else [STAND_UP]


def after_animation(world: World) -> str:
    """The posture family that ``before_animation`` leaves, as ``Task.leaves`` has it."""
    return "" if can_animate(world) else "Standing"


def joints(angles: dict[str, float | str], speed: float = 0.2) -> str:
    """The line that moves joints to angles, in radians or as code, and waits."""
    names = [f'"{name}"' for name in angles]
    values = [str(angle) for angle in angles.values()]
    if len(angles) == 1:
        return f"ALMotion.angleInterpolationWithSpeed({names[0]}, {values[0]}, {speed})"
    return f"ALMotion.angleInterpolationWithSpeed([{', '.join(names)}], [{', '.join(values)}], {speed})"


def chain(name: str, angles: Sequence[float], speed: float = 0.2) -> str:
    """The line that moves a chain (Head, LArm, RArm) to angles in radians and waits."""
    return f'ALMotion.angleInterpolationWithSpeed("{name}", [{", ".join(map(str, angles))}], {speed})'


def degrees(number: int, sign: int = 1) -> str:
    """The code of an angle that is told in degrees."""
    return f"{'-' if sign < 0 else ''}{number} * 3.1416 / 180"


def loop(times: int, lines: Sequence[str]) -> list[str]:
    """The lines of a loop."""
    return [f"for i in range({times}):", *(f"    {line}" for line in lines)]


def often(world: World, most: int = 10) -> tuple[int, dict[str, str]]:
    """How many times, and the slots ``times`` ("twice", "三次") and ``n`` ("two", "三")."""
    rng = world.random
    number = rng.choice([number for number in (2, 2, 3, 3, 3, 4, 5, 6, 8, 10) if number <= most])
    if world.language == "zh":
        said = rng.choice([_NUMBERS_ZH[number], str(number)])
        return number, {"n": said, "times": said + rng.choice(["次", "次", "遍", "回"])}
    said = rng.choice([_NUMBERS_EN[number], str(number)])
    times = rng.choice([f"{said} times", f"{said} times", _TIMES_EN.get(number, f"{number} times"), f"{number}x"])
    return number, {"n": said, "times": times}


def angle_words(world: World, number: int) -> str:
    """An angle in degrees as people say it."""
    if world.language == "zh":
        return f"{number}{world.random.choice(['度', '°'])}"
    return f"{number}{world.random.choice([' degrees', ' degrees', ' deg', '°'])}"


def bearing(world: World, name: str) -> float | None:
    """The direction of a person or thing as the robot sees it from where it has come to, in radians, if known."""
    place = world.people.get(name) or world.objects.get(name)
    if place is None or world.pose is None:
        return None
    direction = math.atan2(place[1] - world.pose.y, place[0] - world.pose.x)
    return math.remainder(direction - world.pose.theta, math.tau)
