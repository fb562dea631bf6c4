"""What the robot is to say: pronouns turned right, texts with and without quotes."""

from __future__ import annotations

import random
import re

import pytest

from services.training.dataset import sayings
from services.training.dataset.phrases import patterns
from services.training.dataset.skills import manners, reciting, speech
from services.training.dataset.task import SKILLS, Language, World


def _worlds(language: Language, many: int = 300) -> list[World]:
    return [World(random.Random(seed), language) for seed in range(many)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_messages_are_turned_to_whom_they_are_for(language: Language) -> None:
    about = r"\b(he|she|they|his|her|their|him|them)\b" if language == "en" else "他|她"
    for world in _worlds(language):
        for skill in (speech.tell, speech.ask_somebody, speech.bid):
            task = skill(world)
            said = task.steps[0].lines[0]
            assert re.search(about, said) is None, said
            assert said.startswith('ALTextToSpeech.say("')


def test_several_chinese_people_are_addressed_as_several() -> None:
    group = next(found for world in _worlds("zh") if "们" in (found := sayings.somebody(world))[2]["he"])
    assert sayings.to_all("你真棒", group[2]) == "你们真棒"
    assert sayings.to_all("你真棒", {"he": "她"}) == "你真棒"


@pytest.mark.parametrize(
    ("text", "within"),
    [("Dinner is ready.", "dinner is ready"), ("I am here.", "I am here"), ("Anna is late.", "Anna is late")],
)
def test_a_sentence_within_another_has_no_capital_but_of_names(text: str, within: str) -> None:
    assert sayings.plain(text, "en") == within


@pytest.mark.parametrize("language", ["en", "zh"])
def test_quotes_of_one_kind_do_not_stand_within_themselves(language: Language) -> None:
    for world in _worlds(language):
        quoted = sayings.quoted(world, "It's late.")
        assert quoted[0] not in quoted[1:-1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_skill_of_the_voice_and_lights_can_be_said(language: Language) -> None:
    themes = {"speech", "manners", "telling", "reciting", "voice", "sound", "lights", "shows"}
    for skill in [one for one in SKILLS.values() if one.theme in themes]:
        for world in _worlds(language, 40):
            task = skill.make(world)
            if task is None:
                continue
            for kind in ("clause", "whole"):
                found = patterns(skill.name, task.variant, language, kind)
                assert found, f"{skill.name} {task.variant} {kind}"
                for pattern in found:
                    text = pattern.realise(world.random, task.slots)
                    assert re.search(r"[{}()\[\]|]", text) is None, f"{pattern.name}: {text}"


@pytest.mark.parametrize(("number", "word"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (100, "一百")])
def test_chinese_numbers(number: int, word: str) -> None:
    assert reciting._chinese(number) == word


def test_the_time_of_day_is_said_as_it_was_asked_for() -> None:
    for world in _worlds("en", 60):
        task = manners.daytime(world)
        assert task.slots["daytime"] in task.steps[0].lines[0].lower()
