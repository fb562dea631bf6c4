"""Values as the checks see them: what a program holds, known exactly or only by type.

The static checks follow a program without running it. A value is either a Python value (float, int, bool, str, list or
None), known exactly, or an ``Unknown`` of which only the type is known. At run time every value is known, so static
and run-time checks of a call are one and the same code (``calls.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["any", "bool", "int", "float", "str", "list", "none", "other"]
"""``any`` may turn out to be of any type; ``other`` is a value that no program can hold, such as a dictionary."""


@dataclass(frozen=True)
class Unknown:
    """A value of which only the type is known; ``item`` is the type of a list's items."""

    kind: Kind
    item: Kind = "any"


Value = Any
"""A Python value or an ``Unknown``."""

ANY = Unknown("any")


def kind_of(value: Value) -> Kind:
    """The type of a value, known or not."""
    if isinstance(value, Unknown):
        return value.kind
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "str"
    if isinstance(value, list | tuple):
        return "list"
    return "none" if value is None else "other"


def is_number(value: Value) -> bool:
    """Whether a value is, or may turn out to be, a number (True and False are none)."""
    return kind_of(value) in ("int", "float", "any")


def known_number(value: Value) -> float | None:
    """A number that is known, else None."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def item_kind(value: Value) -> Kind:
    """The type of the items of a list."""
    if isinstance(value, Unknown):
        return value.item
    kinds = {kind_of(item) for item in value}
    return kinds.pop() if len(kinds) == 1 else "any"


def forget(value: Value) -> Unknown:
    """The same value with only its type left."""
    if isinstance(value, Unknown):
        return value
    kind = kind_of(value)
    return Unknown("list", item_kind(value)) if kind == "list" else Unknown(kind)


def join(first: Value, second: Value) -> Value:
    """What is known of a value that is one or the other."""
    if first is second or (kind_of(first) == kind_of(second) and first == second):
        return first
    one, other = forget(first), forget(second)
    if one == other:
        return one
    if {one.kind, other.kind} == {"int", "float"}:
        return Unknown("float")
    if "list" in (one.kind, other.kind):
        # Not ANY: what may be a list could be put into a list, and that into a list, without being seen.
        return Unknown("list") if one.kind == other.kind else Unknown("other")
    return ANY


def effort_of_joining(first: Value, second: Value) -> int:
    """How many evaluations ``join`` is worth: lists that are not the same one are gone through."""
    return 1 + (0 if first is second else sum(len(value) for value in (first, second) if isinstance(value, list)))


def describe(value: Value) -> str:
    """A value in words, short enough for a message."""
    if not isinstance(value, Unknown):
        try:
            text = repr(value)
        except (ValueError, RecursionError):  # a number of thousands of digits, or lists nested without end
            return "a value too large to write out"
        return text if len(text) <= 60 else text[:57] + "…"
    names = {"bool": "True or False", "int": "a whole number", "float": "a number", "str": "a text", "list": "a list"}
    return names.get(value.kind, "nothing" if value.kind == "none" else "a value of another kind")
