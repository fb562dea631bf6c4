"""Head, arms, hands and single joints: states that are reached at some time, or last at the end.

A state is looked for at the moments at which its joints rest or turn, not where they pass through. The torso is taken
as upright and 0.33 m above the floor, in every posture, as the simulated robot's tracker takes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from services.picture.kinematics import HAND, Vector, frames
from services.robot.simulator.anatomy import CHAINS, head_pitch_limits
from services.robot.simulator.surface.autonomy import CAMERA_M, TORSO_M
from services.training.judging.predicates import Arm, Hand, Joint, Looks, LooksAt, PointsAt
from services.training.judging.sight import Sight, Trace, limits_text, reached, within

_HEAD = CHAINS["Head"]
_SIDES = {"left": "L", "right": "R"}
_OPEN, _CLOSED = 0.6, 0.2  # standing, a hand is open by 0.3


def looks(value: Looks, trace: Trace) -> Sight:
    """Where the head is turned."""
    yaw, pitch = (trace.timeline.joints[joint] for joint in _HEAD)

    def test(i: int) -> bool:
        return within(math.degrees(yaw[i]), value.yaw) and within(-math.degrees(pitch[i]), value.pitch)

    def seen(i: int) -> str:
        return f"yaw {math.degrees(yaw[i]):.0f}, pitch {-math.degrees(pitch[i]):.0f}"

    joints = [name for name, limits in zip(_HEAD, (value.yaw, value.pitch), strict=True) if limits is not None]
    return reached(trace, joints, test, seen, end=value.end)


def looks_at(value: LooksAt, trace: Trace) -> Sight:
    """Whether the head is turned to a thing; for one higher or lower than it can nod, as far as it can."""
    yaw, pitch = (trace.timeline.joints[joint] for joint in _HEAD)

    def off(i: int) -> float:
        x, y, z = _from_torso(trace, value.target, i)
        down = math.atan2(CAMERA_M - z, math.hypot(x, y))
        low, high = head_pitch_limits(yaw[i])
        return _between(_direction(math.atan2(y, x), min(max(down, low), high)), _direction(yaw[i], pitch[i]))

    return _directed(trace, _HEAD, value, off)


def points_at(value: PointsAt, trace: Trace) -> Sight:
    """Whether the line from the shoulder to the hand leads to a thing."""
    return _either(_points(value, trace, side) for side in ("left", "right") if value.arm in (side, "either"))


def arm(value: Arm, trace: Trace) -> Sight:
    """How far the upper arm is over the horizontal."""
    joints = {side: (f"{side}ShoulderPitch", f"{side}ShoulderRoll") for side in _SIDES.values()}
    columns = {side: [trace.timeline.joints[name] for name in names] for side, names in joints.items()}

    def raised(side: str, i: int) -> float:
        pitch, roll = columns[side]
        return elevation(pitch[i], roll[i])

    def one(sides: Sequence[str]) -> Sight:
        def test(i: int) -> bool:
            return all(within(raised(side, i), value.raised) for side in sides)

        def seen(i: int) -> str:
            return "/".join(f"{raised(side, i):.0f}" for side in sides)

        return reached(trace, [name for side in sides for name in joints[side]], test, seen, end=value.end)

    return _by_side(value.side, one, limits_text(value.raised))


def hand(value: Hand, trace: Trace) -> Sight:
    """Whether hands are open or closed."""
    limits: list[float | None] = [_OPEN, None] if value.state == "open" else [None, _CLOSED]

    def one(sides: Sequence[str]) -> Sight:
        columns = [trace.timeline.joints[f"{side}Hand"] for side in sides]

        def test(i: int) -> bool:
            return all(within(column[i], limits, 2) for column in columns)

        def seen(i: int) -> str:
            return "/".join(f"{column[i]:.0%}" for column in columns) + " open"

        return reached(trace, [f"{side}Hand" for side in sides], test, seen, end=value.end)

    return _by_side(value.side, one, f"not {value.state}")


def joint(value: Joint, trace: Trace) -> Sight:
    """The angle of a joint, in NAO's own sign."""
    column = trace.timeline.joints[value.name]

    def test(i: int) -> bool:
        return within(math.degrees(column[i]), value.degrees)

    def seen(i: int) -> str:
        return f"{math.degrees(column[i]):.0f}"

    sight = reached(trace, [value.name], test, seen, end=value.end)
    return sight if sight.holds else Sight(False, [], f"{value.name} {sight.seen}, {limits_text(value.degrees)}")


def elevation(pitch: float, roll: float) -> float:
    """Degrees of the upper arm over the horizontal, from the shoulder's angles in radians."""
    return math.degrees(math.asin(-math.sin(pitch) * math.cos(roll)))


# --- within ----------------------------------------------------------------------------------------------------------


def _by_side(side: str, one: Callable[[Sequence[str]], Sight], unlike: str) -> Sight:
    if side == "either":
        found = _either(one([letter]) for letter in _SIDES.values())
    else:
        found = one(list(_SIDES.values()) if side == "both" else [_SIDES[side]])
    return found if found.holds else Sight(False, [], f"{side}: {found.seen}, {unlike}")


def _either(sights: Iterable[Sight]) -> Sight:
    found = list(sights)
    events = sorted({event for sight in found if sight.holds for event in sight.events})
    return Sight(any(sight.holds for sight in found), events, "; ".join(sight.seen for sight in found))


def _points(value: PointsAt, trace: Trace, side: str) -> Sight:
    letter = _SIDES[side]
    joints = [name for name in CHAINS[f"{letter}Arm"] if not name.endswith("Hand")]

    def off(i: int) -> float:
        parts = frames({name: trace.timeline.joints[name][i] for name in joints})
        shoulder, palm = parts[f"{letter}ShoulderPitch"].origin, parts[f"{letter}WristYaw"].place(HAND)
        return _between(_difference(palm, shoulder), _difference(_from_torso(trace, value.target, i), shoulder))

    return _directed(trace, joints, value, off)


def _directed(trace: Trace, joints: Sequence[str], value: LooksAt | PointsAt, off: Callable[[int], float]) -> Sight:
    def test(i: int) -> bool:
        return within(off(i), [None, value.within])

    def seen(i: int) -> str:
        return f"{off(i):.0f} degrees off"

    sight = reached(trace, joints, test, seen, end=value.end, or_walk=True)
    return sight if sight.holds else Sight(False, [], f"{value.target!r}: {sight.seen}, not within {value.within:g}")


def _from_torso(trace: Trace, target: str, i: int) -> Vector:
    x, y, z = trace.view.position(target, trace.timeline.places[i])
    return x, y, z - TORSO_M[2]


def _direction(yaw: float, down: float) -> Vector:
    return math.cos(yaw) * math.cos(down), math.sin(yaw) * math.cos(down), -math.sin(down)


def _difference(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _between(a: Vector, b: Vector) -> float:
    """Degrees between two directions; 180 if one is none."""
    lengths = math.hypot(*a) * math.hypot(*b)
    if lengths == 0.0:
        return 180.0
    return math.degrees(math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)) / lengths))))
