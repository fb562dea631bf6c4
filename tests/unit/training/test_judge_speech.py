"""What is said, and how: for each predicate a program that satisfies it, and a near miss that does not."""

from __future__ import annotations

import pytest

from tests.unit.training.cases import Case, check, say
from tests.unit.training.conftest import Judged

CASES = [
    Case({"says": {"any": ["hi", "good day"]}}, say("Well, HI!"), say("This is it")),
    Case({"says": {"any": ["sixty-four"]}}, say("It is sixty four."), say("It is sixty, and four")),
    Case({"says": {"any": ["你好"]}}, say("大家你好！"), say("你真好")),
    Case({"says": {"all": ["one", "two"]}}, say("One.", "Two."), say("One.", "Twofold.")),
    Case({"says": {"length": [4, 6]}}, say("One two", "three four"), say("One two three")),
    Case({"says": {"length": [4, 4]}}, say("你好 NAO 吗"), say("你好")),
    Case({"says": {}}, say("Oh"), 'ALTextToSpeech.setVolume(0.5)\nALLeds.on("FaceLeds")'),
    Case(
        {"voice": {"volume": [0.0, 0.4]}},
        f"ALTextToSpeech.setVolume(0.3)\n{say('Hush')}",
        "ALTextToSpeech.setVolume(0.5)",
    ),
    Case(
        {"voice": {"speed": [110, None]}},
        'ALTextToSpeech.setParameter("speed", 130.0)',
        f'ALTextToSpeech.setParameter("pitchShift", 1.2)\n{say("Quick!")}',
    ),
    Case(
        {"voice": {"pitch": [1.05, None]}},
        'ALTextToSpeech.setParameter("pitchShift", 1.2)',
        'ALTextToSpeech.setParameter("speed", 130.0)',
    ),
    Case(
        {"voice": {"language": "French"}},
        'ALTextToSpeech.say("Bonjour", "French")',
        'ALTextToSpeech.setLanguage("French")\nALTextToSpeech.say("Bonjour", "German")',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_holds_where_it_should_and_nowhere_else(case: Case, judged: Judged) -> None:
    check(case, judged)
