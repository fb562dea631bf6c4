"""Checks joint angles: one for each joint, within its limits, its coupled limits and its top speed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.behavior.body import Coupling
from services.behavior.catalogue import Catalogue, Method, NumberArgument
from services.behavior.errors import CheckError
from services.behavior.ranges import check_range
from services.behavior.values import Unknown, Value, kind_of, known_number

_ROUNDING = 1e-6


def check_angles(catalogue: Catalogue, name: str, method: Method, args: list[Value]) -> None:
    """Check the angles of a call whose arguments have the right types.

    Raises:
        CheckError: ``arity``, ``type``, ``limit``, ``degrees``, ``coupling`` or ``velocity``.
    """
    values = {argument.name: value for argument, value in zip(method.args, args, strict=True)}
    for argument in method.args:
        if not isinstance(argument, NumberArgument):
            continue
        if argument.joints is not None:
            names = joints_of(catalogue, values[argument.joints])
            if names is None:
                continue
            series = _series(f"{name}: {argument.name}", names, values[argument.joints], values[argument.name])
            absolute = values[argument.absolute] if isinstance(argument.absolute, str) else argument.absolute
            _check_limits(catalogue, name, series, absolute=absolute)
            moments: Series = {}
            if (times := _times_of(method, argument)) is not None:
                moments = _series(f"{name}: {times.name}", names, values[argument.joints], values[times.name])
                _check_times(catalogue, name, times.name, series, moments, absolute=absolute)
            if absolute is True:
                _check_couplings(catalogue, name, series, moments)


@dataclass(frozen=True)
class Move:
    """Where a call brings a joint, in the joint's unit."""

    angles: list[float]
    """One after the other."""
    absolute: bool
    """Whether the call says where to, or by how much from ``start``."""
    start: float | None
    """Where the joint was, or None when that is not known."""
    first_time: float | None
    """Seconds until the first angle, where the call says so."""


def moves(catalogue: Catalogue, method: Method, args: list[Value], at: Mapping[str, float]) -> dict[str, Move]:
    """Where a call brings each joint, as far as that is known; ``at`` is where joints are known to be before it."""
    found: dict[str, Move] = {}
    values = {argument.name: value for argument, value in zip(method.args, args, strict=True)}
    for argument in method.args:
        if not isinstance(argument, NumberArgument) or argument.joints is None:
            continue
        absolute = values[argument.absolute] if isinstance(argument.absolute, str) else argument.absolute
        names = joints_of(catalogue, values[argument.joints])
        if not isinstance(absolute, bool) or names is None:
            continue
        times = _times_of(method, argument)
        moments = _series("", names, values[argument.joints], values[times.name]) if times else {}
        for joint, series in _series("", names, values[argument.joints], values[argument.name]).items():
            angles = [angle for angle in map(known_number, series) if angle is not None]
            start = at.get(joint)
            if len(angles) == len(series) and (absolute or start is not None):
                first = known_number(moments[joint][0]) if joint in moments else None
                if not absolute:  # of a change that leads further than it can, the robot makes what it can
                    low, high = catalogue.joints[joint].min, catalogue.joints[joint].max
                    angles = [min(max(angle + (start or 0.0), low), high) for angle in angles]
                found[joint] = Move(angles, absolute, start, first)
    return found


def _times_of(method: Method, angles: NumberArgument) -> NumberArgument | None:
    """The argument that says when angles are reached."""
    numbers = (argument for argument in method.args if isinstance(argument, NumberArgument))
    return next((argument for argument in numbers if argument.times_of == angles.name), None)


def joints_of(catalogue: Catalogue, value: Value) -> list[str] | None:
    """The joints that a value names (a joint, a chain of joints, a list of joints), or None while it is not known."""
    if isinstance(value, str):
        return catalogue.chains.get(value, [value])
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    return None


Series = dict[str, list[Value]]
"""For each joint its values in order; each may be Unknown."""


def _series(where: str, names: list[str], named: Value, value: Value) -> Series:
    """Give each joint its values. A single joint takes a value or a list; several take one value or list each."""
    if isinstance(value, Unknown) and value.kind in ("list", "any"):
        return {}
    if isinstance(named, str) and len(names) == 1:
        items = value if isinstance(value, list) else [value]
        if any(kind_of(item) == "list" for item in items):
            raise CheckError(
                "type", f"{where} is a list of lists", f"give a number or a list of numbers for {names[0]}"
            )
        return {names[0]: items}
    if not isinstance(value, list):
        # One number for several joints holds for each of them, as NAOqi has it.
        return {joint: [value] for joint in names}
    if len(value) != len(names):
        raise CheckError(
            "arity", f"{where} has {len(value)} entries for {len(names)} joints", "give one for each joint"
        )
    return {
        joint: item if isinstance(item, list) else [item]
        for joint, item in zip(names, value, strict=True)
        if not (isinstance(item, Unknown) and item.kind in ("list", "any"))
    }


def _check_limits(catalogue: Catalogue, name: str, series: Series, *, absolute: Value) -> None:
    for joint, angles in series.items():
        limits = catalogue.joints[joint]
        low, high = limits.min, limits.max
        if absolute is not True:
            # A change, or not known to be none: it cannot be larger than the whole range of the joint.
            low, high = low - high, high - low
        for angle in angles:
            if not isinstance(angle, Unknown):
                check_range(f"{name}: {joint}", angle, low, high, limits.unit, "limit")


def _check_couplings(catalogue: Catalogue, name: str, series: Series, moments: Series) -> None:
    """Check joints that limit each other wherever both are known to be, on the way too where there are times."""
    for coupling in catalogue.couplings:
        for angle, by_angle in _together(coupling, series, moments):
            low, high = coupling.limits(by_angle)
            what = f"{name}: with {coupling.by} at {by_angle:g}, {coupling.joint}"
            check_range(what, angle, low, high, catalogue.joints[coupling.joint].unit, "coupling")


def _together(coupling: Coupling, series: Series, moments: Series) -> Iterator[tuple[float, float]]:
    """Angles of a coupling's two joints that hold at one time."""
    if coupling.joint not in series or coupling.by not in series:
        return
    if not moments:
        angle, by_angle = series[coupling.joint][-1], series[coupling.by][-1]
        if not isinstance(angle, Unknown) and not isinstance(by_angle, Unknown):
            yield angle, by_angle
        return
    path, until = _path(series[coupling.joint], moments.get(coupling.joint))
    by_path, by_until = _path(series[coupling.by], moments.get(coupling.by))
    for moment in sorted({time for time, _ in path + by_path} | set(_bends(by_path, coupling))):
        angle, by_angle = _at(path, moment), _at(by_path, moment)
        if angle is not None and by_angle is not None and moment <= min(until, by_until):
            yield angle, by_angle


Path = list[tuple[float, float]]
"""(time, angle) of a joint in order, as far as they are known."""


def _path(angles: list[Value], times: list[Value] | None) -> tuple[Path, float]:
    """A joint's way as far as it is known, and until when that is; at the end of it the joint stays."""
    points = zip(times or [], angles, strict=False)
    known = list(itertools.takewhile(lambda point: not any(isinstance(value, Unknown) for value in point), points))
    return known, math.inf if len(known) == len(angles) else known[-1][0] if known else -math.inf


def _at(path: Path, moment: float) -> float | None:
    """Angle at a moment, linear between points; None before the first, from where nobody knows the way."""
    if not path or moment < path[0][0]:
        return None
    for (time0, angle0), (time1, angle1) in itertools.pairwise(path):
        if moment <= time1:
            return angle0 + (angle1 - angle0) * (moment - time0) / (time1 - time0)
    return path[-1][1]


def _bends(path: Path, coupling: Coupling) -> Iterator[float]:
    """When a joint passes the points between which its coupling is linear."""
    for (time0, angle0), (time1, angle1) in itertools.pairwise(path):
        for point in (sign * distance for distance, _, _ in coupling.points for sign in (-1, 1)):
            if min(angle0, angle1) < point < max(angle0, angle1):
                yield time0 + (time1 - time0) * (point - angle0) / (angle1 - angle0)


def _check_times(
    catalogue: Catalogue, name: str, times: str, series: Series, moments: Series, *, absolute: Value
) -> None:
    for joint, angles in series.items():
        at = moments.get(joint)
        if at is None:
            continue
        if len(at) != len(angles):
            raise CheckError(
                "arity", f"{name}: {joint} has {len(angles)} angles and {len(at)} {times}", "give as many of each"
            )
        if absolute is False:  # by as much as it is to change, wherever it is
            change, time = known_number(angles[0]), known_number(at[0])
            if change is not None and time is not None:
                check_speed(catalogue, f"{name}: {joint}", joint, abs(change), time)
        for (angle0, time0), (angle1, time1) in itertools.pairwise(zip(angles, at, strict=True)):
            if isinstance(time0, Unknown) or isinstance(time1, Unknown):
                continue
            if time1 <= time0:
                raise CheckError(
                    "range", f"{name}: in the {times} of {joint} {time1:g} follows {time0:g}", "let times grow"
                )
            if absolute is True and not isinstance(angle0, Unknown) and not isinstance(angle1, Unknown):
                check_speed(catalogue, f"{name}: {joint}", joint, abs(angle1 - angle0), time1 - time0)


def check_speed(catalogue: Catalogue, what: str, joint: str, distance: float, seconds: float) -> None:
    """Check that a joint can go so far in so many seconds. Raises CheckError ``velocity``."""
    top = catalogue.joints[joint].max_velocity
    if distance > top * seconds * (1 + _ROUNDING):
        raise CheckError(
            "velocity",
            f"{what} would need {distance / seconds:.1f} per second and can do {top:g}",
            f"allow at least {distance / top:.2f} s",
        )
