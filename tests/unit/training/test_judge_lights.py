"""Lights: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say
from tests.unit.training.conftest import Judged

CASES = [
    Case(
        {"lights": {"group": "eyes", "colour": "green"}},
        'ALLeds.fadeRGB("FaceLeds", 0x20F040, 0.5)',
        'ALLeds.fadeRGB("EarLeds", "green", 0.5)',
    ),
    Case(
        {"lights": {"group": "eyes", "colour": "green"}},
        'ALLeds.fadeRGB("AllLeds", "green", 0.5)\nALLeds.off("AllLeds")',
        'ALLeds.fadeRGB("FaceLeds", "yellow", 0.5)',
    ),
    # On the way from red to blue there is purple, but it is no colour that was asked for.
    Case(
        {"lights": {"group": "chest", "colour": "purple"}},
        'ALLeds.fadeRGB("ChestLeds", 0x8000FF, 1.0)',
        'ALLeds.fadeRGB("ChestLeds", "red", 0.1)\nALLeds.fadeRGB("ChestLeds", "blue", 1.0)',
    ),
    Case(
        {"lights": {"group": "chest", "colour": "orange"}},
        'ALLeds.fadeRGB("ChestLeds", 0xFFA500, 1.0)',
        'ALLeds.fadeRGB("ChestLeds", "yellow", 1.0)',
    ),
    Case(
        {"lights": {"group": "chest", "colour": "pink"}},
        'ALLeds.fadeRGB("ChestLeds", 0xFFC0CB, 1.0)',
        'ALLeds.fadeRGB("ChestLeds", "red", 1.0)',
    ),
    Case(
        {"lights": {"group": "ears", "colour": "white"}},
        'ALLeds.fadeRGB("EarLeds", "white", 1.0)',
        say("They are white already"),
    ),
    Case(
        {"lights": {"group": "feet", "colour": "off"}}, 'ALLeds.off("FeetLeds")', 'ALLeds.setIntensity("FeetLeds", 0.5)'
    ),
    Case({"lights": {"group": "brain", "colour": "on"}}, 'ALLeds.on("BrainLeds")', 'ALLeds.off("BrainLeds")'),
    Case(
        {"lights": {"group": "any", "colour": "any"}}, 'ALLeds.setIntensity("FeetLeds", 0.5)', 'ALLeds.on("FeetLeds")'
    ),
    Case(
        {"lights": {"group": "eyes", "colour": "yellow"}}, "ALLeds.rasta(2.0)", "ALLeds.rotateEyes(0xFF0000, 1.0, 2.0)"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
