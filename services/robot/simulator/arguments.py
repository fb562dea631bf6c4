"""Reads the arguments of NAOqi's motion calls, which come in several shapes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from services.robot.simulator.joints import require_finite


def fraction_of_speed(value: float) -> float:
    """Return a fraction of the highest speed; ValueError unless it is above 0 and at most 1."""
    (share,) = require_finite([value], "the speed fraction")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"the speed fraction must be above 0 and at most 1, not {share}")
    return share


def one_each(joints: list[str], values: float | Sequence[float], what: str) -> list[float]:
    """Return one number per joint; a single number stands for all of them."""
    numbers = require_finite(values if isinstance(values, list | tuple) else [values] * len(joints), what)
    if len(numbers) != len(joints):
        raise ValueError(f"{len(joints)} joints need {len(joints)} {what}, not {len(numbers)}")
    return numbers


def timed_keys(
    joints: list[str], angles: object, times: object, base: Mapping[str, float]
) -> dict[str, list[tuple[float, float]]]:
    """Return the (seconds from now, angle) keys of each joint; angles are added to those in ``base``, if any."""
    keys: dict[str, list[tuple[float, float]]] = {}
    rows = zip(joints, _timelines(joints, angles, "angles"), _timelines(joints, times, "times"), strict=True)
    for name, values, moments in rows:
        if len(values) != len(moments):
            raise ValueError(f"{name} has {len(values)} angles but {len(moments)} times; give one time per angle")
        if moments[0] <= 0 or any(b <= a for a, b in itertools.pairwise(moments)):
            raise ValueError(f"the times of {name} must be positive and rising, not {moments}")
        keys[name] = [(moment, base.get(name, 0.0) + value) for moment, value in zip(moments, values, strict=True)]
    return keys


def _timelines(joints: list[str], values: object, what: str) -> list[list[float]]:
    """Return one list of numbers per joint from the shapes that NAOqi takes: n, [n, …] or [[n, …], …]."""
    rows: list[object] = list(values) if isinstance(values, list | tuple) else [values]
    if not rows:
        raise ValueError(f"{what} must not be empty")
    if any(isinstance(row, list | tuple) for row in rows):
        lists = [list(row) if isinstance(row, list | tuple) else [row] for row in rows]
    elif len(joints) == 1:
        lists = [rows]
    elif len(rows) == 1:
        lists = [rows] * len(joints)
    else:
        lists = [[row] for row in rows]
    if len(lists) != len(joints) or not all(lists):
        raise ValueError(f"{len(joints)} joints need {len(joints)} lists of {what}, not {len(lists)}")
    return [require_finite(row, what) for row in lists]
