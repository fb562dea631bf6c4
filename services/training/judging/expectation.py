"""The items of a suite: what is asked of the robot, and what the trace of the behaviour must show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from services.behavior.errors import CheckError
from services.behavior.scene import SceneView
from services.behavior.schema import MAX_INSTRUCTION_CHARACTERS, Document, Scene
from services.behavior.words import did_you_mean
from services.robot.simulator.postures import POSTURES
from services.training.judging.predicates import Predicate

Outcome = Literal["acts", "words", "refuses"]


class SuiteError(ValueError):
    """A suite that cannot be used; the message has one line for each bad line, with its number and place."""


class Item(Document):
    """One line of a suite."""

    id: Annotated[str, Field(min_length=1)]
    language: Literal["en", "zh"]
    instruction: Annotated[str, Field(min_length=1, max_length=MAX_INSTRUCTION_CHARACTERS)]
    scene: Scene = Field(default_factory=Scene)
    tags: list[str] = Field(default_factory=list)
    outcome: Outcome
    """acts: it succeeds and does what is asked; words: it speaks and moves nothing; refuses: at most it speaks."""
    must: list[Predicate] = Field(default_factory=list)
    """Each holds at some time, or at the end where it says so."""
    in_order: list[Predicate] = Field(default_factory=list)
    """Each comes about, and they begin in this order."""
    must_not: list[Predicate] = Field(default_factory=list)
    """None holds."""
    note: str | None = None

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.outcome == "acts" and not (self.must or self.in_order or self.must_not):
            raise ValueError("it acts, but no predicate says what must be seen of it")
        for predicate in self.in_order:
            predicate.require_event("in_order")
        if self.scene.posture is not None and self.scene.posture not in POSTURES:
            hint = did_you_mean(self.scene.posture, POSTURES)
            raise ValueError(f"scene.posture: NAO has no posture {self.scene.posture!r}; {hint}")
        view = SceneView(self.scene)
        for predicate in (*self.must, *self.in_order, *self.must_not):
            for target in predicate.targets:
                try:
                    view.find(target)
                except CheckError as error:
                    raise ValueError(f"{predicate}: {error}") from None
        return self


def read_suite(path: Path) -> list[Item]:
    """Return the items of a suite, one JSON object on each line; empty lines are passed over.

    Raises:
        OSError: the file cannot be read.
        SuiteError: a line is no item, or two have the same id.
    """
    items: dict[str, Item] = {}
    faults: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        try:
            item = Item.model_validate_json(line)
        except ValidationError as error:
            faults.append(f"{where}{_named(line)}: {_reasons(error)}")
            continue
        if item.id in items:
            faults.append(f"{where}: the id {item.id!r} was used before; give each item its own")
        items[item.id] = item
    if faults:
        raise SuiteError("\n".join(faults))
    return list(items.values())


def _named(line: str) -> str:
    """The id of a line that is no item, if it can be told."""
    try:
        found = json.loads(line)
    except ValueError:
        return ""
    return f" ({found['id']})" if isinstance(found, dict) and "id" in found else ""


def _reasons(error: ValidationError) -> str:
    return "; ".join(_reason(fault) for fault in error.errors(include_url=False))


def _reason(fault: ErrorDetails) -> str:
    """One fault with its place, such as ``must[0].says.lenght: there is no such key``."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    unknown = fault["type"] == "extra_forbidden"
    reason = "there is no such key" if unknown else fault["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason
