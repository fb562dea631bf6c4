"""Calls that mend a program, found in the catalogue and written out for a suggestion."""

from __future__ import annotations

from functools import lru_cache

from services.behavior.arguments import Argument, BoolArgument, EnumArgument, JointArgument, NumberArgument
from services.behavior.catalogue import Catalogue


@lru_cache(maxsize=256)
def posture_call(catalogue: Catalogue, family: str) -> str:
    """A call that brings the robot into a posture family, as a program writes it.

    The one that takes the name of a posture, if there is one, because it also works with the motors off.
    """
    for service, method in catalogue.calls:
        for at, argument in enumerate(method.args):
            if not isinstance(argument, EnumArgument) or argument.family != "leads_to":
                continue
            enum = catalogue.enums[argument.values]
            fitting = [value for value in enum.values if enum.family(value) == family]
            if fitting:
                written = [f'"{fitting[0]}"' if i == at else _some(catalogue, arg) for i, arg in enumerate(method.args)]
                return f"{service}.{method.name}({', '.join(written)})"
    for service, method in catalogue.calls:
        if method.leads_to.family == family and not method.args:
            return f"{service}.{method.name}()"
    return f"a call that leads to posture {family}"


def off_its_legs(catalogue: Catalogue) -> str:
    """A call after which the robot does not stand on the joints that carry it, as a program writes it."""
    postures = catalogue.enums[catalogue.postures] if catalogue.postures is not None else None
    families = [postures.family(value) for value in postures.values] if postures is not None else []
    resting = [family for family in families if family is not None and family not in catalogue.upright]
    return posture_call(catalogue, resting[0]) if resting else "a call that brings it off its legs"


@lru_cache(maxsize=64)
def stop_call(catalogue: Catalogue, service: str) -> str | None:
    """A call that stops all that a service has under way, as a program writes it, if the service has one."""
    methods = catalogue.services[service].methods
    return next((f"{service}.{m.name}()" for m in methods if m.effect == "stop" and not m.args), None)


@lru_cache(maxsize=64)
def way_call(catalogue: Catalogue) -> str | None:
    """The name of a call that walks a way of given length and ends there, if the robot has one."""
    for service, method in catalogue.calls:
        if any(isinstance(arg, NumberArgument) and arg.axis and arg.unit == "m" for arg in method.args):
            return f"{service}.{method.name}"
    return None


def _some(catalogue: Catalogue, argument: Argument) -> str:
    """A middling value for an argument."""
    if isinstance(argument, NumberArgument) and argument.min is not None and argument.max is not None:
        middle = 0.5 if argument.min <= 0.5 <= argument.max else (argument.min + argument.max) / 2
        return f"{round(middle)}" if argument.type == "int" else f"{middle:.1f}"
    if isinstance(argument, EnumArgument):
        return f'"{catalogue.enums[argument.values].values[0]}"'
    if isinstance(argument, JointArgument):
        return f'"{next(iter(catalogue.joints))}"'
    return "True" if isinstance(argument, BoolArgument) else f'"{argument.name}"'
