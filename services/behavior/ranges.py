"""The check of one number against a range."""

from __future__ import annotations

import math

from services.behavior.errors import CheckError

_DEGREES_FROM = 5.0  # beyond every joint's reach in radians, and sensible in degrees
_LARGEST = 1e9  # no sensible value comes near, and larger ones would overflow where they are written out
_ROUNDING = 1e-6  # limits are given to four places, and angles come back from a robot as 32-bit floats


def check_range(what: str, value: float, low: float, high: float, unit: str, code: str = "range") -> None:
    """Check that a finite number lies between low and high.

    Raises:
        CheckError: ``code``, or ``degrees`` when the number would be a fitting angle in degrees.
    """
    if low - _ROUNDING <= value <= high + _ROUNDING:
        return
    if unit == "rad" and _DEGREES_FROM <= abs(value) <= _LARGEST and low <= math.radians(value) <= high:
        mended = f"{math.radians(value):.2f}"
        raise CheckError("degrees", f"{what} is {value:g}, which looks like degrees; write radians: {mended}")
    of_unit = f" {unit}" if unit else ""
    shown = f"{value:g}{of_unit}" if abs(value) <= _LARGEST else "far too large"
    raise CheckError(code, f"{what} is {shown}; it must be between {low:g} and {high:g}{of_unit}")
