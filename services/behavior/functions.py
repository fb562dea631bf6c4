"""The few builtin functions that behaviour programs may call, followed by type."""

from __future__ import annotations

from collections.abc import Callable

from services.behavior.errors import CheckError
from services.behavior.values import Unknown, Value, describe, forget, is_number, item_kind, kind_of
from services.behavior.words import count

FUNCTIONS = ("range", "len", "abs", "min", "max", "round", "int", "float", "str")


def call(name: str, args: list[Value]) -> Value:
    """What is known of ``name(*args)``.

    Raises:
        CheckError: ``arity``, ``type`` or ``subset`` (codes without prefix).
    """
    if name == "range":
        raise CheckError("subset", "range makes no list here", "use it in a loop only: for i in range(3):")
    return _FOLLOW[name](name, args)


def _one(name: str, args: list[Value]) -> Value:
    if len(args) != 1:
        raise CheckError("arity", f"{name} got {count(len(args), 'value')}", f"write {name}(value)")
    return args[0]


def _number(name: str, value: Value) -> Value:
    if not is_number(value):
        raise CheckError("type", f"{name} needs a number, not {describe(value)}", "give it a number")
    return value


def _len(name: str, args: list[Value]) -> Value:
    value = _one(name, args)
    if kind_of(value) not in ("list", "str", "any"):
        raise CheckError("type", f"len needs a list or a text, not {describe(value)}", "give it one")
    return Unknown("int") if isinstance(value, Unknown) else len(value)


def _abs(name: str, args: list[Value]) -> Value:
    value = _number(name, _one(name, args))
    return value if isinstance(value, Unknown) else abs(value)


def _extreme(name: str, args: list[Value]) -> Value:
    values = args
    if len(args) == 1:
        if kind_of(args[0]) not in ("list", "any"):
            raise CheckError("type", f"{name} got one value that is no list", f"write {name}(a, b)")
        if isinstance(args[0], Unknown):
            return Unknown(item_kind(args[0]))
        values = list(args[0])
    if not values:
        raise CheckError("arity", f"{name} got no number", f"write {name}(a, b)")
    for value in values:
        _number(name, value)
    if any(isinstance(value, Unknown) for value in values):
        kinds = {kind_of(value) for value in values}
        return Unknown(kinds.pop()) if len(kinds) == 1 else Unknown("float")
    return min(values) if name == "min" else max(values)


def _round(name: str, args: list[Value]) -> Value:
    if len(args) not in (1, 2):
        raise CheckError("arity", f"round got {count(len(args), 'value')}", "write round(number, places)")
    for value in args:
        _number(name, value)
    if len(args) == 1:
        return Unknown("int")
    if kind_of(args[1]) == "float":
        raise CheckError("type", "round got a fraction of places", "give a whole number of places")
    return forget(args[0])


def _int(name: str, args: list[Value]) -> Value:
    value = _number(name, _one(name, args))
    return Unknown("int") if isinstance(value, Unknown) else int(value)


def _float(name: str, args: list[Value]) -> Value:
    value = _number(name, _one(name, args))
    return Unknown("float") if isinstance(value, Unknown) else float(value)


def _str(name: str, args: list[Value]) -> Value:
    _one(name, args)
    return Unknown("str")


_FOLLOW: dict[str, Callable[[str, list[Value]], Value]] = {
    "len": _len,
    "abs": _abs,
    "min": _extreme,
    "max": _extreme,
    "round": _round,
    "int": _int,
    "float": _float,
    "str": _str,
}
