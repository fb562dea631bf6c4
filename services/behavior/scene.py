"""The object called ``scene`` in behaviour programs: where things are, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.behavior.errors import CheckError
from services.behavior.schema import Scene, fold
from services.behavior.words import did_you_mean

SCENE_METHODS = {
    "position": "x, y, z in metres in the robot's frame",
    "distance": "distance on the ground in metres",
    "bearing": "direction on the ground in radians, positive to the left",
    "facing": "where its front looks, in radians, 0 along x, positive to the left",
}


@dataclass(frozen=True)
class Pose:
    """How far the robot has come since the scene was perceived: metres, and radians to the left."""

    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0

    def moved(self, x: float, y: float, theta: float) -> Pose:
        """The pose after a displacement in metres and radians, as the robot at this pose sees it."""
        cos, sin = math.cos(self.theta), math.sin(self.theta)
        return Pose(self.x + x * cos - y * sin, self.y + x * sin + y * cos, self.theta + theta)


@dataclass(frozen=True)
class Thing:
    """An object or a person of the scene: metres and radians in the robot's frame as the scene was perceived."""

    name: str
    x: float
    y: float
    z: float
    facing: float | None
    person: bool
    passable: bool


class SceneView:
    """Answers ``scene.position`` and the like for the things of one request.

    Positions are given in the robot's frame as it was when the scene was perceived. A caller that knows how far the
    robot has come since passes that pose and gets answers in the robot's present frame. Names are found whatever their
    case, width and spaces.
    """

    def __init__(self, scene: Scene) -> None:
        self.free_space = scene.free_space
        self.posture = scene.posture
        self.battery = scene.battery
        self.things = tuple(
            Thing(item.name, x, y, z, item.facing, person, item.passable)
            for items, person in ((scene.objects, False), (scene.people, True))
            for item in items
            for x, y, z in [item.position]
        )
        self._by_name = {fold(thing.name): thing for thing in self.things}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of everything in the scene."""
        return tuple(thing.name for thing in self.things)

    def find(self, name: str) -> Thing:
        """The thing of that name.

        Raises:
            CheckError: ``call.target``, nothing in the scene has that name.
        """
        found = self._by_name.get(fold(name))
        if found is None:
            if not self.things:
                raise CheckError("call.target", f"the scene is empty, so it has no {name!r}", "do without scene")
            raise CheckError("call.target", f"the scene has no {name!r}", did_you_mean(name, self.names))
        return found

    def position(self, name: str, pose: Pose = Pose()) -> tuple[float, float, float]:
        """x, y, z in metres in the frame of a robot that has come to ``pose``. Raises CheckError as ``find`` does."""
        thing = self.find(name)
        x, y = thing.x - pose.x, thing.y - pose.y
        cos, sin = math.cos(pose.theta), math.sin(pose.theta)
        return x * cos + y * sin, y * cos - x * sin, thing.z

    def distance(self, name: str, pose: Pose = Pose()) -> float:
        """Distance on the ground in metres. Raises CheckError as ``find`` does."""
        x, y, _ = self.position(name, pose)
        return math.hypot(x, y)

    def bearing(self, name: str, pose: Pose = Pose()) -> float:
        """Direction on the ground in radians, positive to the left. Raises CheckError as ``find`` does."""
        x, y, _ = self.position(name, pose)
        return math.atan2(y, x)

    def facing(self, name: str, pose: Pose = Pose()) -> float:
        """Where the front of a thing looks, in radians from -pi to pi, 0 along the robot's x.

        Raises:
            CheckError: as ``find`` does, or ``call.facing`` when the scene does not say where it looks.
        """
        thing = self.find(name)
        if thing.facing is None:
            raise CheckError("call.facing", f"the scene does not say where {name!r} faces", "use scene.bearing")
        return math.remainder(thing.facing - pose.theta, math.tau)

    def call(self, method: str, args: list[object], pose: Pose = Pose()) -> float | tuple[float, float, float]:
        """Carry out ``scene.method(*args)`` as a program wrote it.

        Raises:
            CheckError: unknown method, wrong arguments, unknown target, or one that faces nobody knows where.
        """
        if method not in SCENE_METHODS:
            raise CheckError("call.method", f"scene has no {method!r}", did_you_mean(method, SCENE_METHODS))
        if len(args) != 1:
            raise CheckError("call.arity", f"scene.{method} takes one name", f'write scene.{method}("name")')
        name = args[0]
        if not isinstance(name, str):
            raise CheckError("call.type", f"scene.{method} takes a name in quotes", f'write scene.{method}("name")')
        if method == "position":
            return self.position(name, pose)
        return {"distance": self.distance, "bearing": self.bearing, "facing": self.facing}[method](name, pose)
