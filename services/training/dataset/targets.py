"""What a task is about: a thing or a person of the scene, and the words that mean it and nothing else there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.training.dataset.scenes import NAMED, OTHERWISE
from services.training.dataset.task import STILL, World

#: The one person of a scene can be the speaker.
_SPEAKERS = 0.5
_DESCRIBED = 0.3
_CLEARLY_M = 0.3
_BEHIND_RAD = 3.1


@dataclass(frozen=True)
class Target:
    """A thing or a person: its name in the scene, what it is called here, and where it is in the robot's frame now."""

    name: str
    said: str
    person: bool
    x: float
    y: float
    z: float

    @property
    def distance(self) -> float:
        """On the ground, metres."""
        return math.hypot(self.x, self.y)

    @property
    def bearing(self) -> float:
        """Radians to the left."""
        return math.atan2(self.y, self.x)

    def slots(self, world: World) -> dict[str, str]:
        """The words for it, and the pronoun that takes its place."""
        if world.language == "zh":
            return {"thing": self.said, "it": "他" if self.person else "它"}
        return {"thing": self.said, "it": "them" if self.person else "it"}


def choose(world: World, *, people: bool = True, things: bool = True) -> Target | None:
    """A random target; None if there is none or nobody knows where the robot has come to."""
    names = [*(world.objects if things else ()), *(world.people if people else ())]
    if not names or world.pose is None:
        return None
    name = world.random.choice(names)
    return _plain(locate(world, name, _words(world, name)))


def speaker(world: World) -> Target | None:
    """The person who speaks, if one alone is there; "me" in the words of the task."""
    if len(world.people) != 1 or world.pose is None or world.random.random() > _SPEAKERS:
        return None
    return _plain(locate(world, next(iter(world.people)), world.say("me", "我")))


def _plain(target: Target) -> Target | None:
    """The target, unless it is straight behind: it would not be plain which way the robot turns to it."""
    return target if abs(target.bearing) < _BEHIND_RAD else None


def locate(world: World, name: str, said: str = "") -> Target:
    """A thing or person of the scene as seen from where the robot is; its pose has to be known."""
    if world.pose is None:
        raise ValueError("nobody knows where the robot has come to")
    place = {**world.objects, **world.people}[name]
    x, y = place[0] - world.pose.x, place[1] - world.pose.y
    cos, sin = math.cos(world.pose.theta), math.sin(world.pose.theta)
    return Target(name, said or the(world, name), name in world.people, x * cos + y * sin, y * cos - x * sin, place[2])


def the(world: World, name: str) -> str:
    """A name with the article that it needs."""
    bare = world.language == "zh" or name in NAMED or name.startswith("my ")
    return name if bare else f"the {name}"


def _words(world: World, name: str) -> str:
    """Words for a thing that mean nothing else of the scene: mostly its name."""
    rng = world.random
    if rng.random() > _DESCRIBED:
        return the(world, name)
    others = [other for other in (*world.objects, *world.people) if other != name]
    taken = {word for other in others for word in (other, *OTHERWISE.get(other, ()))}
    found = [the(world, word) for word in OTHERWISE.get(name, ()) if word not in taken]
    if world.pose == STILL:  # afterwards it is not plain from where "the nearest" is to be seen
        alike = world.people if name in world.people else world.objects
        nouns = ["person"] if name in world.people else ["thing", "object"]
        if world.language == "zh":
            nouns = ["人"] if name in world.people else ["东西", "物体"]
        found += _described(world, name, alike, nouns)
        for word in OTHERWISE.get(name, ()):
            same = {other: place for other, place in alike.items() if word == other or word in OTHERWISE.get(other, ())}
            found += _described(world, name, same, [word]) * 2
    return rng.choice(found) if found else the(world, name)


def _described(world: World, name: str, places: Mapping[str, Sequence[float]], nouns: list[str]) -> list[str]:
    """What tells one from others of its kind: nearest, farthest, to a side."""
    if len(places) < 2:
        return []
    measures: list[tuple[Callable[[Sequence[float]], float], list[str], list[str]]] = [
        (
            lambda place: math.hypot(*place[:2]),
            ["the nearest {n}", "the closest {n}", "the {n} closest to you", "the {n} nearest to you"],
            ["最近的{n}", "离你最近的{n}", "最靠近你的{n}"],
        ),
        (
            lambda place: -math.hypot(*place[:2]),
            ["the farthest {n}", "the furthest {n}", "the {n} farthest away"],
            ["最远的{n}", "离你最远的{n}"],
        ),
        (
            lambda place: -place[1],
            ["the {n} on the left", "the leftmost {n}", "the {n} on your left"],
            ["左边的{n}", "左侧的{n}", "你左边的{n}"],
        ),
        (
            lambda place: place[1],
            ["the {n} on the right", "the rightmost {n}", "the {n} on your right"],
            ["右边的{n}", "右侧的{n}", "你右边的{n}"],
        ),
    ]
    found = []
    for number, (measure, en, zh) in enumerate(measures):
        mine = measure(places[name])
        rest = [measure(place) for other, place in places.items() if other != name]
        if mine > min(rest) - _CLEARLY_M:
            continue
        if number > 1 and (mine > -_CLEARLY_M or min(rest) < _CLEARLY_M):
            continue  # to a side, and alone there
        found.append(world.one_of(en, zh).format(n=world.random.choice(nouns)))
    return found
