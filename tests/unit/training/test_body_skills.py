"""The skills of the body: gestures, postures, head, arms, hands and shows."""

from __future__ import annotations

import random
import re

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramReader
from services.behavior.schema import Scene
from services.training.dataset import skills  # noqa: F401  (registers them)
from services.training.dataset.phrases import patterns
from services.training.dataset.skills.body import RESTING, often
from services.training.dataset.task import SKILLS, Language, Skill, Task, World

THEMES = {"acts", "arms", "gestures", "hands", "head", "postures", "shows", "single_joints"}
OWN = [one for one in SKILLS.values() if one.make.__module__.rsplit(".", 1)[1] in THEMES]


def made(one: Skill, seed: int, language: Language = "en", posture: str = "Standing") -> Task | None:
    person = "Anna" if language == "en" else "小丽"
    return one.make(World(random.Random(f"{seed} {language}"), language, posture, people={person: [1.0, 0.5, 0.0]}))


def program(task: Task) -> str:
    return "".join(f"{line}\n" for step in task.steps for line in step.lines)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)
def test_every_phrase_of_a_skill_has_its_words(one, language):
    variants = set()
    for seed in range(120):
        task = made(one, seed, language, "Sitting" if one.name == "dance_sitting" else "Standing")
        variants.add(task.variant)
        for kind in ("clause", "whole"):
            found = patterns(one.name, task.variant, language, kind)
            assert len(found) >= 6, f"{one.name} {task.variant} {kind}"
            for pattern in found:
                text = pattern.realise(random.Random(seed), task.slots)
                assert not re.search(r"[][{}|()]", text), f"{pattern.name}: {text}"
    assert variants


@pytest.mark.parametrize("posture", ["Standing", "Sitting", "Crouching", "LyingBack", RESTING])
@pytest.mark.parametrize("one", [one for one in OWN if not one.needs], ids=lambda one: one.name)
def test_a_program_suits_the_posture_in_which_it_begins(one, posture):
    known = {"Sitting": "Sit", "Crouching": "Crouch", "LyingBack": "LyingBack"}.get(posture)
    person = {"name": "Anna", "position": [1.0, 0.5, 0.0]}
    for seed in range(20):
        task = made(one, seed, posture=posture)
        if task is None:
            continue
        reader = ProgramReader(load_catalogue("nao"), Scene.model_validate({"people": [person], "posture": known}))
        before = "ALMotion.rest()\n" if posture == RESTING else ""
        reader.feed(before + program(task))
        reader.close()


def test_gestures_of_a_sitting_robot_are_those_for_sitting():
    assert '"animations/Sit/Gestures/Hey_1"' in program(made(SKILLS["wave"], 0, posture="Sitting"))
    assert "goToPosture" not in program(made(SKILLS["wave"], 0, posture="Sitting"))


def test_a_lying_robot_stands_up_for_a_gesture():
    task = made(SKILLS["wave"], 0, posture="LyingBack")
    assert [step.goal for step in task.steps] == ["stand up", "wave"]
    assert task.leaves == "Standing"


@pytest.mark.parametrize("name", ["turn_head", "raise_arm", "open_hand"])
@pytest.mark.parametrize("posture", ["LyingBelly", RESTING])
def test_a_robot_that_lies_or_rests_keeps_head_and_arms_still(name, posture):
    assert made(SKILLS[name], 0, posture=posture) is None


def test_how_often_is_told_as_it_is_done():
    words = {"two": 2, "twice": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10}
    for seed in range(200):
        number, slots = often(World(random.Random(seed), "en"))
        first = slots["times"].removesuffix("x").split()[0]
        for said in (first, slots["n"]):
            assert (words[said] if said in words else int(said)) == number
