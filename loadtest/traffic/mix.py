"""What the load test asks for: instructions and mixes of ``instructions.toml``, drawn from a seed."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("instructions.toml")
DEFAULT_MIX = "daily"


@dataclass(frozen=True)
class Instruction:
    """One thing to ask for. ``id`` is what records call it by."""

    id: str
    text: str
    tags: frozenset[str]
    #: As in a request to ``/v1/behaviors``; empty: the robot perceives nothing.
    scene: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Mix:
    """Instructions and how often each is asked for, as weights."""

    name: str
    about: str
    instructions: tuple[Instruction, ...]
    weights: tuple[float, ...]

    def sequence(self, seed: str) -> Iterator[Instruction]:
        """Instructions without end, the same ones for the same seed."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        while True:
            yield from chance.choices(self.instructions, self.weights)


@cache
def instructions() -> dict[str, Instruction]:
    """Every instruction by its id."""
    document = _document()
    scenes = document["scenes"]
    return {
        name: Instruction(
            name, entry["text"], frozenset(entry["tags"]), scenes[entry["scene"]] if "scene" in entry else {}
        )
        for name, entry in document["instructions"].items()
    }


@cache
def mixes() -> dict[str, Mix]:
    """Every mix by its name, in the file's order."""
    return {name: _mix(name, entry) for name, entry in _document()["mixes"].items()}


def _mix(name: str, entry: dict[str, Any]) -> Mix:
    chosen = tuple(item for item in instructions().values() if item.tags.issuperset(entry.get("only", ())))
    by_tag = entry.get("weights", {})
    # A weight is shared by all instructions of its tag, so that adding one to the file does not shift the mix.
    shares = {tag: weight / sum(tag in item.tags for item in chosen) for tag, weight in by_tag.items()}
    weights = tuple(sum(share for tag, share in shares.items() if tag in item.tags) or 1.0 for item in chosen)
    return Mix(name, entry["about"], chosen, weights)


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
