"""Jokes, facts, riddles, stories and poems."""

from __future__ import annotations

import tomllib
from pathlib import Path

from services.training.dataset.sayings import line, speech
from services.training.dataset.task import Language, Step, Task, World, skill

_FOLDER = Path(__file__).parents[1]
_TALES: dict[Language, dict[str, list[str | list[str]]]] = {
    language: tomllib.loads((_FOLDER / f"tales_{language}.toml").read_text(encoding="utf-8"))
    for language in ("en", "zh")
}


@skill("telling", weight=3.0)
def joke(world: World) -> Task:
    """Tell a joke."""
    return _told(world, "jokes", "tell a joke", [5, None])


@skill("telling", weight=1.2)
def fact(world: World) -> Task:
    """Tell something worth knowing."""
    return _told(world, "facts", "tell a fact", [4, None])


@skill("telling", weight=0.7)
def riddle(world: World) -> Task:
    """Ask a riddle and tell what it is."""
    return _told(world, "riddles", "tell a riddle", [5, None])


@skill("telling", weight=1.2)
def story(world: World) -> Task:
    """Tell a short story."""
    return _told(world, "stories", "tell a story", [18, None])


@skill("telling", weight=1.0)
def poem(world: World) -> Task:
    """Recite a poem."""
    return _told(world, "poems", "recite a poem", [9, None])


def _told(world: World, kind: str, goal: str, length: list[int | None]) -> Task:
    tale = world.random.choice(_TALES[world.language][kind])
    shown = {"says": {"length": length}}
    if isinstance(tale, str):
        task = speech(goal, tale, {}, animated=True)
        return Task(task.steps, must=[shown], event=task.event, tags=["speech", "telling"])
    first = speech(goal, tale[0], {})
    steps = [Step(goal, [line(text, animated=True) for text in tale])]
    return Task(steps, must=[shown], event=first.event, tags=["speech", "telling"])
