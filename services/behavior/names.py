"""The names that arguments may take, as a catalogue lists them: postures, animations, colours, rooms."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.behavior.arguments import Entry, Identifier, Line
from services.behavior.methods import Call


def expand(pattern: str) -> list[str]:
    """All texts of a pattern with braces: ``a_{1..3}`` becomes a_1, a_2, a_3 and ``{b,c}`` becomes b, c.

    Raises:
        ValueError: braces do not close, or stand within braces.
    """
    if re.search(r"[{}]", re.sub(r"\{[^{}]+\}", "", pattern)):
        raise ValueError(f"{pattern!r}: every {{ needs its }}, with something and no other brace between them")
    parts: list[list[str]] = []
    for text, choice in re.findall(r"([^{}]+)|\{([^{}]+)\}", pattern):
        if text:
            parts.append([text])
        elif span := re.fullmatch(r"(\d+)\.\.(\d+)", choice):
            parts.append([str(number) for number in range(int(span[1]), int(span[2]) + 1)])
        else:
            parts.append(choice.split(","))
    return ["".join(choices) for choices in itertools.product(*parts)]


class Enum(Entry):
    """Names that an argument may take."""

    doc: Line
    written: list[str] = Field(default_factory=list)
    """The values as the file has them: with braces, short."""
    values: Annotated[list[str], Field(min_length=1)]
    """All values; in the file ``{1..3}`` stands for 1, 2 and 3, and ``{A,B}`` for A and B."""
    card: list[str] = Field(default_factory=list)
    """The few that the small card shows, with braces; all when empty."""
    families: dict[str, Identifier] = Field(default_factory=dict)
    """The posture family of the values that begin so, for postures and for what is done in one posture only."""
    installed: Call | None = None
    """Lists the values that a connected robot has."""

    @model_validator(mode="before")
    @classmethod
    def _expanded(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("values"), list) or given.get("written"):
            return given
        values = [value for pattern in given["values"] for value in expand(str(pattern))]
        return {**given, "written": given["values"], "values": list(dict.fromkeys(values))}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bad := [value for value in self.values if re.search(r'["\\\n]', value)]:
            raise ValueError(f"quotes, backslashes and line ends are not allowed: {bad}")
        if unknown := {value for pattern in self.card for value in expand(pattern)} - set(self.values):
            raise ValueError(f"card has names that are not among the values: {sorted(unknown)}")
        if idle := [begin for begin in self.families if not any(value.startswith(begin) for value in self.values)]:
            raise ValueError(f"families has beginnings of no value: {idle}")
        return self

    def family(self, value: str) -> str | None:
        """The posture family of a value (the longest fitting beginning decides), or None."""
        begins = max((begin for begin in self.families if value.startswith(begin)), key=len, default=None)
        return None if begins is None else self.families[begins]
