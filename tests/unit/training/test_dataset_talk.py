"""The generator's talk: refusals swallow what stands beside them, hints do what they mean, slips spare quotations."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

import services.training.dataset.skills  # noqa: F401  registers the skills
from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramReader, Refusal
from services.behavior.schema import Scene
from services.training.dataset import slips
from services.training.dataset.borrow import borrow
from services.training.dataset.compose import Draft, draft
from services.training.dataset.phrases import books, patterns, variants
from services.training.dataset.skills.conditions import battery_rule
from services.training.dataset.skills.hints import hint
from services.training.dataset.slips import slip
from services.training.dataset.task import World


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    return [draft(random.Random(seed), "en" if seed % 2 else "zh") for seed in range(600)]


@pytest.mark.parametrize("outcome", ["refuses", "words"])
def test_an_eighth_is_refused_and_an_eighth_answered_in_words(drafts: list[Draft], outcome: str) -> None:
    # 0.12 of all, as far as 600 drafts scatter.
    assert 0.085 * len(drafts) <= sum(one.outcome == outcome for one in drafts) <= 0.155 * len(drafts)


def test_a_refusal_among_harmless_orders_is_the_whole_program(drafts: list[Draft]) -> None:
    mixed = [one for one in drafts if one.outcome == "refuses" and one.instruction and len(one.skeleton) > 3]
    assert mixed
    for one in mixed:
        reader = ProgramReader(load_catalogue("nao"), Scene.model_validate(one.scene))
        items = [*reader.feed(one.program), *reader.close()]
        assert isinstance(items[0], Refusal)
        assert one.program.count("\n") == 2, "a reason and one sentence"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("skill", ["refuse", "answer", "hint", "figure"])
def test_every_kind_can_be_said(skill: str, language: str) -> None:
    for kind in variants(skill):
        assert patterns(skill, kind, language, "whole"), kind  # type: ignore[arg-type]


@pytest.mark.parametrize("battery", [12, 100])
def test_a_condition_shows_the_branch_that_the_battery_chooses(battery: int) -> None:
    for seed in range(200):
        task = battery_rule(World(random.Random(seed), "en", battery=battery))
        if task is not None and task.variant == "low_both" and "say that you are tired" in task.slots["then"]:
            assert ({"says": {"all": ["I am tired."]}} in task.must) == (battery == 12)
            return
    raise AssertionError("no such condition was drawn")


def test_a_condition_within_a_condition_is_never_drawn() -> None:
    for seed in range(300):
        other = borrow(World(random.Random(seed), "en"), lambda *_: True)
        assert other is None or other.skill.theme != "conditions"


def test_a_hint_in_the_way_steps_aside_on_its_feet() -> None:
    for seed in range(2000):
        task = hint(World(random.Random(seed), "en", posture="Sitting"))
        if task is not None and task.variant == "in_the_way":
            lines = [line for step in task.steps for line in step.lines]
            assert lines[:2] == ['ALRobotPosture.goToPosture("Stand", 0.5)', "ALMotion.moveTo(0.0, 0.3, 0.0)"]
            return
    raise AssertionError("the hint was not drawn")


def test_every_hint_means_acts_that_exist() -> None:
    for seed in range(1500):
        hint(World(random.Random(seed), "zh"))
    assert all(f"hint.{kind}.does" in books() for kind in variants("hint"))


def test_slips_spare_what_is_quoted() -> None:
    for seed in range(300):
        assert '"你们开门"' in slip(random.Random(seed), '请大声说"你们开门"，然后转身', "zh")


def test_some_chinese_is_traditional() -> None:
    said = {slip(random.Random(seed), "请你转过来对大家说话", "zh") for seed in range(300)}
    assert any(text.startswith("請你轉過來對大家說話") for text in said)


def test_the_table_of_characters_is_one_to_one() -> None:
    table = tomllib.loads(Path(slips.__file__).with_name("slips.toml").read_text(encoding="utf-8"))["traditional"]
    assert len(table["simplified"]) == len(table["traditional"])
    assert len(set(table["simplified"])) == len(table["simplified"])
