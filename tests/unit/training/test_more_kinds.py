"""Signals, arms in sequence, either-or, places, errands, lessons, talk among people: their words and programs."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from learnt_grammar import grammar

import services.training.dataset.skills  # noqa: F401 - registers them
from services.behavior.schema import Scene
from services.training.dataset import build, compose
from services.training.dataset.compose import Draft, draft
from services.training.dataset.phrases import books, patterns, variants
from services.training.dataset.scenes import furnish
from services.training.dataset.skills import alternatives, arm_sequences, places, schooling, signals, social_talk
from services.training.dataset.task import SKILLS, Language, Skill, World

MODULES = {
    "signals", "arm_sequences", "alternatives", "places", "errands", "schooling", "social_talk", "manner_of_speech",
}  # fmt: skip
OWN = [one for one in SKILLS.values() if one.make.__module__.rsplit(".", 1)[1] in MODULES]


def drafts(one: Skill, many: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Draft]:
    """Drafts of a skill alone."""
    monkeypatch.setattr(compose, "by_name", lambda: [replace(one, weight=1.0, share=0.0)])
    monkeypatch.setattr(compose, "_LENGTHS", {1: 1.0})
    for seed in range(40 * many):
        if many == 0:
            return
        try:
            found = draft(random.Random(f"{one.name} {seed}"), "zh" if seed % 2 else "en")
        except IndexError:  # no place for it in this world
            continue
        many -= 1
        yield found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)
def test_every_phrase_has_its_words(one: Skill, language: Language) -> None:
    said: dict[str, int] = {}
    for seed in range(60):
        world = World(random.Random(f"{seed} {language}"), language)
        furnish(world)
        world.posture = one.needs or world.posture
        if (task := one.make(world)) is None:
            continue
        for kind in ("clause", "whole"):
            found = patterns(one.name, task.variant, language, kind)
            assert found or not one.joins, f"{one.name} {task.variant} {kind}"
            said[f"{task.variant} {kind}"] = len(found)
            for pattern in found:
                text = pattern.realise(random.Random(seed), task.slots)
                assert re.search(r"[{}()\[\]|]", text) is None, f"{pattern.name}: {text}"
    assert sum(said.values()) >= 12, said


@pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)
def test_what_is_drawn_is_kept_and_a_tuned_model_may_write_it(one: Skill, monkeypatch: pytest.MonkeyPatch) -> None:
    for found in drafts(one, 3, monkeypatch):
        asyncio.run(build._pair(found))
        if "posture" not in found.scene:  # each has a grammar of its own, which takes seconds to read
            assert grammar("nao", Scene.model_validate(found.scene)).matches(found.program.strip()), found.program


@pytest.mark.parametrize("battery", [12, 100])
def test_either_or_shows_the_act_that_the_battery_chooses(battery: int) -> None:
    chosen = set()
    for seed in range(3000):
        task = alternatives.either_or(World(random.Random(seed), "en", battery=battery))
        if task is not None and (found := re.search(r"getBatteryCharge\(\) ([<>]) (\d+)", str(task.steps))):
            holds = battery < int(found[2]) if found[1] == "<" else battery > int(found[2])
            branch = task.slots["then" if holds else "otherwise"]
            if "look left" in branch:
                chosen.add(holds)
                assert {"looks": {"yaw": [25, 119]}} in task.must
    assert chosen == {True, False}


def test_either_or_knows_how_far_things_are() -> None:
    for seed in range(400):
        world = World(random.Random(seed), "en", objects={"cup": [1.2, 0.0, 0.0]})
        task = alternatives.either_or(world)
        if task is not None and (found := re.search(r'distance\("cup"\) ([<>]) ([\d.]+)', str(task.steps))):
            near = found[1] == "<"
            holds = (float(found[2]) > 1.2) == near
            if "look right" in task.slots["then" if holds else "otherwise"]:
                assert {"looks": {"yaw": [-119, -25]}} in task.must
                return
    raise AssertionError("no such task was drawn")


def test_what_simon_does_not_say_is_not_done() -> None:
    tasks = [arm_sequences.simon_says(World(random.Random(seed), "en")) for seed in range(40)]
    left = [task for task in tasks if task is not None and task.variant == "not"]
    assert left
    for task in left:
        assert task.outcome == "words"
        assert list(task.must_not) == [{"moves": "any"}]
        assert task.steps[0].lines == ['ALTextToSpeech.say("Simon didn\'t say so!")']


@pytest.mark.parametrize(("side", "y"), [("left", 0.5), ("right", -0.5)])
def test_beside_is_on_the_side_that_was_told(side: str, y: float) -> None:
    for seed in range(200):
        task = places.go_beside(World(random.Random(seed), "en", objects={"cup": [1.5, 0.0, 0.0]}))
        if task is not None and task.variant == "told" and task.slots["side"] == side:
            assert task.moved is not None
            assert (task.moved.x, task.moved.y) == (1.5, y)
            return
    raise AssertionError("no such task was drawn")


def test_behind_a_thing_is_beyond_it() -> None:
    task = places.go_behind(World(random.Random(1), "en", objects={"cup": [1.5, 0.2, 0.0]}))
    assert task is not None
    assert task.moved is not None
    assert (round(task.moved.x, 3), round(task.moved.y, 3)) == (2.0, 0.2)


@pytest.mark.parametrize(
    ("number", "row"), [(3, "一三得三，二三得六，三三得九。"), (4, "一四得四，二四得八，三四十二，四四十六。")]
)
def test_a_times_table_is_the_rhyme(number: int, row: str) -> None:
    for seed in range(100):
        task = schooling.times_table(World(random.Random(seed), "zh"))
        if task.slots["a"] == str(number):
            assert task.steps[0].lines == [f'ALTextToSpeech.say("{row}")']
            return
    raise AssertionError("no such table was drawn")


def test_who_is_introduced_is_told_who_it_is() -> None:
    for seed in range(50):
        task = social_talk.introduce_people(World(random.Random(seed), "en"))
        spoken = task.steps[0].lines[0]
        assert task.slots["one"] in spoken
        assert task.slots["other"] in spoken
        assert task.slots.get("role", "") in spoken


def test_every_state_of_mind_has_its_own_gesture() -> None:
    gestures = [state.gesture for state in signals.STATES.values()]
    assert len(set(gestures)) == len(gestures)


def test_harmless_figures_of_speech_are_never_phrased_as_refusals() -> None:
    refused = {p.text for key, found in books().items() if key.startswith("refuse.") for p in found}
    for kind in variants("figure"):
        for language in ("en", "zh"):
            for form in ("clause", "whole"):
                assert not {p.text for p in patterns("figure", kind, language, form)} & refused
