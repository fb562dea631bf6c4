"""Asks a connected robot what it has: its methods, the limits of its joints, what is installed."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from services.behavior.catalogue import Catalogue
from services.behavior.methods import Call
from services.behavior.narrowing import Found
from services.robot.bridge import Bridge
from services.robot.errors import RobotFault, RobotSilent

ASK_TIMEOUT_S = 5.0
_VARIADIC = "m"

Limits = tuple[float, float, float]
"""Smallest and largest angle, top speed."""

log = structlog.get_logger(__name__)


async def inspect(catalogue: Catalogue, bridge: Bridge) -> Found:
    """What the robot says of itself, as far as its catalogue asks. Raises RobotUnreachable."""
    there = set(await bridge.services(ASK_TIMEOUT_S)) & set(catalogue.services)
    methods, names, joints = await asyncio.gather(
        _gather({service: _methods(bridge, service) for service in there}),
        _gather({name: _names(bridge, enum.installed) for name, enum in catalogue.enums.items() if enum.installed}),
        _joints(catalogue, bridge),
    )
    return Found(methods, {enum: told for enum, told in names.items() if told is not None}, joints)


async def _gather(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


async def _methods(bridge: Bridge, service: str) -> dict[str, set[int | None]]:
    """What a service can be called; nothing when it does not even tell that."""
    found: dict[str, set[int | None]] = {}
    try:
        told = await bridge.methods(service, ASK_TIMEOUT_S)
    except RobotFault as error:
        log.warning("a service does not answer", url=bridge.url, service=service, reason=error.message)
        return found
    for name, parameters in told:
        found.setdefault(name, set()).add(None if parameters == _VARIADIC else count_parameters(parameters))
    return found


async def _names(bridge: Bridge, installed: Call) -> set[str] | None:
    """The names that are installed, or None when the robot does not tell."""
    try:
        told = await bridge.call(installed.service, installed.method, installed.args, ASK_TIMEOUT_S)
    except RobotFault:
        return None
    return {str(name) for name in told} if isinstance(told, list | tuple) else None


async def _joints(catalogue: Catalogue, bridge: Bridge) -> dict[str, Limits | None]:
    """The limits of the joints, None for those that the robot does not know; nothing when it tells none at all."""
    asks = catalogue.control.limits
    if asks is None:
        return {}
    names = list(catalogue.joints)
    answers = await asyncio.gather(
        *(bridge.call(asks.service, asks.method, [*asks.args, name], ASK_TIMEOUT_S) for name in names),
        return_exceptions=True,
    )
    found: dict[str, Limits | None] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, RobotSilent):
            continue
        if isinstance(answer, RobotFault):
            found[name] = None
        elif isinstance(answer, BaseException):
            raise answer
        elif (limits := _limits(answer)) is not None:
            found[name] = limits
    return found if any(found.values()) else {}


def _limits(answer: Any) -> Limits | None:
    try:
        low, high, speed, *_ = map(float, answer[0])
    except (TypeError, ValueError, IndexError):
        return None
    return low, high, speed


def count_parameters(signature: str) -> int:
    """How many parameters a method of this qi signature takes, such as ``(s[f]{sm})``: 3."""
    depth, count, annotation = 0, 0, False
    for character in signature[1:-1]:
        if character == "<":  # names of a structure's fields
            annotation = True
        elif character == ">":
            annotation = False
        elif annotation:
            continue
        elif character in "([{":
            count += depth == 0
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and character not in "+~#":
            count += 1
    return count
