"""The skills that have to do with places: walking, turning, going, looking and pointing."""

from __future__ import annotations

import math
import random
import re

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramReader
from services.behavior.scene import Pose
from services.behavior.schema import Scene
from services.training.dataset import skills  # noqa: F401  (registers them)
from services.training.dataset.compose import draft, write
from services.training.dataset.phrases import patterns
from services.training.dataset.scenes import furnish, is_free
from services.training.dataset.skills.measures import chinese, distance, english
from services.training.dataset.targets import choose
from services.training.dataset.task import SKILLS, Language, World

THEMES = {"walking", "turning", "going", "looking", "pointing", "seeing", "corrections", "wordless"}
OWN = [one for one in SKILLS.values() if one.theme in THEMES]


def world(seed: object, language: Language = "en") -> World:
    made = World(random.Random(f"{seed} {language}"), language)
    furnish(made)
    return made


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)
def test_every_phrase_of_a_skill_has_its_words(one, language):
    said: dict[str, set[str]] = {}
    for seed in range(400):
        place = world(seed, language)
        place.posture = one.needs or place.posture
        if (task := one.make(place)) is None:
            continue
        for kind in ("clause", "whole"):
            found = patterns(one.name, task.variant, language, kind)
            assert found or kind == "whole" or not one.joins, f"no phrase for {one.name} {task.variant}"
            for pattern in found:
                text = pattern.realise(random.Random(seed), task.slots)
                assert not re.search(r"[][{}|()]", text), f"{pattern.name}: {text}"
                said.setdefault(task.variant, set()).add(text)
    assert min(map(len, said.values())) > 3


def test_programs_pass_the_checks(monkeypatch):
    for name in [name for name, one in SKILLS.items() if one not in OWN]:
        monkeypatch.delitem(SKILLS, name)
    for seed in range(300):
        made = draft(random.Random(seed), "zh" if seed % 2 else "en")
        reader = ProgramReader(load_catalogue("nao"), Scene.model_validate(made.scene))
        reader.feed(made.program)
        reader.close()


def test_what_is_not_there_is_answered_in_words():
    task = next(made for seed in range(50) if (made := SKILLS["absent"].make(world(seed))) is not None)
    first, second = write(task.steps).splitlines()
    assert task.outcome == "words"
    assert first == "# Step 1: say that it is not seen"
    assert second.startswith("ALTextToSpeech.say(")


def test_what_is_only_mentioned_is_not_looked_for():
    for language in ("en", "zh"):
        phrases = [p.text for kind in ("clause", "whole") for p in patterns("absent", "", language, kind)]
        assert not [text for text in phrases if "too close" in text or "step back" in text or "太近" in text]


@pytest.mark.parametrize(("degrees", "turns"), [(0, False), (80, False), (-95, False), (110, True), (-150, True)])
def test_it_turns_to_point_only_where_no_arm_reaches(degrees, turns):
    place = [2 * math.cos(math.radians(degrees)), 2 * math.sin(math.radians(degrees)), 0.5]
    for name in ("point", "where"):
        tasks = [SKILLS[name].make(World(random.Random(seed), "en", objects={"cup": [*place]})) for seed in range(20)]
        found = [task for task in tasks if task is not None]
        assert found
        for task in found:
            assert ("moveTo" in write(task.steps)) == turns
            assert ({"moves": "walk"} in task.must_not) != turns


def test_it_counts_and_names_what_is_there():
    things = {"red ball": [1.0, 0.5, 0.0], "blue ball": [2.0, 0.0, 0.0], "chair": [1.0, -1.0, 0.0]}
    said = set()
    for seed in range(60):
        place = World(random.Random(seed), "en", objects=things, people={"Anna": [1.5, 1.5, 1.4]})
        for name in ("how_many", "which_is", "name_all"):
            if (task := SKILLS[name].make(place)) is not None:
                said.add(task.steps[0].lines[0].split('"')[1])
    assert {"I see two balls.", "I see one person.", "I see three things.", "I see Anna."} <= said
    assert {"The blue ball is farthest.", "The chair is farthest to the right."} <= said


def test_the_code_of_a_length_comes_to_it():
    for seed in range(500):
        told = distance(world(seed, "zh" if seed % 2 else "en"))
        product = 1.0
        for number in re.findall(r"[*/]? ?[\d.]+", f"* {told.code}"):
            value = float(number.lstrip("*/ "))
            product = product / value if number.startswith("/") else product * value
        assert product == pytest.approx(told.value)
        assert 0.1 <= told.value <= 3.0


def test_numbers_in_words():
    assert [english(number) for number in (0, 13, 20, 45, 120)] == [
        "zero",
        "thirteen",
        "twenty",
        "forty-five",
        "one hundred and twenty",
    ]
    assert [chinese(number) for number in (2, 10, 35, 105, 180)] == ["二", "十", "三十五", "一百零五", "一百八十"]
    assert chinese(2, counts=True) == "两"


def test_a_thing_in_the_way_stops_a_walk():
    place = World(random.Random(0), "en", objects={"chair": [1.0, 0.0, 0.0]})
    assert not is_free(place, Pose(x=2.0))
    assert is_free(place, Pose(x=0.7))
    assert is_free(place, Pose(theta=1.57), Pose(x=2.0))


def test_words_for_a_thing_mean_nothing_else():
    place = World(random.Random(0), "en", objects={"red ball": [1.0, 1.0, 0.0], "blue ball": [2.0, -1.0, 0.0]})
    meant: dict[str, str] = {}
    for _ in range(500):
        target = choose(place)
        assert target is not None
        assert meant.setdefault(target.said, target.name) == target.name
    assert meant["the ball on the left"] == "red ball"
    assert meant["the farthest ball"] == "blue ball"
    assert "the ball" not in meant


@pytest.mark.parametrize(
    ("place", "side"),
    [([1.0, 0.1], "in front"), ([0.5, -0.7], "right"), ([-0.1, 0.9], "left"), ([-1.0, 0.2], "behind")],
)
def test_it_says_on_which_side_a_thing_is(place, side):
    task = SKILLS["where"].make(World(random.Random(1), "en", objects={"cup": [*place, 0.5]}))
    assert task is not None
    assert side in task.steps[0].lines[0]
