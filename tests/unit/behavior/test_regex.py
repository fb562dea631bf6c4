from __future__ import annotations

import random
import re
import warnings

import pytest
from gbnf_sampler import Grammar
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.grammar import build_gbnf
from services.behavior.narrowing import narrow
from services.behavior.regex import build_regex
from services.behavior.schema import Lacks, Scene, SceneItem

NAO = load_catalogue("nao")
SCENES = {
    "empty": Scene(),
    "hall": Scene(
        objects=[SceneItem(name="it's a {box}", position=[1, 1, 0])],
        people=[SceneItem(name="Zoë", position=[1.0, 0.5, 0.0], facing=1.0)],
    ),
    "sitting": Scene(posture="Sit", objects=[SceneItem(name="(a) sofa", position=[1, 1, 0])]),
    "lying": Scene(posture="LyingBack", battery=1),
    "pictured": Scene(posture="Crouch"),
}
GRAMMARS = {
    (robot, name): Grammar(build_gbnf(load_catalogue(robot), scene, pictured=name == "pictured"))
    for robot in robots()
    for name, scene in SCENES.items()
}
EXPRESSIONS = {robot: re.compile(build_regex(load_catalogue(robot))) for robot in robots()}
STEP = "# Step 1: greet the visitors | target: visitors\n"


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("scene", SCENES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_programs_of_the_grammar_match(robot: str, scene: str, seed: int) -> None:
    program = GRAMMARS[robot, scene].sample(random.Random(seed))
    assert EXPRESSIONS[robot].fullmatch(program), program


@pytest.mark.parametrize(
    "statements",
    [
        'ALTextToSpeech.say("Hello!")',
        'ALTextToSpeech.say("Grüß dich, 世界 🙂")',
        'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")\nALMotion.moveTo(0.3, -0.25, 0.0)',
        'x, y, z = scene.position("red ball")\nALMotion.moveTo(x - 0.25, y, scene.bearing("red ball"))',
        'for i in range(3):\n    ALLeds.off("FaceLeds")\n    ALMotion.closeHand("LHand")\n# Step 2: x\nALMotion.rest()',
        "if ALBattery.getBatteryCharge() < 20:\n    ALMotion.rest()\nelse:\n    ALMotion.wakeUp()",
        # Wider than the grammar: more steps, longer, out of range, and what blocks need is left to the checks.
        "\n".join(['ALTextToSpeech.say("' + "Hello " * 50 + '")'] * 20),
        "ALMotion.moveTo(9.0, 0.0, 0.0)",
        "    ALMotion.rest()\nelse:\n    ALMotion.rest()",
    ],
)
def test_programs_match(statements: str) -> None:
    assert EXPRESSIONS["nao"].fullmatch(STEP + statements)


@pytest.mark.parametrize(
    "statements",
    [
        "ALMotion.fly()",
        "ALSelfDestruct.start()",
        "ALMotion.killAll()",
        "ALTextToSpeech.say()",
        'ALTextToSpeech.say("Hello", "English", "loud")',
        "ALMotion.moveTo(0.3, 0.0)",
        "ALMotion.moveTo(0.3, 0.0, 0.0, 0.0)",
        "ALMotion.moveTo(1, 0.0, 0.0)",
        'ALMotion.moveTo("0.3", 0.0, 0.0)',
        "ALMotion.moveTo(1000.0, 0.0, 0.0)",
        "ALTextToSpeech.say(Hello)",
        "ALTextToSpeech.say(1.0)",
        'ALTextToSpeech.say("Hello"',
        'ALTextToSpeech.say("a\\")',
        'ALTextToSpeech.say("a\nb")',
        'ALTextToSpeech.say("...")',
        'ALAnimationPlayer.run("animations/Stand/Gestures/Fly_1")',
        'ALMotion.setAngles("LWing", 0.1, 0.2)',
        'ALMotion.setBreathEnabled("Body", 1)',
        'ALMotion.setBreathEnabled("Body", true)',
        "x = 1",
        "import os",
        "while True:\n    ALMotion.rest()",
        "for i in range(3):\nALMotion.rest()",
        "for i in range(1000):\n    ALMotion.rest()",
        "if True:\n    ALMotion.rest()",
        "ALMotion.rest()\n",
        "ALMotion.rest()\n# Step 2: end",
        "ALMotion.rest()\n# Step 5: too many\nALMotion.rest()",
        "ALMotion.rest(); ALMotion.rest()",
        "ALMotion.rest() and more",
    ],
)
def test_what_is_no_program_does_not_match(statements: str) -> None:
    assert not EXPRESSIONS["nao"].fullmatch(STEP + statements)


@pytest.mark.parametrize(
    "text", ["", "ALMotion.rest()", "Sure! Here is the program:\n" + STEP, "# Step 1: \nALMotion.rest()"]
)
def test_a_program_begins_with_its_plan_or_a_refusal(text: str) -> None:
    assert not EXPRESSIONS["nao"].fullmatch(text)


@pytest.mark.parametrize("robot", robots())
def test_rusts_engine_understands_it_alike(robot: str) -> None:
    """Text Generation Inference parses it in Python and follows it in Rust."""
    expression = LLMatcher.grammar_from_regex(build_regex(load_catalogue(robot)))
    bytes_of = LLTokenizer("byte")

    def matches(text: str) -> bool:
        matcher, tokens = LLMatcher(bytes_of, expression), bytes_of.tokenize_str(text)
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()

    chance = random.Random(1)
    for _ in range(20):
        program = GRAMMARS[robot, "hall"].sample(chance)
        assert matches(program), program
        at = chance.randrange(len(program))
        mangled = program[:at] + chance.choice(['"', ")", "\n", "e"]) + program[at:]
        assert matches(mangled) == bool(EXPRESSIONS[robot].fullmatch(mangled)), mangled


@pytest.mark.parametrize("robot", robots())
def test_it_keeps_to_the_notation_that_all_engines_share(robot: str) -> None:
    expression = build_regex(load_catalogue(robot))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns of what other engines read in another way
        re.purge()
        re.compile(expression)
    assert expression.isascii()
    assert not re.search(r"\(\?[^:]", expression), "no look-around, flags or names"
    assert set(re.findall(r"\\([A-Za-z0-9])", expression)) == {"n", "x"}, "no references, no classes by letter"


def test_what_a_robot_lacks_is_not_in_it() -> None:
    narrowed = narrow(NAO, Lacks(methods=["ALMotion.rest()"], names={"animation": ["animations/Stand/Gestures/Hey_1"]}))
    expression = re.compile(build_regex(narrowed))
    for gone in ("ALMotion.rest()", 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'):
        assert EXPRESSIONS["nao"].fullmatch(STEP + gone)
        assert not expression.fullmatch(STEP + gone)
    assert expression.fullmatch(STEP + "ALMotion.wakeUp()")


def test_it_is_no_larger_than_an_engine_can_compile() -> None:
    """What an engine compiles grows with it: each action is written once, for twice takes twice as long."""
    assert len(build_regex(NAO)) < 8000
    assert build_regex(NAO).count("playSine") == 1
