"""The check of every call when a behaviour runs: nothing reaches a robot without it."""

from __future__ import annotations

from typing import Any

from services.behavior.calls import match_call
from services.behavior.catalogue import Catalogue, Method
from services.behavior.errors import CheckError
from services.behavior.ground import UNLED_S
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
        self._walk_began = 0.0

    @property
    def walk_ends(self) -> float | None:
        """The moment until which the way of the walk at a speed that is under way was checked; None without one."""
        walk = self._sequence.state.walk
        return None if walk is None else self._walk_began + walk.seconds + UNLED_S

    def walk_was_ended(self) -> None:
        """The walk at a speed that was under way has been ended, by no call of the program."""
        self._sequence.end_walk()

    def check(self, service: str, method: str, args: list[Any], line: int, at: float) -> tuple[Method, list[Any]]:
        """Check a call, by itself and after those before it.

        Args:
            service: the service that is called.
            method: its method.
            args: plain values.
            line: the line of the program, for messages.
            at: the moment at which it is made, in seconds on the robot's clock.

        Returns:
            the form of the method that is called and the arguments in normal form.

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
        if found.walks:
            self._walk_began = at
        return found, checked
