"""The body of a NAO as it is drawn: which shapes it is made of, in space.

Every shape is a line or an area with round ends and a thickness, so that it looks right from any side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.picture.kinematics import HAND, SOLE_Z, Frame, Vector, sole

Kind = Literal["line", "area", "disc"]
Fill = Literal["shell", "joint", "accent", "dark"]
Parts = Mapping[str, Frame]


@dataclass(frozen=True)
class Shape:
    """A shape of the body, as thick as twice its ``radius`` (metres)."""

    name: str
    kind: Kind
    radius: float
    fill: str
    """A kind of surface, or the name of the LED group that lights it."""
    points: Callable[[Parts, Mapping[str, float]], list[Vector]]
    """Its corners in space, from the body's frames and the joints' angles."""
    faces: tuple[str, Vector] | None = None
    """The part and the direction in its frame from which alone it can be seen."""


@dataclass(frozen=True)
class Member:
    """Shapes that are drawn together, before or behind others as a point of one part of the body is."""

    name: str
    part: str
    at: Vector
    shapes: tuple[Shape, ...]


def _path(name: str, kind: Kind, radius: float, fill: str, *corners: tuple[str, Vector]) -> Shape:
    """A shape through points of parts of the body."""
    return Shape(name, kind, radius, fill, lambda parts, _: [parts[part].place(point) for part, point in corners])


def _disc(name: str, part: str, centre: Vector, across: tuple[Vector, Vector], fill: str, facing: Vector) -> Shape:
    """A flat round shape about a centre, between it and the ends of two half axes."""
    (ax, ay, az), (bx, by, bz) = across
    x, y, z = centre
    rim = ((x + ax, y + ay, z + az), (x + bx, y + by, z + bz), (x - ax, y - ay, z - az), (x - bx, y - by, z - bz))
    return Shape(name, "disc", 0.0, fill, lambda parts, _: [parts[part].place(point) for point in rim], (part, facing))


def _hand(side: str) -> Shape:
    """Two fingers and a thumb, from a fist (0) to spread (1); drawn in one go, from the palm out and back."""
    palm = HAND
    fingers = (
        ((0.058, 0.014, -0.006), (0.072, 0.012, -0.030), (0.100, 0.024, -0.006)),
        ((0.058, -0.014, -0.006), (0.072, -0.012, -0.030), (0.100, -0.024, -0.006)),
        ((0.048, 0.0, -0.022), (0.062, 0.0, -0.036), (0.078, 0.0, -0.052)),
    )

    def points(parts: Parts, angles: Mapping[str, float]) -> list[Vector]:
        frame, open_ = parts[f"{side}WristYaw"], angles[f"{side}Hand"]
        found = [palm]
        for knuckle, closed, spread in fingers:
            tip = tuple(c + (s - c) * open_ for c, s in zip(closed, spread, strict=True))
            found += [knuckle, tip, knuckle]  # type: ignore[list-item]  # three numbers
        return [frame.place(point) for point in found]

    return Shape(f"{side}fingers", "line", 0.0085, "joint", points)


def _limbs(side: str, sign: float) -> list[Member]:
    ankle, wrist = f"{side}AnkleRoll", f"{side}WristYaw"
    origin = (0.0, 0.0, 0.0)
    shoulder, elbow, knee = f"{side}ShoulderRoll", f"{side}ElbowYaw", f"{side}KneePitch"
    hip = f"{side}HipPitch"
    corners = [(ankle, (x * 0.94, y * 0.8, SOLE_Z + 0.014)) for x, y, _ in sole(side)]
    return [
        Member(
            f"{side}upper", shoulder, (0.06, 0.012 * sign, 0.0),
            (
                _path(f"{side}upperarm", "line", 0.030, "shell", (shoulder, (0.018, 0.0, 0.0)), (elbow, origin)),
                _path(f"{side}shoulder", "line", 0.036, "accent", (shoulder, origin), (shoulder, (0.004, 0.0, 0.0))),
            ),
        ),
        Member(
            f"{side}lower", wrist, (0.0, 0.0, 0.0),
            (
                _hand(side),
                _path(f"{side}forearm", "line", 0.029, "shell", (elbow, origin), (wrist, (0.012, 0.0, 0.0))),
                _path(f"{side}palm", "line", 0.019, "joint", (wrist, (0.034, 0.0, -0.004)), (wrist, HAND)),
            ),
        ),
        Member(
            f"{side}thigh", hip, (0.0, 0.0, -0.05),
            (
                _path(f"{side}hip", "line", 0.036, "joint", (hip, origin), (hip, (0.0, 0.0, -0.01))),
                _path(f"{side}thigh", "line", 0.038, "shell", (hip, (0.004, 0.004 * sign, -0.022)), (knee, origin)),
            ),
        ),
        Member(
            f"{side}shin", knee, (0.02, 0.0, -0.08),
            (
                _path(f"{side}ankle", "line", 0.030, "joint", (knee, (0.0, 0.0, -0.08)), (ankle, (0.0, 0.0, -0.012))),
                _path(f"{side}sole", "area", 0.014, "shell", *corners),
                _path(f"{side}instep", "line", 0.024, "shell", (ankle, (-0.012, 0.0, -0.018)),
                      (ankle, (0.042, 0.006 * sign, -0.024))),
                _path(f"{side}shin", "line", 0.038, "shell", (knee, (0.004, 0.0, -0.004)),
                      (knee, (0.004, 0.0, -0.072))),
                _disc(f"{side}footled", ankle, (0.066, 0.006 * sign, -0.012),
                      ((0.010, 0.0, -0.004), (0.0, 0.013, 0.0)), f"{_SIDE[side]}FootLeds", (0.5, 0.0, 1.0)),
            ),
        ),
    ]  # fmt: skip


_SIDE = {"L": "Left", "R": "Right"}
_HEAD = "HeadPitch"


def _ear(side: str, sign: float) -> tuple[Shape, Shape]:
    """The loudspeaker at the side of the head, and the ring of LEDs around it."""
    across = ((0.030, 0.0, 0.0), (0.0, 0.0, 0.030))
    ring = ((0.020, 0.0, 0.0), (0.0, 0.0, 0.020))
    facing = (0.0, sign, 0.0)
    return (
        _disc(f"{side}ear", _HEAD, (-0.002, 0.068 * sign, 0.062), across, "accent", facing),
        _disc(f"{side}earled", _HEAD, (-0.002, 0.071 * sign, 0.062), ring, f"{_SIDE[side]}EarLeds", facing),
    )


def _eye(side: str, sign: float) -> tuple[Shape, Shape]:
    facing = (0.94, 0.34 * sign, 0.0)
    centre = (0.056, 0.027 * sign, 0.066)
    return (
        _disc(f"{side}socket", _HEAD, centre, ((-0.006 * sign, 0.0165, 0.0), (0.0, 0.0, 0.0165)), "dark", facing),
        _disc(f"{side}eye", _HEAD, (0.058, 0.027 * sign, 0.066), ((-0.004 * sign, 0.0115, 0.0), (0.0, 0.0, 0.0115)),
              f"{_SIDE[side]}FaceLeds", facing),
    )  # fmt: skip


MEMBERS: tuple[Member, ...] = (
    Member(
        "torso", "Torso", (0.0, 0.0, 0.03),
        (
            _path("pelvis", "line", 0.044, "joint", ("Torso", (0.0, 0.036, -0.078)), ("Torso", (0.0, -0.036, -0.078))),
            _path("chest", "area", 0.044, "shell", ("Torso", (0.0, 0.048, 0.088)), ("Torso", (0.0, -0.048, 0.088)),
                  ("Torso", (0.004, -0.028, -0.035)), ("Torso", (0.004, 0.028, -0.035))),
            _disc("button", "Torso", (0.046, 0.0, 0.048), ((0.0, 0.019, 0.0), (0.004, 0.0, 0.019)), "accent",
                  (1.0, 0.0, 0.0)),
            _disc("chestled", "Torso", (0.047, 0.0, 0.048), ((0.0, 0.012, 0.0), (0.003, 0.0, 0.012)), "ChestLeds",
                  (1.0, 0.0, 0.0)),
        ),
    ),
    Member(
        "head", _HEAD, (0.0, 0.0, 0.07),
        (
            _path("neck", "line", 0.026, "joint", ("Torso", (0.0, 0.0, 0.115)), (_HEAD, (0.0, 0.0, 0.015))),
            _path("skull", "line", 0.057, "shell", (_HEAD, (0.0, -0.014, 0.062)), (_HEAD, (0.0, 0.014, 0.062))),
            *_ear("L", 1.0),
            *_ear("R", -1.0),
            *_eye("L", 1.0),
            *_eye("R", -1.0),
            _disc("mouth", _HEAD, (0.060, 0.0, 0.034), ((0.0, 0.007, 0.0), (0.001, 0.0, 0.005)), "dark",
                  (1.0, 0.0, -0.2)),
            _disc("camera", _HEAD, (0.056, 0.0, 0.098), ((0.0, 0.006, 0.0), (-0.002, 0.0, 0.005)), "dark",
                  (1.0, 0.0, 0.5)),
        ),
    ),
    *_limbs("L", 1.0),
    *_limbs("R", -1.0),
)  # fmt: skip
