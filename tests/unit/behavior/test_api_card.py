from __future__ import annotations

import hashlib

import pytest

from services.behavior.api_card import api_card
from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.grammar import in_grammar
from services.behavior.methods import CardSize
from services.behavior.prompt import build_messages
from services.behavior.schema import BehaviorRequest

SIZES: tuple[CardSize, ...] = ("small", "medium", "full")


def test_naos_small_card_and_examples_are_those_that_the_small_model_was_tried_with(catalogue: Catalogue) -> None:
    """Choice, order and wording were found by trying; whoever changes a character has to try again."""
    prefix = "\0".join(
        message["content"] for message in build_messages(catalogue, BehaviorRequest(instruction="x"))[:-1]
    )
    assert hashlib.sha256(prefix.encode()).hexdigest()[:16] == "6aaf1b7f31b0d1c7"


@pytest.mark.parametrize("name", robots())
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("constrained", [False, True])
def test_a_card_shows_what_may_be_called_and_nothing_else(name: str, size: CardSize, constrained: bool) -> None:
    robot = load_catalogue(name)
    card = api_card(robot, size, constrained=constrained)
    expected = [
        f"{service}.{method.name}"
        for service, method in robot.calls
        if SIZES.index(method.card) <= SIZES.index(size) and (in_grammar(method) or not constrained)
    ]
    owners = (*robot.services, "scene")
    shown = [line.partition("(")[0] for line in card.splitlines() if line.partition(".")[0] in owners]
    assert [name for name in shown if not name.startswith("scene.")] == expected
    assert "scene.position(name)" in card
    assert "# Refuse: reason" in card


def test_each_size_shows_more(catalogue: Catalogue) -> None:
    small, medium, full = (api_card(catalogue, size) for size in SIZES)
    assert len(small) < 1100 < len(medium) < 6500 < len(full) < 14_000


def test_what_the_larger_cards_say_of_a_call(catalogue: Catalogue) -> None:
    medium, full = (api_card(catalogue, size).splitlines() for size in SIZES[1:])
    assert (
        "ALMotion.moveTo(x -3..3 m, y -3..3 m, theta -6.3..6.3 rad): Walk to a place relative to the robot: x ahead, "
        "y left, theta turn to the left; waits until there. Needs motors on, Standing."
    ) in medium
    assert "ALTracker.pointAt(effector, position [x, y, z] -5..5 m, frame 0..2, speed 0.01..1)" in "\n".join(medium)
    assert "ALMotion.getAngles(joint or [joints], useSensors True/False) -> list[float]" in "\n".join(medium)
    assert "part: Head, LArm, RArm" in full
    assert "part: Head, LArm, RArm" not in medium
    assert any(line.startswith("HeadPitch by how far HeadYaw is from 0: 0: -0.672..0.515") for line in full)
    assert any("LKneePitch -0.0923..2.1126" in line for line in full)
    assert not any("LKneePitch" in line for line in medium)
    assert any("rgb 0..16777215" in line for line in full)
    assert any("value 1..4 or 0" in line for line in full)


def test_a_constrained_model_is_not_shown_what_its_grammar_lacks(catalogue: Catalogue) -> None:
    assert "ALMotion.getAngles(" in api_card(catalogue, "medium")
    assert "ALMotion.getAngles(" not in api_card(catalogue, "medium", constrained=True)
    assert api_card(catalogue, "small", constrained=True) == api_card(catalogue)
