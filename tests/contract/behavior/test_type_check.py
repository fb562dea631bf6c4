"""The stubs in the type checker that the sandbox has: programs that are right pass, others do not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from gbnf_sampler import Grammar
from pydantic_monty import Monty, MontyTypingError

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.grammar import build_gbnf
from services.behavior.schema import Scene, SceneItem
from services.behavior.stubs import stubs

HALL = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])
Typed = Callable[[str, str], str]


@pytest.fixture(scope="module")
def typed() -> Iterator[Typed]:
    """What the type checker says of a program for a robot; nothing if all is well."""
    with Monty() as pool:

        def check(robot: str, program: str) -> str:
            text = stubs(load_catalogue(robot))
            with pool.checkout(type_check=True, type_check_stubs=text, type_check_format="concise") as session:
                try:
                    session.feed_start(program)
                except MontyTypingError as error:
                    return str(error.display())
                return ""

        yield check


@pytest.mark.parametrize("robot", robots())
def test_examples_and_programs_of_the_grammar_are_typed_right(typed: Typed, robot: str) -> None:
    catalogue = load_catalogue(robot)
    for example in catalogue.examples:
        assert typed(robot, example.program) == ""
    grammar, chance = Grammar(build_gbnf(catalogue, HALL)), random.Random(4)
    for _ in range(40):
        program = grammar.sample(chance)
        assert typed(robot, program) == "", program


@pytest.mark.parametrize(
    "program",
    [
        'x, y, z = scene.position("red ball")\nALMotion.moveTo(x - 0.25, y, 0)',
        'colours = ["red", "green"]\nfor i in range(2):\n    ALLeds.fadeRGB("FaceLeds", colours[i], 0.5)',
        'for hand in ["LHand", "RHand"]:\n    ALMotion.openHand(hand)',
        'angles = [0, 0]\nALMotion.setAngles(["HeadYaw", "HeadPitch"], angles, 0.2)',
        'ALMotion.angleInterpolation(["HeadYaw", "HeadPitch"], [[0.1, 0], [0.2]], [[1, 2], [1]], True)',
        'ALMotion.angleInterpolation("HeadYaw", 0.5, 1.0, True)',
        'for name, angle in [("HeadYaw", 0.1), ("HeadPitch", 0.2)]:\n    ALMotion.setAngles(name, angle, 0.2)',
        'ALTracker.lookAt(scene.position("red ball"), 2, 0.3, False)',
        'x, y, z = scene.position("red ball")\nALTracker.pointAt("LArm", [x, y, z + 0.1], 2, 0.3)',
        'ALSpeechRecognition.setVocabulary(["yes", "no"], False)',
        'if ALMemory.getData("FrontTactilTouched") > 0:\n    ALTextToSpeech.say("Ouch")',
        'charge = ALBattery.getBatteryCharge()\nALTextToSpeech.say("I have " + str(charge) + " %")',
        'yaw = ALMotion.getAngles("HeadYaw", True)[0]\nALMotion.setAngles("HeadYaw", min(yaw + 0.2, 2.0), 0.1)',
        "side = 1.0\nfor i in range(3):\n    ALMotion.moveTo(0.1, 0.1 * side, 0.0)\n    side = -side",
        'if ALRobotPosture.goToPosture("Sit", 0.5):\n    ALTextToSpeech.say(f"{ALRobotPosture.getPosture()}")',
        "ALRobotPosture.goToPosture(ALRobotPosture.getPosture(), 0.5)",
    ],
)
def test_what_a_program_may_do_is_typed_right(typed: Typed, program: str) -> None:
    assert typed("nao", program) == ""


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('ALMotion.moveTo("far", 0.0, 0.0)', "Expected `float`"),
        ("ALMotion.moveTo(0.3, 0.0)", "missing-argument"),
        ("ALMotion.moveTo(0.3, 0.0, 0.0, 0.0)", "too-many-positional-arguments"),
        ("ALMotion.moveTo(x=0.3, y=0.0, theta=0.0)", "positional-only"),
        ("ALMotion.moveTo(ALRobotPosture.getPosture(), 0.0, 0.0)", "Expected `float`"),
        ("ALMotion.fly()", "no attribute `fly`"),
        ("ALWings.flap()", "`ALWings` used when not defined"),
        ("ALMotion.killAll()", "no attribute `killAll`"),
        ('ALLeds.fadeRGB("FaceLeds", 0.5, 1.0)', "no-matching-overload"),
        ('ALMotion.setAngles("HeadYaw", "left", 0.2)', "Expected `float | Sequence[float]`"),
        ("ALTracker.lookAt(0.5, 2, 0.3, False)", "Expected `Sequence[float]`"),
        ('yaw = ALMotion.getAngles("HeadYaw", True)\nALMotion.moveTo(yaw, 0.0, 0.0)', "found `list[float]`"),
        ('ALTextToSpeech.say(scene.distance("red ball"))', "Expected `str`"),
        ('scene.size("red ball")', "no attribute `size`"),
    ],
)
def test_what_cannot_be_right_is_not(typed: Typed, program: str, words: str) -> None:
    assert words in typed("nao", program)
