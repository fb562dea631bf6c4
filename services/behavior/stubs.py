"""Type stubs (``.pyi``) of what behaviour programs see: one class per service, one object of it, and ``scene``.

The sandbox type-checks programs against them, and editors complete by them. Where a method takes a name, the type is
written ``HandName | str``: the names are there to be read and completed, but type checkers take ``hands[0]`` of a list
for any text, and which names are right is for the checks of calls to say, who can say it better.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from services.behavior.arguments import (
    Argument,
    BoolArgument,
    EnumArgument,
    JointArgument,
    NumberArgument,
    Shape,
    TextArgument,
)
from services.behavior.catalogue import Catalogue
from services.behavior.methods import Method, Service
from services.behavior.names import Enum
from services.behavior.scene import SCENE_METHODS

_HEAD = '''\
"""What behaviour programs of the {title} can call; made from its catalogue."""

from typing import Any, Literal, Sequence, overload
'''
_WIDTH = 120


@lru_cache(maxsize=64)
def stubs(catalogue: Catalogue) -> str:
    """The text of a ``.pyi`` file for programs of this robot."""
    parts = [_HEAD.format(title=catalogue.title)]
    parts += [_alias(_name(name), enum.values, enum) for name, enum in catalogue.enums.items()]
    if catalogue.joints:
        parts.append(_alias("JointName", [*catalogue.joints, *catalogue.chains]))
    parts += [_class(catalogue, name, service) for name, service in catalogue.services.items()]
    parts.append(_scene())
    parts.append("".join(f"{name}: _{name}\n" for name in [*catalogue.services, "scene"]))
    return "\n".join(parts)


def _name(enum: str) -> str:
    """``LedsName`` for the enum ``leds``."""
    return "".join(word[:1].upper() + word[1:] for word in enum.split("_")) + "Name"


def _alias(name: str, values: list[str], enum: Enum | None = None) -> str:
    lines, line = [f"{name} = Literal["], "   "
    for value in values:
        item = f' "{value}",'
        if len(line) + len(item) > _WIDTH:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join([*lines, line, "]", *([f'"""{enum.doc}"""'] if enum else []), ""])


def _class(catalogue: Catalogue, name: str, service: Service) -> str:
    lines = [f"class _{name}:", f'    """{service.doc}"""', ""]
    for method in service.methods:
        if len(service.by_name[method.name]) > 1:
            lines.append("    @overload")
        lines += [f"    {line}" if line else "" for line in _method(catalogue, method)]
    return "\n".join(lines)


def _method(catalogue: Catalogue, method: Method) -> Iterator[str]:
    given = "".join(f", {argument.name}: {_type(argument)}" for argument in method.args)
    yield f"def {method.name}(self{given}{', /' if given else ''}) -> {_returns(method)}:"
    ranges = [f"{argument.name}: {what}" for argument in method.args if (what := _range(catalogue, argument))]
    if not ranges:
        yield f'    """{method.doc}"""'
    else:
        yield from [f'    """{method.doc}', "", *(f"    {line}" for line in ranges), '    """']
    yield ""


def _returns(method: Method) -> str:
    if method.values is not None:
        return _name(method.values) if method.returns == "str" else f"list[{_name(method.values)}]"
    return {"none": "None", "any": "Any"}.get(method.returns, method.returns)


def _type(argument: Argument) -> str:
    match argument:
        case EnumArgument():
            return f"{_name(argument.values)} | str"
        case JointArgument():
            return "JointName | str" if argument.shape == "one" else "JointName | str | Sequence[JointName | str]"
        case BoolArgument():
            return "bool"
        case TextArgument():
            return "str" if argument.shape == "one" else "Sequence[str]"
        case NumberArgument():
            return _shaped(argument.type, argument.shape)


def _shaped(number: str, shape: Shape) -> str:
    return {
        "one": number,
        "one_or_list": f"{number} | Sequence[{number}]",
        "series": f"{number} | Sequence[{number} | Sequence[{number}]]",
        "triple": f"Sequence[{number}]",
    }[shape]


def _range(catalogue: Catalogue, argument: Argument) -> str:
    """What a type cannot say of an argument, or nothing."""
    if isinstance(argument, TextArgument):
        return f"at most {argument.max_length} characters"
    if isinstance(argument, NumberArgument):
        if argument.joints is not None:
            return f"one for each joint of {argument.joints}, within its limits; radians, hands 0 to 1"
        return f"{argument.min:.10g} to {argument.max:.10g} {argument.unit}".rstrip() + " or 0" * argument.or_zero
    return ""


def _scene() -> str:
    lines = ["class _scene:", '    """What the robot perceives, by name."""', ""]
    for name, what in SCENE_METHODS.items():
        returns = "tuple[float, float, float]" if name == "position" else "float"
        lines += [f"    def {name}(self, name: str, /) -> {returns}:", f'        """{what}"""', ""]
    return "\n".join(lines)
