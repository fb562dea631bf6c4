"""The check of every call when a behaviour runs: nothing reaches a robot without it."""

from __future__ import annotations

from typing import Any

from services.behavior.calls import match_call
from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError
from services.behavior.scene import SceneView
from services.behavior.sequence import Sequence

__all__ = ["CallChecker", "CheckError", "check_call"]


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


class CallChecker:
    """Checks the calls of one behaviour as they run, one after the other.

    What the static checks follow of a program as far as its values are known, this follows with the values that they
    really have: the same rules, now without gaps.
    """

    def __init__(self, catalogue: Catalogue, scene: SceneView) -> None:
        self._catalogue = catalogue
        self._sequence = Sequence(catalogue, scene)

    def check(self, service: str, method: str, args: list[Any], line: int) -> list[Any]:
        """Check a call, by itself and after those before it, and return its arguments in normal form.

        Args:
            service: the service that is called.
            method: its method.
            args: plain values.
            line: the line of the program, for messages.

        Raises:
            CheckError: as ``check_call`` does, and ``call.posture``, ``call.motors``, ``call.balance``,
                ``call.conflict``, ``call.battery``, ``call.space``, ``call.obstacle``, ``call.calls``,
                ``call.seconds`` or ``call.metres``.
        """
        try:
            found, checked = match_call(self._catalogue, service, method, args)
            self._sequence.take(service, found, checked, line)
        except CheckError as error:
            raise CheckError(f"call.{error.code}", error.message, error.suggestion) from None
        return checked
