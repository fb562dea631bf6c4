"""The values that may pass between a program and a robot: numbers, texts, True and False, and short lists of them."""

from __future__ import annotations

import json
from typing import Any

from services.behavior.check import CheckError

_MAX_RESULT_CHARACTERS = 4000
_MAX_DEPTH = 2
_MAX_ITEMS = 200
_LARGEST_INT = 2**53  # beyond this an integer is no exact float any more


def plain_argument(where: str, value: Any, depth: int = 0) -> Any:
    """Return a value of plain types; CheckError for anything else that a program could hand over."""
    if isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise CheckError("call.range", f"{where}: a whole number of {value.bit_length()} bits", "use smaller numbers")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        if depth == _MAX_DEPTH or len(value) > _MAX_ITEMS:
            raise CheckError("call.length", f"{where}: a list with too many items or lists in it", "use shorter lists")
        return [plain_argument(where, item, depth + 1) for item in value]
    raise CheckError("call.type", f"{where}: {type(value).__name__}", "use numbers, texts, True, False and lists")


def plain_result(result: Any) -> Any:
    """Return what a robot answered if it is plain and short, else None."""
    result = _rounded(result)
    try:
        return result if len(json.dumps(result, allow_nan=False)) <= _MAX_RESULT_CHARACTERS else None
    except (TypeError, ValueError):
        return None


def _rounded(result: Any) -> Any:
    """Cut floats to the digits that survive the robot's 32 bits."""
    if isinstance(result, float):
        return round(result, 6)
    return [_rounded(item) for item in result] if isinstance(result, list | tuple) else result
