from __future__ import annotations

import random

import pytest
from gbnf_sampler import Grammar
from hypothesis import given, settings
from hypothesis import strategies as st

from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.gbnf import choice, number
from services.behavior.grammar import build_gbnf, in_grammar
from services.behavior.program import Item, ProgramError, ProgramReader, Refusal, Statement
from services.behavior.schema import Scene, SceneItem

EMPTY = Scene()
HALL = Scene(
    objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0]), SceneItem(name="it's a {box}", position=[1, 1, 0])],
    people=[SceneItem(name="Zoë", position=[1.0, 0.5, 0.0])],
)
SCENES = {"empty": EMPTY, "hall": HALL}
GRAMMARS = {
    (robot, name): Grammar(build_gbnf(load_catalogue(robot), scene))
    for robot in robots()
    for name, scene in SCENES.items()
}

# What only the values decide, and no grammar can.
SEMANTIC = {"program.range", "program.arithmetic"}


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("scene", SCENES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_programs_of_the_grammar_pass_the_checks(robot: str, scene: str, seed: int) -> None:
    text = GRAMMARS[robot, scene].sample(random.Random(seed))
    reader = ProgramReader(load_catalogue(robot), SCENES[scene])
    code = ""
    items: list[Item] = []
    try:
        items = reader.feed(text) + reader.close()
    except ProgramError as error:
        code = error.code
    assert code in SEMANTIC or any(isinstance(item, Statement | Refusal) for item in items), (code, text)
    assert code in SEMANTIC or reader.code.rstrip("\n") == text.rstrip("\n")


def test_every_method_is_offered_but_for_patterned_texts_and_answers_to_keep(catalogue: Catalogue) -> None:
    rules = build_gbnf(catalogue).splitlines()
    left_out = set()
    for service, method in catalogue.calls:
        name = f"{service}.{method.name}"
        acts = any(rule.startswith(f"{service}-plain ::= ") and f'"{method.name}(' in rule for rule in rules)
        tells = any(rule.startswith("condition-plain ::= ") and f'"{name}(' in rule for rule in rules)
        assert in_grammar(method) == (acts or tells), name
        if not in_grammar(method):
            left_out.add(name)
    assert left_out == {
        "ALTextToSpeech.getAvailableLanguages",
        "ALMotion.getAngles",
        "ALMotion.getLimits",
        "ALRobotPosture.getPostureList",
        "ALBehaviorManager.getInstalledBehaviors",
        "ALAudioPlayer.playFile",
        "ALAudioPlayer.playSoundSetFile",
        "ALFaceDetection.subscribe",
        "ALFaceDetection.unsubscribe",
        "ALSpeechRecognition.subscribe",
        "ALSpeechRecognition.unsubscribe",
        "ALSonar.subscribe",
        "ALSonar.unsubscribe",
        "ALSonar.getFilteredValues",
        "ALMemory.getData",
    }


def test_scene_is_offered_only_when_something_is_in_it(catalogue: Catalogue) -> None:
    assert "scene." not in build_gbnf(catalogue)
    assert "scene.position(" in build_gbnf(catalogue, HALL)
    assert "Zoë" in build_gbnf(catalogue, HALL)


def test_grammars_of_two_scenes_differ_in_the_names_only(catalogue: Catalogue) -> None:
    other = Scene(objects=[SceneItem(name="door", position=[2.0, 0.0, 0.0])])
    differing = set(build_gbnf(catalogue, HALL).splitlines()) ^ set(build_gbnf(catalogue, other).splitlines())
    assert sorted(line.partition(" ::= ")[0] for line in differing) == ["target", "target"]


@pytest.mark.parametrize("robot", robots())
def test_denied_methods_are_never_offered(robot: str) -> None:
    catalogue = load_catalogue(robot)
    rules = build_gbnf(catalogue, HALL).splitlines()
    for denied in catalogue.deny:
        service, _, method = denied.partition(".")
        assert not [rule for rule in rules if rule.startswith(f"{service}-") and f'"{method}(' in rule]


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [
        (-3, 3, 1),
        (0, 1, 2),
        (0.01, 1, 2),
        (-0.672, 0.5149, 2),
        (-1.5446, -0.0349, 2),
        (0, 100, 0),
        (-1, 1, 0),
        (20, 150, 0),
    ],
)
def test_numbers_are_exactly_those_in_range(low: float, high: float, places: int) -> None:
    found = Grammar(f"root ::= {number(low, high, places)}\n").texts()
    scale = 10**places
    expected = {value / scale for value in range(-400 * scale, 400 * scale) if low <= value / scale <= high}
    assert {float(text) for text in found} == expected


def test_a_range_without_numbers_is_an_error() -> None:
    with pytest.raises(ValueError, match="no number"):
        number(0.001, 0.002, 2)


@given(st.lists(st.text('abA_1"\\', max_size=5), min_size=1, max_size=8))
def test_choice_matches_exactly_its_texts(values: list[str]) -> None:
    grammar = Grammar(f"root ::= {choice(values)}\n")
    assert grammar.texts() == set(values)
