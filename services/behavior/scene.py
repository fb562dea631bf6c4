"""The object called ``scene`` in behaviour programs: where things are, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.behavior.errors import CheckError
from services.behavior.schema import Scene
from services.behavior.words import did_you_mean

SCENE_METHODS = {
    "position": "x, y, z in metres in the robot's frame",
    "distance": "distance on the ground in metres",
    "bearing": "direction on the ground in radians, positive to the left",
}


@dataclass(frozen=True)
class Pose:
    """How far the robot has come since the scene was perceived: metres, and radians to the left."""

    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0


class SceneView:
    """Answers ``scene.position``, ``scene.distance`` and ``scene.bearing`` for the things of one request.

    Positions are given in the robot's frame as it was when the scene was perceived. A caller that knows how far the
    robot has come since passes that pose and gets answers in the robot's present frame.
    """

    def __init__(self, scene: Scene) -> None:
        self._positions = {item.name: tuple(item.position) for item in [*scene.objects, *scene.people]}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of everything in the scene."""
        return tuple(self._positions)

    def position(self, name: str, pose: Pose = Pose()) -> tuple[float, float, float]:
        """x, y, z in metres in the frame of a robot that has come to ``pose``.

        Raises:
            CheckError: nothing in the scene has that name.
        """
        found = self._positions.get(name)
        if found is None:
            if not self._positions:
                raise CheckError("call.target", f"the scene is empty, so it has no {name!r}", "do without scene")
            raise CheckError("call.target", f"the scene has no {name!r}", did_you_mean(name, self.names))
        x, y, z = found[0] - pose.x, found[1] - pose.y, found[2]
        cos, sin = math.cos(pose.theta), math.sin(pose.theta)
        return x * cos + y * sin, y * cos - x * sin, z

    def distance(self, name: str, pose: Pose = Pose()) -> float:
        """Distance on the ground in metres. Raises CheckError as ``position`` does."""
        x, y, _ = self.position(name, pose)
        return math.hypot(x, y)

    def bearing(self, name: str, pose: Pose = Pose()) -> float:
        """Direction on the ground in radians, positive to the left. Raises CheckError as ``position`` does."""
        x, y, _ = self.position(name, pose)
        return math.atan2(y, x)

    def call(self, method: str, args: list[object], pose: Pose = Pose()) -> float | tuple[float, float, float]:
        """Carry out ``scene.method(*args)`` as a program wrote it.

        Raises:
            CheckError: unknown method, wrong arguments or unknown target.
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
        return self.distance(name, pose) if method == "distance" else self.bearing(name, pose)
