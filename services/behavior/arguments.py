"""The arguments of a method as a catalogue describes them: their types, ranges, units and what they stand for."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\n]+$")]
Unit = Literal["", "m", "rad", "s", "m/s", "rad/s", "Hz", "ms", "%"]

Shape = Literal["one", "one_or_list", "series", "triple"]
"""``series``: one value, a list of them, or a list of such lists (one for each joint). ``triple``: a list of three."""


class Entry(BaseModel):
    """Base of everything in a catalogue: fields that are not known are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class NumberArgument(Entry):
    """A number between ``min`` and ``max``, or, with ``joints``, angles of the joints that another argument names."""

    name: Identifier
    type: Literal["float", "int"]
    min: float | None = None
    max: float | None = None
    or_zero: bool = False
    """0 is allowed beside the range: it switches off what the number sets."""
    unit: Unit = ""
    shape: Shape = "one"
    joints: Identifier | None = None
    """The argument that names the joints of these angles."""
    absolute: bool | Identifier = True
    """Whether angles are absolute, or the bool argument that says so."""
    times_of: Identifier | None = None
    """The angles that are reached at these times."""
    axis: Literal["x", "y", "theta"] | None = None
    """This number moves the base: ahead, to the left, or turning to the left. The unit says how: m and rad are a
    displacement, m/s and rad/s a speed, none a fraction of the base's full speed (``Catalogue.base``)."""

    stiffness_of: Identifier | None = None
    """The argument that names the joint or chain whose motors this sets: 0 lets them go slack."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.joints is None and (self.min is None or self.max is None or self.min > self.max):
            raise ValueError(f"number {self.name!r} needs min <= max, or joints whose limits apply")
        return self


class BoolArgument(Entry):
    """``True`` or ``False``, or only one of the two."""

    name: Identifier
    type: Literal["bool"]
    only: bool | None = None
    """The one value that is allowed."""
    because: Line | None = None
    """Why the other is not."""

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if (self.only is None) != (self.because is None):
            raise ValueError(f"{self.name!r}: only needs because, and because needs only")
        return self


class Tags(Entry):
    """Markup allowed inside a text: ``^word(value)`` with one of the words and a value of the enum."""

    words: list[Identifier]
    values: Identifier
    seconds: Annotated[float, Field(ge=0)] = 0.0
    """How much longer the call takes for each of them, at the very most."""


class TextArgument(Entry):
    """A text of at most ``max_length`` characters, or a list of such texts."""

    name: Identifier
    type: Literal["str"]
    shape: Literal["one", "list"] = "one"
    max_length: Annotated[int, Field(ge=1, le=1000)]
    pattern: str | None = None
    """Regular expression that the whole text must match."""
    forbidden: str = ""
    """Characters that may not occur outside tags."""
    tags: Tags | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
        return value


class EnumArgument(Entry):
    """One of the names of the catalogue's enum ``values``."""

    name: Identifier
    type: Literal["enum"]
    values: Identifier
    family: Literal["needs", "leads_to"] | None = None
    """What the posture family of the value (``Enum.families``) is to the call: the one that the robot must be in, or
    the one that it ends in."""
    key: Identifier | None = None
    """Sent to the robot as a map from this key to the value, because programs have no dictionaries."""


class JointArgument(Entry):
    """The name of a joint or of a chain of joints, or a list of joints."""

    name: Identifier
    type: Literal["joint"]
    shape: Literal["one", "one_or_list"] = "one"


Argument = Annotated[
    NumberArgument | BoolArgument | TextArgument | EnumArgument | JointArgument, Field(discriminator="type")
]
