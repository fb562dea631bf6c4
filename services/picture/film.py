"""Turns a recording into frames: the body in space at each moment, seen by a camera, and what is in front of what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.picture.balance import attitude
from services.picture.figure import MEMBERS, Parts
from services.picture.kinematics import Frame, Rotation, Vector, about, after, frames
from services.picture.recording import Recording, State
from services.picture.svg import Point

AZIMUTH, ELEVATION = 0.48, 0.21
"""Where the camera stands, as the robot sees it when it begins: so far to its left, and so far up; radians."""
LONGEST_S = 24.0
"""A behaviour that lasts longer is played faster."""
REST_S = 1.5
"""How long the last frame stays before it begins anew."""
FRAMES_PER_S = 12
MOST_FRAMES = 150
_STEPS_SEEN_S = 0.2  # frames further apart in the robot's time show no single steps
_CLOSE_M = 0.03  # parts of the body whose depths differ by less may be drawn in either order

_RIGHT: Vector = (-math.sin(AZIMUTH), math.cos(AZIMUTH), 0.0)
_TOWARDS: Vector = (
    math.cos(ELEVATION) * math.cos(AZIMUTH),
    math.cos(ELEVATION) * math.sin(AZIMUTH),
    math.sin(ELEVATION),
)
_UP: Vector = (
    -math.sin(ELEVATION) * math.cos(AZIMUTH),
    -math.sin(ELEVATION) * math.sin(AZIMUTH),
    math.cos(ELEVATION),
)
_SIDEWAYS = (0.0, 0.0, 1.0)
_SHAPES = tuple(shape for member in MEMBERS for shape in member.shapes)


def seen(point: Vector) -> Point:
    """Return where a point in space is in the picture: metres to the right and down."""
    x, y, z = point
    return (_RIGHT[0] * x + _RIGHT[1] * y, -(_UP[0] * x + _UP[1] * y + _UP[2] * z))


@dataclass(frozen=True)
class Shot:
    """One frame: where the shapes' corners are in the picture, metres to the right and down from the robot's place."""

    time: float
    """Seconds at which it is shown."""
    state: State
    corners: dict[str, list[Point]]
    hidden: frozenset[str]
    """Shapes that are turned away."""
    depths: dict[str, float]
    """How near each member of the body is."""
    shadow: list[Point]
    bounds: tuple[float, float, float, float]
    """Of all corners: left, right, highest and lowest."""


@dataclass(frozen=True)
class Film:
    """The frames of a behaviour and how fast they are played."""

    shots: list[Shot]
    speed: float
    """Seconds of the robot for each second of the film."""

    @property
    def lasts(self) -> float:
        return self.shots[-1].time + REST_S


def film(recording: Recording, *, most: int = MOST_FRAMES, pause: Callable[[], None] = lambda: None) -> Film:
    """Return ``most`` frames of a behaviour at most; ``pause`` is called between any two, so that others may work."""
    speed = max(1.0, recording.seconds / LONGEST_S)
    played = recording.seconds / speed
    count = min(max(2, round(played * FRAMES_PER_S) + 1), most)
    stepping = recording.seconds / count <= _STEPS_SEEN_S
    place = _Placing()
    shots = []
    for index in range(count):
        time = played * index / (count - 1)
        state = recording.at(time * speed)
        shots.append(_shot(time, state, place, stepping=stepping))
        pause()
    return Film(shots, speed)


def last_shot(recording: Recording) -> Shot:
    """Return the frame of the last moment."""
    return _shot(0.0, recording.at(recording.seconds), _Placing(), stepping=False)


def orders(shots: list[Shot]) -> list[tuple[int, list[str]]]:
    """Return in which order to draw the body, farthest first: from which frame on, and the members' names.

    An order stays for as long as it is right, or nearly.
    """
    found: list[tuple[int, list[str]]] = []
    for index, shot in enumerate(shots):
        depths = shot.depths
        if not found or not _still_right(found[-1][1], depths):
            found.append((index, sorted(depths, key=depths.__getitem__)))
    return found


def _still_right(order: list[str], depths: Mapping[str, float]) -> bool:
    nearest = -math.inf
    for name in order:
        if depths[name] < nearest - _CLOSE_M:
            return False
        nearest = max(nearest, depths[name])
    return True


# --- within ----------------------------------------------------------------------------------------------------------


class _Placing:
    """Finds the attitude of the torso, which costs time, only when what it depends on changes."""

    def __init__(self) -> None:
        self._key: tuple[float, ...] = ()
        self._attitude: Rotation = about(_SIDEWAYS, 0.0)

    def attitude(self, state: State) -> Rotation:
        legs = [angle for name, angle in state.angles.items() if name[1:4] in ("Hip", "Kne", "Ank")]
        key = (*legs, state.on_feet, state.lean)
        if key != self._key:
            self._key, self._attitude = key, attitude(state.angles, state.on_feet, state.lean)
        return self._attitude


def _shot(time: float, state: State, placing: _Placing, *, stepping: bool) -> Shot:
    turned = after(about(_SIDEWAYS, state.theta), placing.attitude(state))
    angles = _stepping(state) if stepping else state.angles
    parts = frames(angles, Frame(turned, (0.0, 0.0, 0.0)))
    floating = [(shape, shape.points(parts, angles)) for shape in _SHAPES]
    # The lowest point is on the floor and the middle of the feet at the origin.
    lowest = min(point[2] - shape.radius for shape, points in floating if shape.radius for point in points)
    left, right = parts["LAnkleRoll"].origin, parts["RAnkleRoll"].origin
    x, y = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
    points = {shape.name: [(px - x, py - y, pz - lowest) for px, py, pz in corners] for shape, corners in floating}
    corners = {name: [seen(point) for point in places] for name, places in points.items()}
    xs, ys = zip(*(point for places in corners.values() for point in places), strict=True)
    return Shot(
        time,
        state,
        corners,
        frozenset(shape.name for shape in _SHAPES if shape.faces and not _faces_camera(parts, *shape.faces)),
        {member.name: _dot(_TOWARDS, parts[member.part].place(member.at)) for member in MEMBERS},
        [seen(point) for point in _shadow(points, state.theta)],
        (min(xs), max(xs), min(ys), max(ys)),
    )


def _stepping(state: State) -> dict[str, float]:
    """The joints with the legs stepping: the simulated robot walks by its odometry alone."""
    lift = math.sin(math.pi * (state.steps % 1.0))
    if lift < 1e-6:
        return state.angles
    side = "LR"[int(state.steps) % 2]
    moved = {f"{side}HipPitch": -0.35 * lift, f"{side}KneePitch": 0.7 * lift, f"{side}AnklePitch": -0.35 * lift}
    return {name: angle + moved.get(name, 0.0) for name, angle in state.angles.items()}


def _shadow(points: Mapping[str, list[Vector]], theta: float) -> list[Vector]:
    """The middles of the sides of the smallest frame on the floor, turned as the robot is, that the body is above."""
    cos, sin = math.cos(theta), math.sin(theta)
    ahead = [cos * x + sin * y for corners in points.values() for x, y, _ in corners]
    left = [cos * y - sin * x for corners in points.values() for x, y, _ in corners]
    middle, aside = (min(ahead) + max(ahead)) / 2, (min(left) + max(left)) / 2
    half, breadth = (max(ahead) - min(ahead)) / 2 + 0.015, (max(left) - min(left)) / 2 + 0.015
    rim = ((middle + half, aside), (middle, aside + breadth), (middle - half, aside), (middle, aside - breadth))
    return [(cos * x - sin * y, sin * x + cos * y, 0.0) for x, y in rim]


def _faces_camera(parts: Parts, part: str, facing: Vector) -> bool:
    return _dot(_TOWARDS, parts[part].turn(facing)) > 0.12


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
