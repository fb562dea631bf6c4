"""The catalogue of a robot: every call that a behaviour may make, with types, units, ranges and joint limits.

A catalogue is one TOML file in ``catalogues/``, and beside it are the examples that a model is shown; nothing about any
single robot stands in Python. The prompt, the grammar, the stubs, the documentation, the static and the run-time checks
are all made from it. ``arguments.py`` and ``methods.py`` describe the parts of a catalogue.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

from services.behavior.arguments import (
    Argument,
    BoolArgument,
    Entry,
    EnumArgument,
    Identifier,
    JointArgument,
    Line,
    NumberArgument,
    TextArgument,
)
from services.behavior.body import Base, Budget, Coupling, Joint
from services.behavior.consistency import find_problems, where
from services.behavior.methods import Control, Method, Service
from services.behavior.names import Enum, expand
from services.behavior.schema import Scene
from services.behavior.waiting import with_waiting

__all__ = [
    "Argument",
    "BoolArgument",
    "Catalogue",
    "CatalogueError",
    "EnumArgument",
    "JointArgument",
    "Method",
    "NumberArgument",
    "TextArgument",
    "expand",
    "load_catalogue",
    "parse_catalogue",
    "robots",
]

QualifiedName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$")]


class Example(Entry):
    """An instruction with its program, shown to the model."""

    instruction: str
    scene: Scene = Field(default_factory=Scene)
    program: str


class Catalogue(Entry):
    """What one robot can do, and within which limits."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    title: Line
    doc: Line
    """What kind of robot it is, for people."""
    deny: dict[QualifiedName, Line]
    """Calls that are never generated or carried out, whoever asks, with the reason."""
    control: Control
    budget: Budget
    base: Base | None = None
    """None for a robot that stays where it is, or goes to places by name only."""
    parts: list[Line] = Field(default_factory=list)
    """What people call the parts of the robot: a step of a plan may be about one although no scene has it."""
    postures: Identifier | None = None
    """The enum of postures; a scene may say in which of them the robot is."""
    joints: dict[Identifier, Joint] = Field(default_factory=dict)
    offered_joints: list[str] = Field(default_factory=list)
    """Joints offered to the model, with braces as in enums."""
    chains: dict[Identifier, list[Identifier]] = Field(default_factory=dict)
    couplings: list[Coupling] = Field(default_factory=list)
    upright: list[Identifier] = Field(default_factory=list)
    """Posture families in which the robot stands on the joints that carry it; in others those may be moved."""
    enums: dict[Identifier, Enum] = Field(default_factory=dict)
    services: Annotated[dict[Identifier, Service], AfterValidator(with_waiting)]
    """In a file the robot's own; once loaded, the one for waiting too (``waiting.py``)."""
    examples: Annotated[list[Example], Field(min_length=1)]
    _whole: Catalogue | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problems := find_problems(self):
            raise ValueError("; ".join(problems))
        return self

    def __hash__(self) -> int:
        """Identity: a catalogue is loaded once, and what is made from it is cached by it."""
        return id(self)

    @property
    def whole(self) -> Catalogue:
        """The catalogue that this one was narrowed from (``narrowing.py``), else this one."""
        return self._whole or self

    @property
    def calls(self) -> Iterator[tuple[str, Method]]:
        """Every service's name with each of its methods, overloads one by one, in the order of the file."""
        return ((name, method) for name, service in self.services.items() for method in service.methods)

    @cached_property
    def families(self) -> frozenset[str]:
        """All posture families of the robot."""
        return frozenset(family for enum in self.enums.values() for family in enum.families.values())

    def family(self, posture: str) -> str | None:
        """The family of a posture that a scene names, or None where the catalogue does not know it."""
        return self.enums[self.postures].family(posture) if self.postures is not None else None

    @cached_property
    def ready(self) -> str | None:
        """The posture family that walks need: what a robot is taken to be in where nobody tells its posture."""
        return next((method.needs.family for _, method in self.calls if method.walks), None)

    def denial(self, service: str, method: str) -> str | None:
        """Why a call must never be generated or carried out, or None."""
        if method.startswith("_") or service.startswith("_"):
            return "what begins with _ is the robot's own"
        return self.deny.get(f"{service}.{method}")

    def denies(self, service: str, method: str) -> bool:
        """Whether the call must never be generated or carried out."""
        return self.denial(service, method) is not None


class CatalogueError(ValueError):
    """A catalogue that cannot be used; the message names the file, and the service, method and argument at fault."""


def parse_catalogue(file: str, text: str, examples: str) -> Catalogue:
    """The catalogue that a file and its file of examples hold.

    Args:
        file: the file's name, for messages.
        text: its TOML.
        examples: the TOML of its examples.

    Raises:
        CatalogueError: either is no TOML or no catalogue; every fault is named, with where it is.
    """
    try:
        document = _parse(file, text) | _parse(file.replace(".toml", ".examples.toml"), examples)
        return Catalogue.model_validate(document)
    except ValidationError as error:
        faults = [f"{where(document, fault['loc'])}{_reason(fault)}" for fault in error.errors(include_url=False)]
        raise CatalogueError(f"{file}: {'; '.join(faults)}") from None


def _parse(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{file} is no TOML: {error}") from None


def _reason(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")


@cache
def robots() -> tuple[str, ...]:
    """Names of the robots that have a catalogue, sorted."""
    files = _folder().iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if re.fullmatch(r"[^.]+\.toml", file.name)))


def load_catalogue(name: str) -> Catalogue:
    """The catalogue of a robot, loaded and validated once.

    Raises:
        LookupError: there is no catalogue of that name.
        CatalogueError: its file is wrong.
    """
    if name not in (known := robots()):
        raise LookupError(f"no robot is called {name!r}; known robots: {', '.join(known)}")
    return _load(name)


@cache
def _load(name: str) -> Catalogue:
    files = [_folder().joinpath(f"{name}{ending}").read_text("utf-8") for ending in (".toml", ".examples.toml")]
    return parse_catalogue(f"{name}.toml", *files)


def _folder() -> Traversable:
    return resources.files("services.behavior").joinpath("catalogues")
