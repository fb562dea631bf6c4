"""Random scenes: things and people around the robot, most of which no task is about."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

from services.behavior.catalogue import load_catalogue
from services.behavior.errors import CheckError
from services.behavior.ground import check_way
from services.behavior.robot_state import RobotState
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Scene, SceneItem
from services.training.dataset.task import World

_NAMES = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
#: Things and people by name in English: their names in Chinese.
THINGS: dict[str, str] = _NAMES["things"]
PEOPLE: dict[str, str] = _NAMES["people"]
#: Name in either language: other words for it, some of which it shares with other things.
OTHERWISE: dict[str, list[str]] = _NAMES["otherwise"]
#: People whose name takes no article.
NAMED = frozenset(_NAMES["names"]["people"])
_APART_M = 0.7
#: Programs take 3.1416 for pi and round what they say: so much more room is left beside what stands in the way.
_ROUNDING_M = 0.02
# How far ahead of the robot, in radians to the left, and how often: all around it, but mostly where it looks.
_BEARINGS = [(-0.5, 0.5, 4), (0.5, 1.6, 3), (-1.6, -0.5, 3), (1.6, 3.1, 1), (-3.1, -1.6, 1)]
# How far away in metres, and how often.
_RANGES = [(0.6, 1.0, 3), (1.0, 2.0, 5), (2.0, 3.2, 3), (3.2, 4.6, 1)]
_THING_HEIGHTS = [0.0, 0.0, 0.0, 0.1, 0.2, 0.4, 0.5, 0.8, 1.0]
_HEAD_HEIGHTS = [0.0, 0.0, 0.9, 1.0, 1.2, 1.4, 1.5, 1.6, 1.7]


def furnish(world: World) -> None:
    """Put some things and people into the world, and choose how the robot stands and is charged."""
    rng = world.random
    for _ in range(rng.choices([0, 1, 2, 3, 4, 5], [25, 18, 22, 19, 10, 6])[0]):
        _add(world, world.objects, _like(world) if world.objects and rng.random() < 0.25 else list(THINGS))
    for _ in range(rng.choices([0, 1, 2, 3], [58, 26, 11, 5])[0]):
        _add(world, world.people, list(PEOPLE))
    world.posture = rng.choices(["Standing", "Sitting", "Crouching"], [85, 10, 5])[0]
    if rng.random() < 0.45:
        world.battery = rng.choice([12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 95, 100])


def is_free(world: World, *legs: Pose) -> bool:
    """Whether nothing is in the way of walks that follow each other (metres and radians, in the robot's frame)."""
    items = [
        [SceneItem(name=name, position=place) for name, place in some.items()] for some in (world.objects, world.people)
    ]
    base = load_catalogue("nao").base
    if base is None:
        raise ValueError("the catalogue says of no base how it walks")
    rooms = {"from_things": base.from_things + _ROUNDING_M, "from_people": base.from_people + _ROUNDING_M}
    base = base.model_copy(update=rooms)
    view = SceneView(Scene(objects=items[0], people=items[1]))
    state = RobotState({}, pose=world.pose)
    try:
        for leg in legs:
            check_way(base, view, state, "walk", leg.x, leg.y, leg.theta)
    except CheckError:
        return False
    return True


def along(*legs: Pose) -> Pose:
    """Where walks that follow each other lead to, in the frame that they begin in."""
    pose = Pose()
    for leg in legs:
        pose = pose.moved(leg.x, leg.y, leg.theta)
    return pose


def _like(world: World) -> list[str]:
    """Things that share a word with one that is there: the ball on the left needs another ball."""
    there = {word for name in world.objects for word in (name, *OTHERWISE.get(name, ()))}
    shared = [
        name
        for name, chinese in THINGS.items()
        if there & {*OTHERWISE.get(world.say(name, chinese), ()), world.say(name, chinese)}
    ]
    return shared if len(shared) > 1 else list(THINGS)


def _add(world: World, into: dict[str, list[float]], names: list[str]) -> None:
    rng = world.random
    english = rng.choice(names)
    name = world.say(english, {**THINGS, **PEOPLE}[english])
    for _ in range(10):
        low, high, _often = rng.choices(_RANGES, [often for *_, often in _RANGES])[0]
        right, left, _often = rng.choices(_BEARINGS, [often for *_, often in _BEARINGS])[0]
        distance, bearing = rng.uniform(low, high), rng.uniform(right, left)
        digits = rng.choice([1, 1, 1, 2])
        x, y = (round(distance * part(bearing), digits) + 0.0 for part in (math.cos, math.sin))  # no -0.0
        if rng.random() < 0.12:
            x, y = round(distance, 1), 0.0  # straight ahead, as people who make a scene up like to have it
        places = [*world.objects.values(), *world.people.values()]
        if all(math.dist((x, y), place[:2]) >= _APART_M for place in places):
            break
    else:
        return
    if name not in world.objects and name not in world.people:
        into[name] = [x, y, rng.choice(_HEAD_HEIGHTS if into is world.people else _THING_HEIGHTS)]
