"""How the robot stands, as far as a grammar follows it: which calls it may write, and what they lead to."""

from __future__ import annotations

from functools import lru_cache

from services.behavior.arguments import EnumArgument
from services.behavior.catalogue import Catalogue
from services.behavior.methods import Method

OTHER = "other"
"""The motors are on, and the posture is one that no call needs, or not known."""
LIMP = "limp"
"""The motors may be off."""


@lru_cache(maxsize=64)
def states(catalogue: Catalogue) -> States:
    """The states of a robot."""
    return States(catalogue)


class States:
    """The states of one robot: one for each posture family that some call needs, ``OTHER`` and ``LIMP``.

    They are a coarser view of what the checks follow (``robot_state.py``), on the safe side of it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        needed = {method.needs.family for _, method in catalogue.calls}
        for _, method in catalogue.calls:
            for argument in method.args:
                if isinstance(argument, EnumArgument) and argument.family == "needs":
                    needed |= set(catalogue.enums[argument.values].families.values())
        self._needed = needed - {None}

    def start(self, posture: str | None) -> str:
        """The state in which a program begins.

        Args:
            posture: the robot's by the scene. Where that does not say, it is taken to be ready to walk.
        """
        family = self._catalogue.ready if posture is None else self._catalogue.family(posture)
        return self._of(family)

    def _of(self, family: str | None) -> str:
        return family.lower() if family is not None and family in self._needed else OTHER

    def meet(self, one: str, other: str) -> str:
        """The state after one way or another: what may be called in it may be called in both."""
        if one == other:
            return one
        return LIMP if LIMP in (one, other) else OTHER

    def allows(self, method: Method, state: str) -> bool:
        """Whether a method may be called, as far as it does not depend on its arguments."""
        if state == LIMP and method.needs.motors:
            return False
        return method.needs.family is None or self._of(method.needs.family) == state

    def values(self, argument: EnumArgument, state: str, target: str | None = None) -> list[str]:
        """The names that an argument may be given in a state, if the call is to lead to ``target``."""
        enum = self._catalogue.enums[argument.values]
        if argument.family == "needs":
            return [
                value for value in enum.values if enum.family(value) is None or self._of(enum.family(value)) == state
            ]
        if argument.family == "leads_to" and target is not None:
            return [value for value in enum.values if self._of(enum.family(value)) == target]
        return enum.values

    def targets(self, method: Method, state: str) -> list[str]:
        """The states that a method can lead to; none for one that changes nothing about how the robot stands."""
        if method.leads_to.motors is False:
            return [LIMP]
        for argument in method.args:
            if isinstance(argument, EnumArgument) and argument.family == "leads_to":
                enum = self._catalogue.enums[argument.values]
                return list(dict.fromkeys(self._of(enum.family(value)) for value in enum.values))
        if method.leads_to.family is not None:
            return [self._of(method.leads_to.family)]
        return [OTHER if state == LIMP else state] if method.leads_to.motors else []

    def all_targets(self, state: str) -> list[str]:
        """The states that some call leads to from a state."""
        found = (target for _, method in self._catalogue.calls for target in self.targets(method, state))
        return list(dict.fromkeys(found))


class AnyState(States):
    """One state for all of them: every call may be made in it, with every name, and none leads out of it."""

    def allows(self, method: Method, state: str) -> bool:
        """Whether a method may be called: always."""
        return True

    def values(self, argument: EnumArgument, state: str, target: str | None = None) -> list[str]:
        """All names that an argument may be given."""
        return self._catalogue.enums[argument.values].values

    def targets(self, method: Method, state: str) -> list[str]:
        """The states that a method leads to: none but the one there is."""
        return []
