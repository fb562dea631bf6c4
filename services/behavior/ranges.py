"""The check of one number against a range, and of the units that a number out of range was probably meant in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.behavior.errors import CheckError

_LARGEST = 1e9  # no sensible value comes near, and larger ones would overflow where they are written out
_ROUNDING = 1e-6  # limits are given to four places, and angles come back from a robot as 32-bit floats


@dataclass(frozen=True)
class _Mistaken:
    """A unit that numbers are often given in where another is due: from ``least`` on, ``factor`` makes them fit."""

    code: str
    factor: float
    least: float
    due: str


# The least values are such that a number of the right unit, only too large, is rarely taken for one of the wrong unit:
# 5 rad is beyond every joint, 20 m beyond what anybody has a robot walk, 100 s beyond every wait of a program.
_MISTAKEN = {
    "rad": (_Mistaken("degrees", math.pi / 180, 5.0, "radians"),),
    "rad/s": (_Mistaken("degrees", math.pi / 180, 5.0, "radians per second"),),
    "m": (_Mistaken("centimetres", 0.01, 20.0, "metres"), _Mistaken("millimetres", 0.001, 20.0, "metres")),
    "m/s": (
        _Mistaken("centimetres", 0.01, 1.0, "metres per second"),
        _Mistaken("millimetres", 0.001, 1.0, "metres per second"),
    ),
    "s": (_Mistaken("milliseconds", 0.001, 100.0, "seconds"),),
    "": (_Mistaken("percent", 0.01, 5.0, "a fraction of 1"),),
}


def check_range(
    what: str, value: float, low: float, high: float, unit: str, code: str = "range", *, whole: bool = False
) -> None:
    """Check that a finite number lies between ``low`` and ``high``, all three in ``unit``; ``whole`` if it is counted.

    Raises:
        CheckError: ``code``; or ``degrees``, ``centimetres``, ``millimetres``, ``milliseconds`` or ``percent`` when the
            number would fit if it had been meant in that unit. The suggestion holds the number in the right one.
    """
    if low - _ROUNDING <= value <= high + _ROUNDING:
        return
    for mistaken in _MISTAKEN.get(unit, ()):
        if not mistaken.least <= abs(value) <= _LARGEST or not low <= value * mistaken.factor <= high:
            continue
        if mistaken.code == "percent" and (high != 1.0 or abs(value) > 100 or whole):
            continue  # a plain number, not a fraction
        looks = f"{what} is {value:g}, which looks like {mistaken.code}"
        raise CheckError(mistaken.code, looks, f"write {mistaken.due}: {_shown(value * mistaken.factor)}")
    of_unit = f" {unit}" if unit else ""
    shown = f"{value:g}{of_unit}" if abs(value) <= _LARGEST else "far too large"
    raise CheckError(code, f"{what} is {shown}", f"write a number between {low:g} and {high:g}{of_unit}")


def _shown(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.01 else f"{value:g}"
