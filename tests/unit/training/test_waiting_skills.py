"""Waiting: the program waits as long as was said, and where it was said."""

from __future__ import annotations

import random
import re

import pytest

from services.training.dataset import skills  # noqa: F401  (registers them)
from services.training.dataset.phrases import patterns
from services.training.dataset.task import SKILLS, Language, Task, World


def tasks(name: str, language: Language) -> list[Task]:
    made = [SKILLS[name].make(World(random.Random(f"{seed} {language}"), language)) for seed in range(60)]
    found = [task for task in made if task is not None]
    assert len(found) > 30
    return found


def slept(task: Task) -> float:
    return sum(float(line[11:-1]) for step in task.steps for line in step.lines if line.startswith("time.sleep("))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["pause", "delayed"])
def test_every_phrase_has_its_words(name: str, language: Language) -> None:
    for number, task in enumerate(tasks(name, language)):
        for kind in ("clause", "whole"):
            found = patterns(name, task.variant, language, kind)
            assert len(found) >= 6, kind
            for pattern in found:
                text = pattern.realise(random.Random(number), task.slots)
                assert not re.search(r"[][{}|()]", text), f"{pattern.name}: {text}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_waits_as_long_as_is_said(language: Language) -> None:
    for task in tasks("pause", language):
        if number := re.match(r"\d+", task.slots["time"]):
            unit = 60 if "min" in task.slots["time"] or "分" in task.slots["time"] else 1
            assert slept(task) == int(number[0]) * unit, task.slots


def test_what_is_delayed_comes_after_the_wait() -> None:
    for task in tasks("delayed", "en"):
        assert task.steps[0].lines[0].startswith("time.sleep(")
        assert len(task.steps) > 1
