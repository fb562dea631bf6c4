"""What must fit together in a catalogue, beyond the form of each entry, and where in it a fault lies."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from services.behavior.arguments import Argument, EnumArgument, JointArgument, NumberArgument, TextArgument
from services.behavior.functions import FUNCTIONS
from services.behavior.methods import Method
from services.behavior.names import expand

if TYPE_CHECKING:
    from services.behavior.catalogue import Catalogue


def find_problems(catalogue: Catalogue) -> list[str]:
    """Everything in a catalogue that contradicts something else in it, one sentence each; empty when all is well."""
    problems = [*_of_body(catalogue), *_of_postures(catalogue), *_of_stance(catalogue), *_of_control(catalogue)]
    for service, entry in catalogue.services.items():
        if service == "scene" or service in FUNCTIONS or keyword.iskeyword(service):
            problems.append(f"{service}: a service cannot have a name that means something else in a program")
        for method in entry.methods:
            problems += (f"{service}.{method.name}: {problem}" for problem in _of_method(catalogue, service, method))
        for name, overloads in entry.by_name.items():
            if any(_alike(catalogue, one, other) for one, other in combinations(overloads, 2)):
                problems.append(f"{service}.{name}: two forms take the same arguments")
    return problems


def _alike(catalogue: Catalogue, one: Method, other: Method) -> bool:
    """Whether nothing tells two forms of a method apart: neither number nor types nor names of their arguments."""
    if [argument.type for argument in one.args] != [argument.type for argument in other.args]:
        return False
    pairs = zip(one.args, other.args, strict=True)
    enums = [(a.values, b.values) for a, b in pairs if isinstance(a, EnumArgument) and isinstance(b, EnumArgument)]
    known = [(catalogue.enums[a], catalogue.enums[b]) for a, b in enums if {a, b} <= set(catalogue.enums)]
    return not any(set(a.values).isdisjoint(b.values) for a, b in known)


def _of_body(catalogue: Catalogue) -> Iterator[str]:
    named = [joint for chain in catalogue.chains.values() for joint in chain]
    named += [joint for coupling in catalogue.couplings for joint in (coupling.joint, coupling.by)]
    named += [joint for pattern in catalogue.offered_joints for joint in expand(pattern)]
    if unknown := sorted(set(named) - set(catalogue.joints)):
        yield f"unknown joints: {unknown}"
    for name, joint in catalogue.joints.items():
        if joint.min >= joint.max:
            yield f"joint {name}: min {joint.min:g} is not below max {joint.max:g}"


def _of_postures(catalogue: Catalogue) -> Iterator[str]:
    if catalogue.postures is None:
        return
    postures = catalogue.enums.get(catalogue.postures)
    if postures is None:
        yield f"postures: unknown enum {catalogue.postures!r}"
    elif lost := [value for value in postures.values if postures.family(value) is None]:
        yield f"postures: {lost} are of no family"


def _of_stance(catalogue: Catalogue) -> Iterator[str]:
    if lost := sorted(set(catalogue.upright) - catalogue.families):
        yield f"upright: unknown posture families {lost}"
    if not catalogue.upright and any(joint.carries for joint in catalogue.joints.values()):
        yield "upright: the robot stands on joints, and no posture family says when"


def _of_control(catalogue: Catalogue) -> Iterator[str]:
    wake = catalogue.control.wake
    entry = catalogue.services.get(wake.service) if wake else None
    if wake and not any(method.leads_to.motors for method in (entry.by_name.get(wake.method, ()) if entry else ())):
        yield f"control: wake is {wake.service}.{wake.method}, which is no method that switches the motors on"
    if wake is None and any(method.needs.motors for _, method in catalogue.calls):
        yield "control: a method needs its motors, and there is no wake to switch them on"


def _of_method(catalogue: Catalogue, service: str, method: Method) -> Iterator[str]:
    if catalogue.denies(service, method.name):
        yield "both offered and denied"
    if keyword.iskeyword(method.name):
        yield "a method cannot have the name of a Python keyword"
    arguments = {argument.name: argument for argument in method.args}
    if len(arguments) != len(method.args):
        yield "two arguments with one name"
    for argument in method.args:
        if keyword.iskeyword(argument.name):
            yield f"argument {argument.name}: an argument cannot have the name of a Python keyword"
        yield from (f"argument {argument.name}: {problem}" for problem in _of_argument(catalogue, argument, arguments))
    if method.values is not None and (
        method.values not in catalogue.enums or method.returns not in ("str", "list[str]")
    ):
        yield f"values: {method.values!r} is no enum, or it returns no texts"
    for state in (method.needs, method.leads_to):
        if state.family is not None and state.family not in catalogue.families:
            yield f"unknown posture family {state.family!r}"
    for field, link in (("argument", method.takes.argument), ("fraction", method.takes.fraction)):
        timing = arguments.get(link or "")
        fits = isinstance(timing, NumberArgument) and (timing.unit == "s") == (field == "argument")
        if link is not None and not fits:
            yield f"takes: {field} refers to {link!r}, which is no number argument of that kind"
    moves_base = any(isinstance(argument, NumberArgument) and argument.axis for argument in method.args)
    if moves_base and method.effect != "walk":
        yield "has an argument with an axis, so its effect must be walk"
    if moves_base and catalogue.base is None:
        yield "has an argument with an axis, and the robot has no base"
    if method.effect == "walk" and not moves_base and not method.takes.metres:
        yield "walks, and neither an axis nor takes.metres says how far"


def _of_argument(catalogue: Catalogue, argument: Argument, arguments: dict[str, Argument]) -> Iterator[str]:
    enum = argument.values if isinstance(argument, EnumArgument) else None
    if isinstance(argument, TextArgument) and argument.tags:
        enum = argument.tags.values
    if enum is not None and enum not in catalogue.enums:
        yield f"unknown enum {enum!r}"
    elif isinstance(argument, EnumArgument) and argument.family and not catalogue.enums[argument.values].families:
        yield f"the values of enum {enum!r} are of no posture families"
    if isinstance(argument, JointArgument) and not catalogue.joints:
        yield "the robot has no joints"
    if isinstance(argument, NumberArgument):
        links = [(argument.joints, "joint"), (argument.times_of, "float"), (argument.stiffness_of, "enum")]
        if isinstance(argument.absolute, str):
            links.append((argument.absolute, "bool"))
        for link, kind in links:
            if link is not None and (link not in arguments or arguments[link].type != kind):
                yield f"refers to {link!r}, which is no {kind} argument"


def where(document: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """The place of a fault in words: ``ALMotion.moveTo: argument x: min: `` for a path into the file's document."""
    parts, entry = list(location), document
    words = ""
    if parts[:1] == ["services"] and len(parts) >= 2:
        words, entry, parts = str(parts[1]), _item(document.get("services"), parts[1]), parts[2:]
        if parts[:1] == ["methods"] and len(parts) >= 2:
            method = _item(_item(entry, "methods"), parts[1])
            words, parts = f"{words}.{_item(method, 'name') or parts[1]}", parts[2:]
            if parts[:1] == ["args"] and len(parts) >= 2:
                argument = _item(_item(method, "args"), parts[1])
                words, parts = f"{words}: argument {_item(argument, 'name') or parts[1]}", parts[2:]
                if parts and parts[0] == _item(argument, "type"):  # pydantic's way through the kinds of arguments
                    parts = parts[1:]
    rest = ".".join(map(str, parts))
    return "".join(f"{part}: " for part in (words, rest) if part)


def _item(entry: Any, key: int | str) -> Any:
    try:
        return entry[key]
    except (KeyError, IndexError, TypeError):
        return None
