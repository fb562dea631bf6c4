"""Whether a NAO stands: where its centre of mass is, and which floor its soles can rest on.

The criterion is the static one by which NAO's own fall manager notices a fall ("if the centre of mass is detected out
of the support polygon"): the robot stands while its centre of mass is above the soles that bear. How fast it moves is
not considered.

Masses and their centres are those of Aldebaran's URDF of the H25 (ros-naoqi/nao_robot, naoV50): 5.3 kg in all.
Lengths are metres and, unless a name says otherwise, in the torso's frame.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.picture.kinematics import Frame, Rotation, Vector, about, after, frames, sole

EDGE_RAD = 0.4
"""A sole that is tilted further against the floor stands on an edge, slips, and bears nothing."""
MARGIN_M = 0.01
"""How far within the support the centre of mass has to be: a body in motion swings a little further."""
_GIVES_M = 0.003  # soles and floor give a little: corners no higher than this bear too
_LEVEL_RAD = 0.02

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _sides(masses: dict[str, tuple[float, Vector]]) -> dict[str, tuple[float, Vector]]:
    """Both limbs from the left one."""
    both = {"L" + name: entry for name, entry in masses.items()}
    return both | {"R" + name: (mass, (x, -y, z)) for name, (mass, (x, y, z)) in masses.items()}


MASSES: dict[str, tuple[float, Vector]] = {
    "Torso": (1.04956, (-0.00413, 0.0, 0.04342)),
    "HeadYaw": (0.07842, (-0.00001, 0.0, -0.02742)),
    "HeadPitch": (0.60533, (-0.00112, 0.0, 0.05258)),
    **_sides(
        {
            "ShoulderPitch": (0.09304, (-0.00165, -0.02663, 0.00014)),
            "ShoulderRoll": (0.15777, (0.02455, 0.00563, 0.00330)),
            "ElbowYaw": (0.06483, (-0.02744, 0.0, -0.00014)),
            "ElbowRoll": (0.07761, (0.02556, 0.00281, 0.00076)),
            "WristYaw": (0.18533, (0.03434, -0.00088, 0.00308)),
            "HipYawPitch": (0.06981, (-0.00781, -0.01114, 0.02661)),
            "HipRoll": (0.14053, (-0.01549, 0.00029, -0.00515)),
            "HipPitch": (0.38968, (0.00138, 0.00221, -0.05373)),
            "KneePitch": (0.30142, (0.00453, 0.00225, -0.04936)),
            "AnklePitch": (0.13416, (0.00045, 0.00029, 0.00685)),
            "AnkleRoll": (0.17184, (0.02542, 0.00330, -0.03239)),
        }
    ),
}
"""Mass in kilograms of every joint's part and where its centre is, in the part's own frame."""
_WHOLE = sum(mass for mass, _ in MASSES.values())


@dataclass(frozen=True)
class Floor:
    """A floor that the soles can rest on."""

    up: Vector
    """Its normal."""
    height: float
    """Metres from it up to the torso."""
    support: tuple[tuple[float, float], ...]
    """The corners of the convex area that bears: metres ahead and to the left of the point under the torso."""


def centre_of_mass(parts: Mapping[str, Frame]) -> Vector:
    """Return the centre of mass of a body whose ``kinematics.frames`` are ``parts``."""
    x = y = z = 0.0
    for name, (mass, centre) in MASSES.items():
        at = parts[name].place(centre)
        x, y, z = x + mass * at[0], y + mass * at[1], z + mass * at[2]
    return (x / _WHOLE, y / _WHOLE, z / _WHOLE)


@dataclass(frozen=True)
class Balance:
    """How a body stands: the floor that carries it, or None and where it tips to."""

    floor: Floor | None
    ahead: float
    """Metres by which the centre of mass is ahead of the middle of the soles."""


def balance(angles: Mapping[str, float]) -> Balance:
    """Return on which floor the body can stand still with its joints at ``angles`` radians."""
    parts = frames(angles)
    centre = centre_of_mass(parts)
    soles = {side: [parts[f"{side}AnkleRoll"].place(corner) for corner in sole(side)] for side in "LR"}
    ups = {side: parts[f"{side}AnkleRoll"].turn(_Z) for side in "LR"}
    firmest, within = None, MARGIN_M
    for up in _normals(soles, ups):
        floor = _floor(up, soles, ups)
        if (depth := _depth(_on_floor(centre, up), floor.support)) >= within:
            firmest, within = floor, depth
    return Balance(firmest, _ahead(centre, soles, _unit(_sum(ups["L"], ups["R"]))))


def attitude(angles: Mapping[str, float], on_feet: float, lean: float) -> Rotation:
    """Return how the torso is turned against the floor, heading along x.

    ``on_feet`` says how far its feet carry it: 1 puts the soles flat, 0 leans the torso ahead by ``lean`` radians (a
    quarter turn is face down), and what is between passes from one to the other.
    """
    pitch = roll = 0.0
    if on_feet > 0.0 and (floor := balance(angles).floor) is not None:
        # The floor's normal becomes vertical by a roll about x and then a pitch about y.
        x, y, z = floor.up
        pitch, roll = math.atan2(-x, math.hypot(y, z)), math.atan2(y, z)
    return after(about(_Y, on_feet * pitch + (1.0 - on_feet) * lean), about(_X, on_feet * roll))


# --- within ----------------------------------------------------------------------------------------------------------


def _normals(soles: Mapping[str, Sequence[Vector]], ups: Mapping[str, Vector]) -> Iterable[Vector]:
    """Normals of the floors that the soles' corners can touch: the one under two flat feet, else any under three."""
    between = _unit(_sum(ups["L"], ups["R"]))
    heights = [_dot(between, corner) for corners in soles.values() for corner in corners]
    if max(heights) - min(heights) <= _GIVES_M and _angle(ups["L"], ups["R"]) <= _LEVEL_RAD:
        yield between
        return
    corners = [corner for side in soles.values() for corner in side]
    seen: set[tuple[float, ...]] = set()
    for a, b, c in itertools.combinations(corners, 3):
        across = _cross(_difference(b, a), _difference(c, a))
        if _dot(across, across) < 1e-12:
            continue
        up = _unit(across)
        if _dot(up, between) < 0.0:
            up = (-up[0], -up[1], -up[2])
        depth = _dot(up, a)
        key = tuple(round(value, 4) for value in up)
        if key not in seen and all(_dot(up, corner) >= depth - 1e-6 for corner in corners):
            seen.add(key)
            yield up


def _floor(up: Vector, soles: Mapping[str, Sequence[Vector]], ups: Mapping[str, Vector]) -> Floor:
    depth = min(_dot(up, corner) for corners in soles.values() for corner in corners)
    bearing = [
        _on_floor(corner, up)
        for side, corners in soles.items()
        if _angle(up, ups[side]) <= EDGE_RAD
        for corner in corners
        if _dot(up, corner) <= depth + _GIVES_M
    ]
    return Floor(up, -depth, tuple(_hull(bearing)))


def _on_floor(point: Vector, up: Vector) -> tuple[float, float]:
    """Return how far ahead and to the left a point is, seen along the floor's normal."""
    left = _unit(_cross(up, _X)) if abs(up[0]) < 0.99 else _Y
    ahead = _cross(left, up)
    return _dot(point, ahead), _dot(point, left)


def _ahead(centre: Vector, soles: Mapping[str, Sequence[Vector]], up: Vector) -> float:
    corners = [_on_floor(corner, up)[0] for side in soles.values() for corner in side]
    return _on_floor(centre, up)[0] - sum(corners) / len(corners)


def _hull(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the convex hull, anticlockwise."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return []

    def half(path: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        corners: list[tuple[float, float]] = []
        for point in path:
            while len(corners) > 1 and _side(corners[-2], corners[-1], point) <= 0.0:
                corners.pop()
            corners.append(point)
        return corners[:-1]

    return half(ordered) + half(reversed(ordered))


def _depth(point: tuple[float, float], corners: Sequence[tuple[float, float]]) -> float:
    """Metres from the point to the nearest edge of a convex area that it is in; less than 0 outside."""
    edges = itertools.pairwise([*corners, *corners[:1]])
    return min((_side(a, b, point) / math.dist(a, b) for a, b in edges), default=-math.inf)


def _side(a: tuple[float, float], b: tuple[float, float], point: tuple[float, float]) -> float:
    """How far the point is to the left of the way from a to b, times its length."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _sum(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _difference(a: Vector, b: Vector) -> Vector:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(_dot(vector, vector))
    return (vector[0] / length, vector[1] / length, vector[2] / length)


def _angle(a: Vector, b: Vector) -> float:
    return math.acos(max(-1.0, min(1.0, _dot(a, b))))
