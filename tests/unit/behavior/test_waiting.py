"""Waiting: the call that programs for every robot have, in everything that is made from a catalogue."""

from __future__ import annotations

import re

import pytest
from gbnf_sampler import Grammar

from services.behavior.api_card import api_card
from services.behavior.catalogue import CatalogueError, load_catalogue, parse_catalogue, robots
from services.behavior.check import CallChecker, CheckError
from services.behavior.grammar import build_gbnf
from services.behavior.narrowing import Found, compare
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.regex import build_regex
from services.behavior.scene import SceneView
from services.behavior.schema import Scene
from services.behavior.stubs import stubs

STEP = "# Step 1: wait\n"
STROLL = "ALMotion.move(0.1, 0.0, 0.0)\n"


def find(text: str, robot: str = "nao", scene: Scene | None = None) -> ProgramError | None:
    """What is found in a program, or None when it is good."""
    reader = ProgramReader(load_catalogue(robot), scene or Scene())
    try:
        reader.feed(text)
        reader.close()
    except ProgramError as error:
        return error
    return None


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize(
    "text", ["time.sleep(3.0)", "time.sleep(30)", "for i in range(3):\n    time.sleep(0.5 * i + 1)"]
)
def test_programs_of_every_robot_may_wait(robot: str, text: str) -> None:
    assert find(text, robot) is None


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("time.sleep(0)", "range", "between 0.01 and 30 s"),
        ("time.sleep(-1.0)", "range", "between 0.01 and 30 s"),
        ("time.sleep(31.0)", "range", "between 0.01 and 30 s"),
        ("time.sleep(3000)", "milliseconds", "write seconds: 3.00"),
        ("time.sleep('3')", "type", "give a number"),
        ("time.sleep()", "arity", "write time.sleep(seconds)"),
        ("time.time()", "method", "'sleep'"),
        ("sleep(3.0)", "name", "did you mean time.sleep?"),
        ("import time", "subset", "to wait, write time.sleep(3.0)"),
        ("from time import sleep", "subset", "to wait, write time.sleep(3.0)"),
        ("time = 3.0", "name", "choose another name"),
        ("# Refuse: no\ntime.sleep(1.0)", "refusal", "may only speak"),
    ],
)
def test_what_is_wrong_with_a_wait_is_said(robot: str, text: str, code: str, words: str) -> None:
    error = find(text, robot)
    assert error is not None
    assert error.code == f"program.{code}"
    assert words in (error.suggestion or "")


def test_waits_count_against_the_seconds() -> None:
    loop = "for i in range(20):\n    for j in range(%d):\n        time.sleep(30.0)"
    assert find(loop % 3) is None
    error = find(loop % 4)
    assert error is not None
    assert (error.code, error.line) == ("program.seconds", 3)
    assert "comes to 1830 seconds" in error.message


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (STROLL + "time.sleep(3.0)\nALMotion.stopMove()\nALMotion.moveTo(0.2, 0.0, 0.0)", None, 0),
        (STROLL + "time.sleep(9.0)\nALMotion.stopMove()", "space", 2),
        (STROLL + "time.sleep(3.0)\nALMotion.stopMove()\nALMotion.moveTo(0.7, 0.0, 0.0)", "space", 4),
        ("ALMotion.rest()\ntime.sleep(3.0)", None, 0),
        ('ALMotion.rest()\ntime.sleep(3.0)\nALMotion.openHand("LHand")', "motors", 3),
        (STROLL + "ALMotion.stopMove()\ntime.sleep(30.0)", None, 0),
    ],
)
def test_a_walk_goes_on_while_the_program_waits(text: str, code: str | None, line: int) -> None:
    error = find(text, scene=Scene(free_space=1.0))
    found = (None, 0) if error is None else (error.code.removeprefix("program."), error.line)
    assert found == (code, line)


def test_an_animation_beside_the_rest_ends_while_the_program_waits() -> None:
    play = 'ALBehaviorManager.startBehavior("animations/Stand/Gestures/Hey_1")\ntime.sleep(%.1f)\nALMotion.rest()'
    assert find(play % 8.0) is None
    error = find(play % 2.0)
    assert error is not None
    assert (error.code, error.line) == ("program.conflict", 3)


def test_a_wait_is_checked_when_it_runs_with_the_seconds_that_it_has() -> None:
    checker = CallChecker(load_catalogue("nao"), SceneView(Scene(free_space=1.0)))
    assert checker.check("time", "sleep", [2], 1, 0.0)[1] == [2.0]
    checker.check("ALMotion", "move", [0.1, 0.0, 0.0], 2, 2.0)
    with pytest.raises(CheckError) as caught:
        checker.check("time", "sleep", [9.0], 3, 2.0)
    assert caught.value.code == "call.space"


@pytest.mark.parametrize("robot", robots())
def test_grammars_offer_it_within_its_range(robot: str) -> None:
    catalogue = load_catalogue(robot)
    grammar, expression = Grammar(build_gbnf(catalogue)), re.compile(build_regex(catalogue))
    for text in ("time.sleep(3.0)", "time.sleep(30.00)", "for i in range(10):\n    time.sleep(0.01)"):
        assert grammar.matches(STEP + text)
        assert expression.fullmatch(STEP + text)
        assert find(STEP + text, robot) is None
    for text in ("time.sleep(0.0)", "time.sleep(30.01)", "time.sleep(-1.0)", "time.time()", "import time"):
        assert not grammar.matches(STEP + text)
    assert not expression.fullmatch(STEP + "time.sleep()")


@pytest.mark.parametrize("robot", robots())
def test_prompt_and_stubs_tell_of_it(robot: str) -> None:
    catalogue = load_catalogue(robot)
    assert "time.sleep(seconds 0.01..30 s): Wait; what is under way goes on." in api_card(catalogue, "medium")
    assert "def sleep(self, seconds: float, /) -> None:" in stubs(catalogue)
    assert stubs(catalogue).count("\ntime: _time\n") == 1


def test_no_robot_lacks_it() -> None:
    assert not [method for method in compare(load_catalogue("porter"), Found({})).methods if "time" in method]


def test_a_robot_cannot_have_a_service_of_that_name() -> None:
    text = 'name = "x"\ntitle = "X"\ndoc = "X."\ndeny = {}\n[control]\nstop = [{ service = "a", method = "b" }]\n'
    text += '[budget]\ncalls = 1\nseconds = 1.0\n[services.time]\ndoc = "Clock."\nmethods = []\n'
    with pytest.raises(CatalogueError, match="a service cannot be called time"):
        parse_catalogue("x.toml", text, "examples = []")
