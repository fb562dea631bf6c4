"""Programs that are known to be good: the examples that the prompts show, and those of a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.schema import Scene


class NoDataSet(Exception):
    """A file that holds no programs; the message says where it goes wrong."""


@dataclass(frozen=True)
class GoodProgram:
    """A program that every check must let pass."""

    name: str
    robot: str
    scene: Scene
    text: str


def shipped_examples() -> Iterator[GoodProgram]:
    """The examples of every robot's catalogue."""
    for robot in robots():
        for example in load_catalogue(robot).examples:
            yield GoodProgram(f"{robot}: {example.instruction}", robot, example.scene, example.program)


def good_programs(path: Path) -> Iterator[GoodProgram]:
    """The programs of a data set: JSON Lines with ``program``, and ``robot`` and ``scene`` where there are others.

    Raises:
        NoDataSet: a line is no such object.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                scene = Scene.model_validate(entry.get("scene") or {})
                yield GoodProgram(f"{path.name}:{number}", entry.get("robot", "nao"), scene, entry["program"])
            except (ValueError, KeyError, AttributeError) as error:
                raise NoDataSet(f"{path}:{number}: not a program with its scene: {error!r}") from error
