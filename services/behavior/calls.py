"""Checks one call against the catalogue: the method, how many arguments, their types, names and ranges.

Used twice with the same meaning: while a program is read (values may be known only by type) and at each call when it
runs (every value is known). Codes carry no prefix here; ``check.py`` and ``subset.py`` add ``call.`` and ``program.``.
"""

from __future__ import annotations

import math
import re
from typing import Literal

from services.behavior import joints
from services.behavior.catalogue import (
    Argument,
    BoolArgument,
    Catalogue,
    EnumArgument,
    JointArgument,
    Method,
    NumberArgument,
    TextArgument,
)
from services.behavior.errors import CheckError
from services.behavior.ranges import check_range
from services.behavior.values import Unknown, Value, describe, is_number, kind_of
from services.behavior.words import count, did_you_mean

MAX_LIST_ITEMS = 100
_LARGEST = 1e9  # no argument comes near; keeps what follows free of overflow


def find_overloads(catalogue: Catalogue, service: str, method: str) -> tuple[Method, ...]:
    """The overloads of a method.

    Raises:
        CheckError: ``denied``, ``service`` or ``method``.
    """
    if (reason := catalogue.denial(service, method)) is not None:
        raise CheckError("denied", f"{service}.{method} is never allowed, because {reason}", "remove the call")
    entry = catalogue.services.get(service)
    if entry is None:
        hint = did_you_mean(service, catalogue.services)
        raise CheckError("service", f"{catalogue.title} has no service {service!r}", hint)
    if method in entry.by_name:
        return entry.by_name[method]
    elsewhere = [f"{name}.{method}" for name, other in catalogue.services.items() if method in other.by_name]
    hint = f"did you mean {elsewhere[0]}?" if elsewhere else did_you_mean(method, entry.by_name)
    raise CheckError("method", f"{service} has no method {method!r}", hint)


def match_call(catalogue: Catalogue, service: str, method: str, args: list[Value]) -> tuple[Method, list[Value]]:
    """The overload that a call means and its arguments in normal form (ints as floats where a float is due).

    Raises:
        CheckError: the call is wrong; the message says how to mend it. ``unavailable``: it is right, but not for the
            connected robot, which the catalogue was narrowed to.
    """
    try:
        return _match(catalogue, service, method, args)
    except CheckError as error:
        if catalogue.whole is catalogue:
            raise
        _match(catalogue.whole, service, method, args)
        raise CheckError("unavailable", f"not on the connected robot: {error.message}", error.suggestion) from None


def _match(catalogue: Catalogue, service: str, method: str, args: list[Value]) -> tuple[Method, list[Value]]:
    overloads = find_overloads(catalogue, service, method)
    name = f"{service}.{method}"
    fitting = [overload for overload in overloads if len(overload.args) == len(args)]
    if not fitting:
        forms = " or ".join(signature(service, overload) for overload in overloads)
        raise CheckError("arity", f"{name} got {count(len(args), 'argument')}", f"write {forms}")
    errors: list[CheckError] = []
    for overload in fitting:
        try:
            return overload, _check_arguments(catalogue, name, overload, args)
        except CheckError as error:
            errors.append(error)
    # A value of the right type that is out of range says more than an overload of another type or for other names.
    raise min(errors, key=lambda error: ("enum", "type").index(error.code) + 1 if error.code in ("enum", "type") else 0)


def signature(service: str, method: Method) -> str:
    """``ALMotion.moveTo(x, y, theta)``."""
    return f"{service}.{method.name}({', '.join(argument.name for argument in method.args)})"


def _check_arguments(catalogue: Catalogue, name: str, method: Method, args: list[Value]) -> list[Value]:
    checked = [
        _check_argument(catalogue, f"{name}: {argument.name}", argument, value)
        for argument, value in zip(method.args, args, strict=True)
    ]
    joints.check_angles(catalogue, name, method, checked)
    return checked


def _check_argument(catalogue: Catalogue, where: str, argument: Argument, value: Value) -> Value:
    if isinstance(argument, NumberArgument):
        return _check_numbers(catalogue, where, argument, value)
    if isinstance(argument, JointArgument):
        return _check_joints(catalogue, where, argument, value)
    if isinstance(argument, BoolArgument):
        given = _expect("bool", where, "True or False", value)
        if argument.only is not None and given is (not argument.only):
            raise CheckError(
                "denied", f"{where} is never {given}, because {argument.because}", f"write {argument.only}"
            )
        return given
    if isinstance(argument, TextArgument) and argument.shape == "list":
        return _check_texts(catalogue, where, argument, value)
    text = _expect("str", where, "a text in quotes", value)
    if isinstance(text, Unknown):
        return text
    if isinstance(argument, EnumArgument):
        values = catalogue.enums[argument.values].values
        if text not in values:
            raise CheckError("enum", f"{where} cannot be {text!r}", did_you_mean(text, values))
        return {argument.key: text} if argument.key else text
    return _check_text(catalogue, where, argument, text)


def _expect(kind: Literal["bool", "str", "int"], where: str, wording: str, value: Value) -> Value:
    if kind_of(value) not in (kind, "any"):
        raise _wrong_type(where, wording, value)
    return value


def _wrong_type(where: str, wording: str, value: Value) -> CheckError:
    return CheckError("type", f"{where} is {describe(value)}", f"give {wording}")


def _check_numbers(catalogue: Catalogue, where: str, argument: NumberArgument, value: Value) -> Value:
    """Shape and plain range; the limits of joints are checked once it is known which joints are meant."""
    if argument.shape == "triple" and not _may_be_triple(value):
        raise _wrong_type(where, "a list of three numbers such as [x, y, z]", value)
    depth = {"one": 0, "one_or_list": 1, "triple": 1, "series": 2}[argument.shape]
    return _check_nested(where, argument, value, depth)


def _may_be_triple(value: Value) -> bool:
    return len(value) == 3 if isinstance(value, list | tuple) else kind_of(value) in ("list", "any")


def _check_nested(where: str, argument: NumberArgument, value: Value, depth: int) -> Value:
    if kind_of(value) == "list" and depth:
        if isinstance(value, Unknown):
            return value
        _check_length(where, value)
        return [_check_nested(where, argument, item, depth - 1) for item in value]
    return _check_number(where, argument, value)


def _check_length(where: str, value: list[Value] | tuple[Value, ...]) -> None:
    if not value:
        raise CheckError("type", f"{where} is an empty list", "give at least one value")
    if len(value) > MAX_LIST_ITEMS:
        raise CheckError("length", f"{where} has {len(value)} values", f"give {MAX_LIST_ITEMS} at most")


def _check_number(where: str, argument: NumberArgument, value: Value) -> Value:
    if not is_number(value):
        wording = "a number" if argument.shape == "one" else "a number or a list of numbers"
        raise _wrong_type(where, wording, value)
    if argument.type == "int":
        _expect("int", where, "a whole number", value)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise CheckError("finite", f"{where} is {value}", "give a finite number")
    if argument.or_zero and value == 0:
        pass
    elif argument.min is not None and argument.max is not None:
        check_range(where, value, argument.min, argument.max, argument.unit, whole=argument.type == "int")
    elif abs(value) > _LARGEST:
        raise CheckError("range", f"{where} is far too large", "give a number of a sensible size")
    return value if argument.type == "int" else float(value)


def _check_joints(catalogue: Catalogue, where: str, argument: JointArgument, value: Value) -> Value:
    if kind_of(value) == "list" and argument.shape == "one_or_list":
        if isinstance(value, Unknown):
            return value
        _check_length(where, value)
        names = [_check_joint(catalogue, where, item, chains=False) for item in value]
        if len(set(map(str, names))) != len(names) and not any(isinstance(name, Unknown) for name in names):
            raise CheckError("joint", f"{where} names a joint twice", "name each once")
        return names
    return _check_joint(catalogue, where, value, chains=True)


def _check_joint(catalogue: Catalogue, where: str, value: Value, *, chains: bool) -> Value:
    name = _expect("str", where, "the name of a joint in quotes", value)
    if isinstance(name, Unknown) or name in catalogue.joints or (chains and name in catalogue.chains):
        return name
    known = [*catalogue.joints, *(catalogue.chains if chains else ())]
    raise CheckError("joint", f"{where} cannot be {name!r}", did_you_mean(name, known))


def _check_texts(catalogue: Catalogue, where: str, argument: TextArgument, value: Value) -> Value:
    if kind_of(value) not in ("list", "any"):
        raise _wrong_type(where, "a list of texts in quotes", value)
    if isinstance(value, Unknown):
        return value
    _check_length(where, value)
    texts = [_expect("str", where, "a list of texts in quotes", item) for item in value]
    return [text if isinstance(text, Unknown) else _check_text(catalogue, where, argument, text) for text in texts]


def _check_text(catalogue: Catalogue, where: str, argument: TextArgument, text: str) -> str:
    if not text.strip():
        raise CheckError("text", f"{where} is empty", "give at least one word")
    if len(text) > argument.max_length:
        most = f"give {argument.max_length} at most: split it into two calls"
        raise CheckError("length", f"{where} has {len(text)} characters", most)
    if any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise CheckError("text", f"{where} has control characters", "write it on one line")
    if argument.pattern is not None and not re.fullmatch(argument.pattern, text):
        raise CheckError("text", f"{where} cannot be {describe(text)}", f"give a text that matches {argument.pattern}")
    plain = text
    if argument.tags is not None:
        values = catalogue.enums[argument.tags.values].values
        tag = re.compile(rf"\^(?:{'|'.join(argument.tags.words)})\(([^()]*)\)")
        for value in tag.findall(text):
            if value not in values:
                raise CheckError("enum", f"{where} cannot play {describe(value)}", did_you_mean(value, values))
        plain = tag.sub("", text)
    if bad := sorted(set(plain) & set(argument.forbidden)):
        raise CheckError("text", f"{where} may not contain {' or '.join(bad)}", "remove it")
    return text
