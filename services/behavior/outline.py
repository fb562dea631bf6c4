"""What matters of a method when the calls of a program are followed one after the other, found once per method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from services.behavior.arguments import Argument, EnumArgument, NumberArgument, TextArgument
from services.behavior.catalogue import Catalogue
from services.behavior.methods import Method
from services.behavior.names import Enum

Axes = tuple[int | None, int | None, int | None]
"""The places of the arguments x, y and theta."""


@dataclass(frozen=True)
class Outline:
    """The places of the arguments of one method, counted from 0, that say what it needs and does."""

    method: Method
    needs: tuple[tuple[int, Enum], ...]
    """Arguments whose value has the posture family that the robot must be in."""
    leads_to: tuple[tuple[int, Enum], ...]
    """Arguments whose value has the posture family that the robot ends in."""
    tags: tuple[tuple[int, re.Pattern[str], Enum], ...]
    """Texts with markup, whose values have the posture family that the robot must be in."""
    displacement: Axes | None
    speed: Axes | None
    fraction: bool
    """Whether ``speed`` is a share of the base's full speed."""
    joints: tuple[int, ...]
    """Arguments that name joints, chains of joints or hands that the call moves."""
    slack: tuple[int, int] | None
    """The arguments that name joints and set their stiffness."""
    place: bool
    """Whether it makes the robot go, look or point somewhere that is given in metres."""


def outlines(catalogue: Catalogue) -> dict[int, Outline]:
    """The outline of every method of a catalogue, by ``id`` of the method."""
    return _outlines(catalogue)[0]


@lru_cache(maxsize=64)
def _outlines(catalogue: Catalogue) -> tuple[dict[int, Outline], list[Method]]:
    # The methods are kept beside their ids, so that none of these can come to mean another.
    methods = [method for _, method in catalogue.calls]
    return {id(method): _outline(catalogue, method) for method in methods}, methods


def _outline(catalogue: Catalogue, method: Method) -> Outline:
    numbers = [(at, argument) for at, argument in enumerate(method.args) if isinstance(argument, NumberArgument)]
    axes = {argument.axis: (at, argument.unit) for at, argument in numbers if argument.axis is not None}
    units = {unit for _, unit in axes.values()}
    places: Axes = tuple(axes[axis][0] if axis in axes else None for axis in ("x", "y", "theta"))  # type: ignore[assignment]
    goes = bool(units & {"m", "rad"})
    names = [argument.name for argument in method.args]
    slack = next(((names.index(a.stiffness_of), at) for at, a in numbers if a.stiffness_of is not None), None)
    return Outline(
        method=method,
        needs=tuple(_families(catalogue, method, "needs")),
        leads_to=tuple(_families(catalogue, method, "leads_to")),
        tags=tuple(
            (
                at,
                re.compile(rf"\^(?:{'|'.join(argument.tags.words)})\(([^()]*)\)"),
                catalogue.enums[argument.tags.values],
            )
            for at, argument in enumerate(method.args)
            if isinstance(argument, TextArgument) and argument.tags is not None
        ),
        displacement=places if axes and goes else None,
        speed=places if axes and not goes else None,
        fraction=units == {""},
        joints=tuple(at for at, argument in enumerate(method.args) if _names_joints(catalogue, method, argument)),
        slack=slack,
        place=bool(axes) or any(argument.shape == "triple" and argument.unit == "m" for _, argument in numbers),
    )


def _families(catalogue: Catalogue, method: Method, role: str) -> Iterator[tuple[int, Enum]]:
    for at, argument in enumerate(method.args):
        if isinstance(argument, EnumArgument) and argument.family == role:
            yield at, catalogue.enums[argument.values]


def _names_joints(catalogue: Catalogue, method: Method, argument: Argument) -> bool:
    if method.effect != "motion":
        return False
    if isinstance(argument, EnumArgument):
        return set(catalogue.enums[argument.values].values) <= set(catalogue.joints)
    return argument.type == "joint"
