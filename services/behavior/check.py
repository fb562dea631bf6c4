"""The check of every call when a behaviour runs: nothing reaches a robot without it."""

from __future__ import annotations

from typing import Any

from services.behavior.calls import match_call
from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError

__all__ = ["CheckError", "check_call"]


def check_call(catalogue: Catalogue, service: str, method: str, args: list[Any]) -> list[Any]:
    """Check a call against the catalogue and return its arguments in normal form.

    Numbers become floats where the robot expects floats, tuples become lists.

    Raises:
        CheckError: with a code ``call.…`` (service, method, denied, arity, type, finite, range, degrees, centimetres,
            millimetres, milliseconds, percent, enum, text, length, joint, limit, coupling, velocity, unavailable).
    """
    try:
        return match_call(catalogue, service, method, list(args))[1]
    except CheckError as error:
        raise CheckError(f"call.{error.code}", error.message, error.suggestion) from None
