"""Follows the operators of expressions by value and type, as far as values are known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

from services.behavior.errors import CheckError
from services.behavior.values import ANY, Kind, Unknown, Value, describe, forget, is_number, kind_of

MAX_KNOWN_CHARACTERS = 1000
MAX_KNOWN_NUMBER = 1e12

_NUMERIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def binary(op: ast.operator, left: Value, right: Value) -> Value:
    """What is known of ``left op right``.

    Raises:
        CheckError: ``subset``, ``type``, ``arithmetic`` or ``range`` (codes without prefix).
    """
    function = _NUMERIC.get(type(op))
    if function is None:
        raise CheckError("subset", "this operator is not allowed", "use + - * / // %")
    if isinstance(op, ast.Add) and kind_of(left) in ("str", "any") and kind_of(right) in ("str", "any"):
        return _concatenate(left, right)
    for side in (left, right):
        if not is_number(side):
            raise CheckError("type", f"arithmetic needs numbers, not {describe(side)}", "use numbers")
    if isinstance(op, ast.Div | ast.FloorDiv | ast.Mod) and not isinstance(right, Unknown) and right == 0:
        raise CheckError("arithmetic", "division by zero", "divide by another number")
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        kinds = {kind_of(left), kind_of(right)}
        if isinstance(op, ast.Div) or "float" in kinds:
            return Unknown("float")
        return Unknown("int") if kinds == {"int"} else ANY
    return sensible(function(left, right))


def unary(op: ast.unaryop, value: Value) -> Value:
    """What is known of ``op value``.

    Raises:
        CheckError: ``subset`` or ``type`` (codes without prefix).
    """
    if isinstance(op, ast.Not):
        return Unknown("bool")
    if not isinstance(op, ast.USub | ast.UAdd):
        raise CheckError("subset", "~ is not allowed", "use + - * / // %")
    if not is_number(value):
        raise CheckError("type", f"- needs a number, not {describe(value)}", "give it a number")
    if isinstance(value, Unknown):
        return value
    return -value if isinstance(op, ast.USub) else value


def compare(op: ast.cmpop, left: Value, right: Value) -> None:
    """Check that two values can be compared so; what comes of it is never followed.

    Raises:
        CheckError: ``subset`` or ``type`` (codes without prefix).
    """
    if isinstance(op, ast.Is | ast.IsNot):
        raise CheckError("subset", "'is' is not allowed", "use == or !=")
    if isinstance(op, _ORDER):
        kinds = {kind_of(left), kind_of(right)} - {"any"}
        if not (kinds <= {"int", "float"} or kinds == {"str"}):
            raise CheckError("type", f"{describe(left)} and {describe(right)} have no order", "compare numbers")
    elif isinstance(op, ast.In | ast.NotIn) and kind_of(right) not in ("list", "str", "any"):
        raise CheckError("type", f"'in' needs a list, not {describe(right)}", "use ==")


def sensible(value: float) -> Value:
    """A number as long as it is of a sensible size: repeated products must not grow without bound.

    Raises:
        CheckError: ``range`` (without prefix), it is not.
    """
    if abs(value) > MAX_KNOWN_NUMBER:
        raise CheckError("range", "this number is far too large", "use numbers of a sensible size")
    return value


def flat_enough(items: list[Value]) -> list[Value]:
    """The items of a list if at most they are lists themselves, and those hold none.

    Lists that hold lists that hold lists could be made to double with every statement: a few lines would be a value
    that fills any memory, when it is checked or sent to the robot.

    Raises:
        CheckError: ``nesting`` (without prefix), they are nested deeper.
    """
    for item in items:
        if kind_of(item) != "list":
            continue
        if isinstance(item, Unknown) or any(kind_of(inner) in ("list", "any", "other") for inner in item):
            raise CheckError(
                "nesting", "lists are nested more than two deep", "use lists, or lists of lists, of numbers or texts"
            )
    return items


def _concatenate(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= MAX_KNOWN_CHARACTERS:
        return left + right
    kinds: set[Kind] = {kind_of(left), kind_of(right)}
    return forget("") if "str" in kinds else ANY
