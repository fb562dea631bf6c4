"""Random scenes: things and people around the robot, most of which no task is about."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

from services.training.dataset.task import World

_NAMES = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
#: Things and people by name in English: their names in Chinese.
THINGS: dict[str, str] = _NAMES["things"]
PEOPLE: dict[str, str] = _NAMES["people"]
_NEAREST_M, _FARTHEST_M = 0.7, 2.8
_APART_M = 0.7


def furnish(world: World) -> None:
    """Put some things and people into the world, and choose how the robot stands and is charged."""
    rng = world.random
    for _ in range(rng.choices([0, 1, 2, 3, 4], [35, 15, 20, 18, 12])[0]):
        _add(world, world.objects, THINGS)
    for _ in range(rng.choices([0, 1, 2], [70, 20, 10])[0]):
        _add(world, world.people, PEOPLE)
    world.posture = rng.choices(["Standing", "Sitting", "Crouching"], [85, 10, 5])[0]
    if rng.random() < 0.45:
        world.battery = rng.choice([12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 95, 100])


def _add(world: World, into: dict[str, list[float]], names: dict[str, str]) -> None:
    rng = world.random
    english = rng.choice(list(names))
    name = world.say(english, names[english])
    for _ in range(10):
        distance, bearing = rng.uniform(_NEAREST_M, _FARTHEST_M), rng.uniform(-2.4, 2.4)
        x, y = round(distance * math.cos(bearing), 1), round(distance * math.sin(bearing), 1)
        places = [*world.objects.values(), *world.people.values()]
        if all(math.dist((x, y), place[:2]) >= _APART_M for place in places):
            break
    else:
        return
    if name not in world.objects and name not in world.people:
        into[name] = [x, y, rng.choice([0.0, 0.0, 0.2, 0.4, 0.8])]
