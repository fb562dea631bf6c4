"""How long a call lasts and how far it takes the robot, at the very most and as far as its arguments are known."""

from __future__ import annotations

from collections.abc import Iterator

from services.behavior.arguments import NumberArgument
from services.behavior.catalogue import Catalogue
from services.behavior.joints import joints_of
from services.behavior.outline import Outline
from services.behavior.values import Value, known_number


def seconds(catalogue: Catalogue, outline: Outline, args: list[Value]) -> float:
    """The longest that a call may last, in seconds, as ``Takes`` says; what is not known of its arguments takes none.

    Args:
        catalogue: the robot's.
        outline: of the method that is called.
        args: its arguments in normal form (``calls.match_call``); each may be Unknown.
    """
    method = outline.method
    takes = method.takes
    fraction, lasts = 1.0, 0.0
    for argument, value in zip(method.args, args, strict=True):
        if argument.name == takes.fraction:
            fraction = known_number(value) or 1.0
        if argument.name == takes.argument:
            lasts += max(_numbers(value), default=0.0)
        if takes.per_character and isinstance(value, str) and argument.type == "str":
            lasts += takes.per_character * len(value)
    for at, tag, _ in outline.tags:
        tags = getattr(method.args[at], "tags", None)
        if isinstance(args[at], str) and tags is not None:
            lasts += tags.seconds * len(tag.findall(args[at]))
    return lasts + (takes.seconds + _way_s(catalogue, outline, args)) / fraction


def _way_s(catalogue: Catalogue, outline: Outline, args: list[Value]) -> float:
    """Seconds at full speed for the displacement of a call, or for the angles of its joints."""
    ways = [0.0]
    if outline.displacement is not None and catalogue.base is not None:
        base = catalogue.base
        ways += (
            abs(known_number(args[at]) or 0.0) / speed
            for at, speed in zip(outline.displacement, (base.x, base.y, base.theta), strict=True)
            if at is not None
        )
    for at, argument in enumerate(outline.method.args):
        if isinstance(argument, NumberArgument) and argument.joints is not None:
            names = next(args[i] for i, other in enumerate(outline.method.args) if other.name == argument.joints)
            slowest = min(
                (catalogue.joints[joint].max_velocity for joint in joints_of(catalogue, names) or ()), default=0
            )
            if slowest:
                ways.append(max(map(abs, _numbers(args[at])), default=0.0) / slowest)
    return max(ways)


def _numbers(value: Value) -> Iterator[float]:
    """The known numbers of a value, out of its lists."""
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif (number := known_number(value)) is not None:
        yield number


Part = float | None
"""One part of a way or a velocity; None where it is not known."""


def displacement(outline: Outline, args: list[Value]) -> tuple[Part, Part, Part] | None:
    """x, y in metres and theta in radians that a call moves the base by, each None where it is not known.

    None for a call that does not move the base by a way that its arguments say.
    """
    if outline.displacement is None:
        return None
    x, y, theta = (0.0 if at is None else known_number(args[at]) for at in outline.displacement)
    return x, y, theta


def velocity(catalogue: Catalogue, outline: Outline, args: list[Value]) -> tuple[Part, Part, Part] | None:
    """At what velocity a call sets the base off until it is stopped; None for other calls.

    Metres per second ahead and to the left and radians per second to the left, each None where it is not known.
    """
    if outline.speed is None or catalogue.base is None:
        return None
    base = catalogue.base
    known = (0.0 if at is None else known_number(args[at]) for at in outline.speed)
    tops = (base.x, base.y, base.theta) if outline.fraction else (1.0, 1.0, 1.0)
    x, y, theta = (None if part is None else part * top for part, top in zip(known, tops, strict=True))
    return x, y, theta
