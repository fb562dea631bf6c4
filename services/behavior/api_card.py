"""The API card: what a prompt tells a model of the calls that it may make, in one of three sizes.

The small card is meant for a model of some hundred million parameters on a CPU: the most useful calls by name and the
few names that they take, in as few tokens as it goes. The medium one adds the usual calls, ranges, units, results and
what each call does; the full one shows everything that the catalogue offers, and what may stand between the calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from services.behavior.arguments import Argument, BoolArgument, EnumArgument, JointArgument, NumberArgument
from services.behavior.catalogue import Catalogue, expand
from services.behavior.functions import FUNCTIONS
from services.behavior.grammar import in_grammar
from services.behavior.methods import CardSize, Method, State
from services.behavior.scene import SCENE_METHODS

_RULES = """\
Program the {title}. Answer only with plan comments "# Step n: goal | target: x | prefer: y | avoid: z", \
each followed by calls of this API ({units}if and for i in range(3) allowed). \
Unsafe or impossible: "# Refuse: reason" and say why.
{api}
{scene}
{names}"""
_SCENE = "scene.position(name) -> x, y, z; scene.distance(name); scene.bearing(name)"
_SUBSET = f"""
Between the calls: name = value, + - * / // %, comparisons, and, or, not, if, elif, else, for i in range(3), for over a
list written out, lists and their items, f"{{x:.1f}}", {", ".join(FUNCTIONS[1:])}. Arguments by position only; \
no import, while, def, class, lambda, comprehension, slice or attribute."""


@lru_cache(maxsize=64)
def api_card(catalogue: Catalogue, size: CardSize = "small", *, constrained: bool = False) -> str:
    """The rules, the methods and the names that they take.

    Args:
        catalogue: the robot's.
        size: how much is shown.
        constrained: leave out what a grammar (``grammar.build_gbnf``) would not let the model write.
    """
    shown = [(service, method) for service, method in catalogue.calls if _shown(method, size)]
    if constrained:
        shown = [(service, method) for service, method in shown if in_grammar(method)]
    line = _signature if size == "small" else _described
    scene = (
        _SCENE
        if size == "small"
        else "\n".join(f"scene.{name}(name) -> {what}" for name, what in SCENE_METHODS.items())
    )
    measures = any(
        isinstance(arg, NumberArgument) and arg.unit == "m" for _, method in catalogue.calls for arg in method.args
    )
    card = _RULES.format(
        title=catalogue.title,
        units="metres, radians, x ahead, y left; " if measures else "",
        api="\n".join(line(service, method) for service, method in shown),
        scene=scene,
        names="\n".join(_names(catalogue, [method for _, method in shown], size)),
    )
    if size != "small":
        card += "\nSpeak the language of the instruction."
    return card + _SUBSET if size == "full" else card


def _shown(method: Method, size: CardSize) -> bool:
    sizes: tuple[CardSize, ...] = ("small", "medium", "full")
    return sizes.index(method.card) <= sizes.index(size)


def _names(catalogue: Catalogue, methods: list[Method], size: CardSize) -> Iterator[str]:
    """The names that the shown methods take, one kind on a line."""
    arguments = [argument for method in methods for argument in method.args]
    braces = False
    for name in dict.fromkeys(argument.values for argument in arguments if isinstance(argument, EnumArgument)):
        enum = catalogue.enums[name]
        names = ", ".join((enum.card or enum.values) if size == "small" else enum.written)
        braces = braces or "{" in names
        yield f"{name}: {names}"
    if braces and size != "small":
        yield "In names {A,B} stands for A or B, and {1..3} for 1, 2 or 3."
    if not any(isinstance(argument, JointArgument) for argument in arguments):
        return
    if size == "small":
        yield f"joint: {', '.join(catalogue.offered_joints)}"
        return
    offered = [joint for pattern in catalogue.offered_joints for joint in expand(pattern)]
    joints = catalogue.joints if size == "full" else {name: catalogue.joints[name] for name in offered}
    yield f"joint: {', '.join(f'{name} {joint.min:g}..{joint.max:g}' for name, joint in joints.items())}"
    if size == "full" and catalogue.chains:
        chains = (f"{name} ({', '.join(chain)})" for name, chain in catalogue.chains.items())
        yield f"or a chain of joints: {', '.join(chains)}"
    for coupling in catalogue.couplings:
        points = ", ".join(f"{at:g}: {low:g}..{high:g}" for at, low, high in coupling.points)
        yield f"{coupling.joint} by how far {coupling.by} is from 0: {points}"


def _signature(service: str, method: Method) -> str:
    return f"{service}.{method.name}({', '.join(_brief(argument) for argument in method.args)})"


def _brief(argument: Argument) -> str:
    if isinstance(argument, EnumArgument):
        return argument.values
    if isinstance(argument, JointArgument):
        return "joint"
    if isinstance(argument, NumberArgument) and argument.min is not None and not argument.unit:
        return f"{argument.name} {argument.min:g}-{argument.max:g}"
    return argument.name


def _described(service: str, method: Method) -> str:
    """One method with ranges, units, result, what it does and what it needs."""
    arguments = ", ".join(_typed(argument) for argument in method.args)
    returns = "" if method.returns == "none" else f" -> {method.returns}"
    return f"{service}.{method.name}({arguments}){returns}: {method.doc}{_needs(method.needs)}"


def _typed(argument: Argument) -> str:
    if isinstance(argument, EnumArgument):
        return argument.values
    if isinstance(argument, JointArgument):
        return "joint" if argument.shape == "one" else "joint or [joints]"
    if isinstance(argument, BoolArgument):
        return f"{argument.name} {'True/False' if argument.only is None else argument.only}"
    if not isinstance(argument, NumberArgument):
        return argument.name if argument.shape == "one" else f"[{argument.name}]"
    if argument.joints is not None:
        return argument.name if argument.shape == "one" else f"{argument.name} or [{argument.name}]"
    name = {"one": argument.name, "triple": f"{argument.name} [x, y, z]"}.get(argument.shape, f"[{argument.name}]")
    return (
        f"{name} {argument.min:.10g}..{argument.max:.10g}{' or 0' if argument.or_zero else ''} {argument.unit}".rstrip()
    )


def _needs(state: State) -> str:
    needed = [*(["motors on"] if state.motors else []), *([state.family] if state.family else [])]
    return f" Needs {', '.join(needed)}." if needed else ""
