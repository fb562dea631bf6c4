"""The catalogue of a robot: every call that a behaviour may make, with types, units, ranges and joint limits.

A catalogue is one TOML file in ``catalogues/``; nothing about any single robot stands in Python. The prompt, the
grammar, the static and the run-time checks are all made from it.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from services.behavior.schema import Scene

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\n]+$")]

Shape = Literal["one", "one_or_list", "series"]
"""``series``: one value, a list of them, or a list of such lists (one for each joint)."""

ReturnType = Literal["none", "any", "bool", "int", "float", "str", "list[float]", "list[str]"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NumberArgument(_Entry):
    """A number between ``min`` and ``max``, or, with ``joints``, angles of the joints that another argument names."""

    name: Identifier
    type: Literal["float", "int"]
    min: float | None = None
    max: float | None = None
    unit: str = ""
    shape: Shape = "one"
    joints: Identifier | None = Field(default=None, description="the argument that names the joints of these angles")
    absolute: bool | Identifier = Field(
        default=True, description="whether angles are absolute, or the bool argument that says so"
    )
    times_of: Identifier | None = Field(default=None, description="the angles that are reached at these times")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.joints is None and (self.min is None or self.max is None or self.min > self.max):
            raise ValueError(f"number {self.name!r} needs min <= max, or joints whose limits apply")
        return self


class BoolArgument(_Entry):
    """``True`` or ``False``."""

    name: Identifier
    type: Literal["bool"]


class Tags(_Entry):
    """Markup allowed inside a text: ``^word(value)`` with one of the words and a value of the enum."""

    words: list[Identifier]
    values: Identifier


class TextArgument(_Entry):
    """A text of at most ``max_length`` characters."""

    name: Identifier
    type: Literal["str"]
    max_length: Annotated[int, Field(ge=1, le=1000)]
    pattern: str | None = Field(default=None, description="regular expression that the whole text must match")
    forbidden: str = Field(default="", description="characters that may not occur outside tags")
    tags: Tags | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            re.compile(value)
        return value


class EnumArgument(_Entry):
    """One of the names of the catalogue's enum ``values``."""

    name: Identifier
    type: Literal["enum"]
    values: Identifier


class JointArgument(_Entry):
    """The name of a joint or of a chain of joints, or a list of joints."""

    name: Identifier
    type: Literal["joint"]
    shape: Literal["one", "one_or_list"] = "one"


Argument = Annotated[
    NumberArgument | BoolArgument | TextArgument | EnumArgument | JointArgument, Field(discriminator="type")
]


class Method(_Entry):
    """One callable form of a method; several with one name are overloads."""

    name: Identifier
    doc: Line
    blocking: bool
    args: list[Argument]
    returns: ReturnType = "none"
    card: bool = Field(default=False, description="shown in the prompt's API card")
    speech: bool = Field(default=False, description="allowed after a refusal")
    walks: bool = Field(default=False, description="moves the robot, so that positions seen before no longer hold")


class Service(_Entry):
    """A service of the robot."""

    doc: Line
    methods: list[Method]

    @cached_property
    def by_name(self) -> dict[str, tuple[Method, ...]]:
        """Overloads of each method."""
        names = dict.fromkeys(method.name for method in self.methods)
        return {name: tuple(method for method in self.methods if method.name == name) for name in names}


class Joint(_Entry):
    """Limits of a joint in its unit (radians, or none for hands) and its top speed in that unit per second."""

    min: float
    max: float
    max_velocity: Annotated[float, Field(gt=0)]
    unit: Literal["rad", ""]


class Coupling(_Entry):
    """Limits of ``joint`` that depend on how far joint ``by`` is from zero: [distance, min, max], linear between."""

    joint: Identifier
    by: Identifier
    points: Annotated[list[tuple[float, float, float]], Field(min_length=2)]

    def limits(self, by_angle: float) -> tuple[float, float]:
        """Smallest and largest angle of ``joint`` while ``by`` is at ``by_angle``."""
        at = abs(by_angle)
        for (x0, low0, high0), (x1, low1, high1) in itertools.pairwise(self.points):
            if at <= x1:
                share = max(0.0, (at - x0) / (x1 - x0))
                return low0 + share * (low1 - low0), high0 + share * (high1 - high0)
        return self.points[-1][1], self.points[-1][2]


def expand(pattern: str) -> list[str]:
    """All texts of a pattern with braces: ``a_{1..3}`` becomes a_1, a_2, a_3 and ``{b,c}`` becomes b, c."""
    parts: list[list[str]] = []
    for text, choice in re.findall(r"([^{}]+)|\{([^{}]+)\}", pattern):
        if text:
            parts.append([text])
        elif span := re.fullmatch(r"(\d+)\.\.(\d+)", choice):
            parts.append([str(number) for number in range(int(span[1]), int(span[2]) + 1)])
        else:
            parts.append(choice.split(","))
    return ["".join(choices) for choices in itertools.product(*parts)]


class Enum(_Entry):
    """Names that an argument may take, and those few that the prompt shows (all when ``card`` is empty)."""

    doc: Line
    values: Annotated[list[str], Field(min_length=1)]
    card: list[str] = []

    @field_validator("values")
    @classmethod
    def _expanded(cls, values: list[str]) -> list[str]:
        expanded = [value for pattern in values for value in expand(pattern)]
        if bad := [value for value in expanded if re.search(r'["\\\n]', value)]:
            raise ValueError(f"quotes, backslashes and line ends are not allowed: {bad}")
        return list(dict.fromkeys(expanded))

    @model_validator(mode="after")
    def _card_is_known(self) -> Self:
        if unknown := {value for pattern in self.card for value in expand(pattern)} - set(self.values):
            raise ValueError(f"card has names that are not among the values: {sorted(unknown)}")
        return self


class Example(_Entry):
    """An instruction with its program, shown to the model."""

    instruction: str
    scene: Scene = Field(default_factory=Scene)
    program: str


class Catalogue(_Entry):
    """What one robot can do, and within which limits."""

    name: Identifier
    title: Line
    deny: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]*\.[A-Za-z][A-Za-z0-9]*$")]]
    joints: dict[Identifier, Joint]
    offered_joints: list[str] = Field(description="joints offered to the model, with braces as in enums")
    chains: dict[Identifier, list[Identifier]]
    couplings: list[Coupling]
    enums: dict[Identifier, Enum]
    services: dict[Identifier, Service]
    examples: Annotated[list[Example], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [joint for chain in self.chains.values() for joint in chain]
        named += [joint for coupling in self.couplings for joint in (coupling.joint, coupling.by)]
        named += [joint for pattern in self.offered_joints for joint in expand(pattern)]
        if unknown := set(named) - set(self.joints):
            raise ValueError(f"unknown joints: {sorted(unknown)}")
        for service, entry in self.services.items():
            for method in entry.methods:
                self._check_references(f"{service}.{method.name}", method)
        return self

    def _check_references(self, name: str, method: Method) -> None:
        if name in self.deny:
            raise ValueError(f"{name} is both offered and denied")
        arguments = {argument.name: argument.type for argument in method.args}
        if len(arguments) != len(method.args):
            raise ValueError(f"{name}: two arguments with one name")
        for argument in method.args:
            if isinstance(argument, EnumArgument) and argument.values not in self.enums:
                raise ValueError(f"{name}: unknown enum {argument.values!r}")
            if isinstance(argument, TextArgument) and argument.tags and argument.tags.values not in self.enums:
                raise ValueError(f"{name}: unknown enum {argument.tags.values!r}")
            if isinstance(argument, NumberArgument):
                links = [(argument.joints, "joint"), (argument.times_of, "float")]
                if isinstance(argument.absolute, str):
                    links.append((argument.absolute, "bool"))
                for link, kind in links:
                    if link is not None and arguments.get(link) != kind:
                        raise ValueError(f"{name}: {argument.name} refers to {link!r}, which is no {kind} argument")

    def __hash__(self) -> int:
        """Identity: a catalogue is loaded once, and what is made from it is cached by it."""
        return id(self)

    def denies(self, service: str, method: str) -> bool:
        """Whether the call must never be generated or carried out."""
        return method.startswith("_") or service.startswith("_") or f"{service}.{method}" in self.deny


@cache
def robots() -> tuple[str, ...]:
    """Names of the robots that have a catalogue."""
    files = resources.files("services.behavior").joinpath("catalogues").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if re.fullmatch(r"[^.]+\.toml", file.name)))


@cache
def _load(name: str) -> Catalogue:
    folder = resources.files("services.behavior").joinpath("catalogues")
    body = tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8"))
    examples = tomllib.loads(folder.joinpath(f"{name}.examples.toml").read_text("utf-8"))
    return Catalogue.model_validate(body | examples)


def load_catalogue(name: str) -> Catalogue:
    """The catalogue of a robot, loaded and validated once.

    Raises:
        LookupError: there is no catalogue of that name.
    """
    if name not in (known := robots()):
        raise LookupError(f"no robot is called {name!r}; known robots: {', '.join(known)}")
    return _load(name)
