"""Type stubs of a robot's API, against which programs are type-checked before they run."""

from __future__ import annotations

from functools import lru_cache

from services.behavior.arguments import Argument, BoolArgument, NumberArgument
from services.behavior.catalogue import Catalogue
from services.behavior.methods import Method

_HEAD = "from typing import Any, Sequence, overload\n"
_RETURNS = {"none": "None", "any": "Any"}
# Names are checked by value elsewhere; a checker of types would take "red" in a list for any text.
_SHAPES = {
    "one": "{0}",
    "list": "Sequence[{0}]",
    "one_or_list": "{0} | Sequence[{0}]",
    "series": "{0} | Sequence[{0}] | Sequence[Sequence[{0}]]",
    "triple": "Sequence[{0}]",
}
_SCENE = """
class _scene:
    def position(self, name: str, /) -> tuple[float, float, float]: ...
    def distance(self, name: str, /) -> float: ...
    def bearing(self, name: str, /) -> float: ...
scene: _scene
"""


@lru_cache(maxsize=64)
def stubs(catalogue: Catalogue) -> str:
    """Declarations of the robot's services and of ``scene``, as the text of a ``.pyi`` file."""
    lines = [_HEAD]
    for name, service in catalogue.services.items():
        lines.append(f"class _{name}:")
        for forms in service.by_name.values():
            signatures = list(dict.fromkeys(map(_signature, forms)))
            for signature in signatures:
                lines += ["    @overload"] * (len(signatures) > 1) + [f"    {signature}"]
        lines.append(f"{name}: _{name}\n")
    return "\n".join(lines) + _SCENE


def _signature(method: Method) -> str:
    arguments = ["self", *(f"{argument.name}: {_type(argument)}" for argument in method.args), "/"]
    return f"def {method.name}({', '.join(arguments)}) -> {_RETURNS.get(method.returns, method.returns)}: ..."


def _type(argument: Argument) -> str:
    if isinstance(argument, BoolArgument):
        return "bool"
    kind = argument.type if isinstance(argument, NumberArgument) else "str"
    return _SHAPES[getattr(argument, "shape", "one")].format(kind)
