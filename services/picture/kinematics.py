"""Forward kinematics of NAO H25: where every part of its body is, given the joints' angles.

Lengths are metres, angles radians, the frame is the torso's: x ahead, y to the left, z up. In the zero pose all joints
are 0: the robot stands with straight legs and holds its arms straight ahead.

The lengths are those of Aldebaran's documentation ("H25 - Links": NeckOffsetZ 126.5 mm, ShoulderOffsetY 98, and so
on), the axes those of the URDF that Aldebaran published with it (ros-naoqi/nao_robot, naoV50).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Vector = tuple[float, float, float]
Rotation = tuple[Vector, Vector, Vector]
"""Three rows; the columns are the frame's own axes."""

_TURN = math.sqrt(0.5)
_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
UPRIGHT: Rotation = (_X, _Y, _Z)


@dataclass(frozen=True)
class Frame:
    """Where a part of the body is and how it is turned."""

    rotation: Rotation
    origin: Vector

    def place(self, point: Vector) -> Vector:
        """Return a point that is given in this frame, in the frame that this one is given in."""
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = self.rotation
        x, y, z = point
        ox, oy, oz = self.origin
        return (
            ox + xx * x + xy * y + xz * z,
            oy + yx * x + yy * y + yz * z,
            oz + zx * x + zy * y + zz * z,
        )

    def turn(self, direction: Vector) -> Vector:
        """Return a direction that is given in this frame, in the frame that this one is given in."""
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = self.rotation
        x, y, z = direction
        return (xx * x + xy * y + xz * z, yx * x + yy * y + yz * z, zx * x + zy * y + zz * z)


TORSO = Frame(UPRIGHT, (0.0, 0.0, 0.0))


@dataclass(frozen=True)
class _Link:
    """A joint: the frame that it hangs on, where in that frame, and the axis that it turns about."""

    parent: str
    at: Vector
    axis: Vector


def _links(side: str, sign: float) -> dict[str, _Link]:
    """An arm and a leg; ``sign`` is 1 on the left and -1 on the right."""
    arm = {
        "ShoulderPitch": ("", (0.0, 0.098 * sign, 0.100), _Y),
        "ShoulderRoll": ("ShoulderPitch", (0.0, 0.0, 0.0), _Z),
        "ElbowYaw": ("ShoulderRoll", (0.105, 0.015 * sign, 0.0), _X),
        "ElbowRoll": ("ElbowYaw", (0.0, 0.0, 0.0), _Z),
        "WristYaw": ("ElbowRoll", (0.05595, 0.0, 0.0), _X),
    }
    leg = {
        "HipYawPitch": ("", (0.0, 0.050 * sign, -0.085), (0.0, _TURN, -_TURN * sign)),
        "HipRoll": ("HipYawPitch", (0.0, 0.0, 0.0), _X),
        "HipPitch": ("HipRoll", (0.0, 0.0, 0.0), _Y),
        "KneePitch": ("HipPitch", (0.0, 0.0, -0.100), _Y),
        "AnklePitch": ("KneePitch", (0.0, 0.0, -0.1029), _Y),
        "AnkleRoll": ("AnklePitch", (0.0, 0.0, 0.0), _X),
    }
    return {
        side + name: _Link(side + parent if parent else "Torso", at, axis)
        for name, (parent, at, axis) in {**arm, **leg}.items()
    }


_LINKS: dict[str, _Link] = {
    "HeadYaw": _Link("Torso", (0.0, 0.0, 0.1265), _Z),
    "HeadPitch": _Link("HeadYaw", (0.0, 0.0, 0.0), _Y),
    **_links("L", 1.0),
    **_links("R", -1.0),
}
JOINTS = tuple(_LINKS)
"""The joints that turn something; the hands, which open, are not among them."""

HAND = (0.05775, 0.0, -0.01231)
"""The middle of a hand in the frame of its WristYaw."""
SOLE_Z = -0.04519
"""How far the sole is below the ankle."""
# The sole's edges in the frame of AnkleRoll: heel, toe, and outer and inner side, as libalmath's foot box has them.
_HEEL, _TOE, _OUTER, _INNER = -0.047, 0.080, 0.050, -0.038


def sole(side: str) -> tuple[Vector, Vector, Vector, Vector]:
    """Return the corners of a sole, ``side`` being L or R, in the frame of its AnkleRoll, in order around it."""
    sign = 1.0 if side == "L" else -1.0
    return (
        (_TOE, _OUTER * sign, SOLE_Z),
        (_TOE, _INNER * sign, SOLE_Z),
        (_HEEL, _INNER * sign, SOLE_Z),
        (_HEEL, _OUTER * sign, SOLE_Z),
    )


def about(axis: Vector, angle: float) -> Rotation:
    """Return the rotation by ``angle`` radians about a unit vector."""
    if angle == 0.0:
        return UPRIGHT
    x, y, z = axis
    cos, sin = math.cos(angle), math.sin(angle)
    rest = 1.0 - cos
    return (
        (cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin),
        (y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin),
        (z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest),
    )


def after(first: Rotation, second: Rotation) -> Rotation:
    """Return the product of two rotations: what ``second`` turns is turned by ``first``."""
    if second is UPRIGHT:
        return first
    if first is UPRIGHT:
        return second
    (a, b, c), (d, e, f), (g, h, i) = second
    return tuple(  # type: ignore[return-value]  # three rows of three
        (x * a + y * d + z * g, x * b + y * e + z * h, x * c + y * f + z * i) for x, y, z in first
    )


def frames(angles: Mapping[str, float], base: Frame = TORSO) -> dict[str, Frame]:
    """Return the frame of every joint's part, and of the ``Torso``, with the torso at ``base``.

    A joint that ``angles`` does not name is at 0.
    """
    found = {"Torso": base}
    for name, link in _LINKS.items():
        parent = found[link.parent]
        rotation = after(parent.rotation, about(link.axis, angles.get(name, 0.0)))
        found[name] = Frame(rotation, parent.place(link.at))
    return found
