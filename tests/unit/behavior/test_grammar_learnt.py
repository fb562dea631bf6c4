"""The grammar for fine-tuned models: as wide as what they have learnt, and no wider than the checks where it can be."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from checked import judge
from gbnf_sampler import Grammar
from hypothesis import given, settings
from hypothesis import strategies as st
from learnt_grammar import grammar

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.gbnf import decimal
from services.behavior.schema import Scene, SceneItem

SAMPLE = Path(__file__).resolve().parents[3] / "services/training/data/sample.jsonl"
EMPTY = Scene()
HALL = Scene(
    objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0], facing=1.0)],
    people=[SceneItem(name="Zoë", position=[1.0, 0.5, 0.0])],
)
SCENES = {
    "empty": EMPTY,
    "sitting": Scene(posture="Sit"),
    "lying": Scene(posture="LyingBack", battery=50),
    "exhausted": Scene(battery=5),
    "hall": HALL,
}
# What no grammar can count or reckon: where walks end, how long and how much all of it is, which of a list of joints an
# angle is for or stands in it twice, and how far the head may nod when it is turned so far.
LEFT = {
    "program.obstacle", "program.space", "program.range", "program.limit", "program.joint", "program.coupling",
    "program.calls", "program.seconds", "program.metres", "program.length",
}  # fmt: skip


def test_what_a_model_is_trained_on_it_may_write() -> None:
    pairs = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()]
    assert pairs
    refused = [
        pair["program"]
        for pair in pairs
        if not grammar("nao", Scene.model_validate(pair["scene"])).matches(pair["program"].strip())
    ]
    assert refused == []


@pytest.mark.parametrize("robot", robots())
def test_a_fine_tuned_model_may_write_what_others_are_shown(robot: str) -> None:
    for example in load_catalogue(robot).examples:
        assert grammar(robot, example.scene).matches(example.program.strip()), example.program


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("scene", SCENES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_only_what_takes_reckoning_is_left_to_the_checks(robot: str, scene: str, seed: int) -> None:
    found = grammar(robot, SCENES[scene])
    chance = random.Random(seed)
    while (text := found.sample(chance)).startswith("# Refuse"):
        pass
    assert judge(robot, SCENES[scene], text) in {"", *LEFT}, text


STEP = "# Step 1: do it\n"
SIT, STAND = (f'ALRobotPosture.goToPosture("{posture}", 0.5)' for posture in ("Sit", "Stand"))
WALK = "ALMotion.moveTo(0.2, 0.0, 0.0)"
TURN = "ALMotion.moveTo(0.0, 0.0, {})"
JOINTS = "ALMotion.angleInterpolationWithSpeed({}, 0.2)"
CHARGE = 'ALTextToSpeech.say("I have " + str(ALBattery.getBatteryCharge()) + " percent left.")'


@pytest.mark.parametrize(
    ("scene", "text", "offered"),
    [
        (EMPTY, "ALMotion.moveTo(2 * 0.305, 0.0, 0.0)", True),
        (EMPTY, "ALMotion.moveTo(60 * 0.08, 0.0, 0.0)", False),  # 4.8 m
        (EMPTY, "ALMotion.moveTo(-30 / 100, 0.0, 0.0)", True),
        (EMPTY, "ALMotion.moveTo(440 / 100, 0.0, 0.0)", False),
        (EMPTY, "ALMotion.moveTo(0.7071 * 40 / 100, -0.7071 * 4 * 0.0254, 0.0)", True),
        (EMPTY, TURN.format("90 * 3.1416 / 180"), True),
        (EMPTY, TURN.format("27.45"), False),
        (EMPTY, TURN.format("720 * 3.1416 / 180"), False),
        (EMPTY, "ALTextToSpeech.setVolume(30 / 100)", True),
        (EMPTY, "ALTextToSpeech.setVolume(440 / 100)", False),
        (EMPTY, JOINTS.format('"RShoulderPitch", (90 - 40) * 3.1416 / 180'), True),
        (EMPTY, JOINTS.format('"HeadY", 0.5'), False),
        (EMPTY, JOINTS.format('"RHand", 1.2'), False),
        (EMPTY, JOINTS.format('"Head", [0.5, 0.2]'), True),
        (EMPTY, JOINTS.format('"Head", [0.5]'), False),
        (EMPTY, JOINTS.format('["LElbowRoll", "RElbowRoll"], [-1.3, 1.3]'), True),
        (EMPTY, JOINTS.format('["LElbowRoll", "RElbowRoll"], [1.4, 0.2]'), False),
        (EMPTY, JOINTS.format('["LElbowRoll", "RElbowRoll", "HeadYaw"], [-1.3, 1.3]'), False),
        (EMPTY, JOINTS.format('"LHipPitch", 0.2'), False),  # the robot stands on it
        (EMPTY, 'for yaw in [0.5, -0.5, 0.0]:\n    ALMotion.angleInterpolationWithSpeed("HeadYaw", yaw, 0.3)', True),
        (EMPTY, 'for colour in ["red", "blue"]:\n    ALLeds.fadeRGB("FaceLeds", colour, 1.0)', True),
        (EMPTY, 'for colour in ["red", "pink"]:\n    ALLeds.fadeRGB("FaceLeds", colour, 1.0)', False),
        (EMPTY, "for note in [262, 294]:\n    ALAudioPlayer.playSine(note, 50, 0, 0.5)", True),
        (EMPTY, CHARGE, True),
        (EMPTY, f"if min(ALSonar.getFilteredValues()) < 0.5:\n    {CHARGE}\nelse:\n    time.sleep(3.0)", True),
        (EMPTY, 'ALSonar.subscribe("Sonar")', True),
        (EMPTY, 'ALLeds.fadeRGB("AllLeds", 0xFF69B4, 1.0)', True),
        (EMPTY, 'ALAnimationPlayer.run("animations/Stand/Gestures/Shrug_1")', False),
        (EMPTY, f"{WALK}\n{SIT}\n# Step 2: get up\n{STAND}\n{WALK}", True),
        (EMPTY, f"{WALK}\n{SIT}\n# Step 2: go\n{WALK}", False),
        (EMPTY, f'if ALRobotPosture.getPostureFamily() == "Sitting":\n    {STAND}\n{WALK}', True),
        (EMPTY, f"if ALBattery.getBatteryCharge() < 20:\n    {SIT}\n{WALK}", False),
        (EMPTY, f"for i in range(3):\n    {SIT}\n    {STAND}\n{WALK}", True),
        (EMPTY, f"for i in range(3):\n    {STAND}\n    {SIT}\n{WALK}", False),
        (Scene(battery=5), WALK, False),
        (EMPTY, TURN.format('scene.bearing("red ball")'), False),
        (HALL, TURN.format('scene.bearing("red ball")'), True),
        (HALL, TURN.format('scene.bearing("ball")'), False),
        (HALL, 'ALMotion.moveTo(scene.distance("red ball") / 2, 0.0, 0.0)', True),
        (HALL, 'ALTextToSpeech.say("It is " + str(round(scene.distance("Zoë"), 1)) + " metres away.")', True),
        (HALL, 'way = scene.distance("Zoë") - 0.8\nALMotion.moveTo(way, 0.0, 0.0)\n# Step 2: back\n'
               "ALMotion.moveTo(-way, 0.0, 0.0)", True),
        (HALL, 'way = scene.distance("Zoë") - 0.8\nALMotion.moveTo(way, 0.0, 0.0)\n# Step 2: tell\n'
               'ALTextToSpeech.say("Hello!")\n# Step 3: back\nALMotion.moveTo(-way, 0.0, 0.0)', True),
        (HALL, 'way = scene.distance("Zoë") - 0.8\nALMotion.moveTo(way, 0.0, 0.0)\n# Step 2: go on\n'
               'ALMotion.moveTo(0.2, 0.0, 0.0)\n# Step 3: back\nALMotion.moveTo(-way, 0.0, 0.0)', False),
        (HALL, 'x, y, z = scene.position("red ball")\nu, v, w = scene.position("Zoë")\n'
               "ALMotion.moveTo((x + u) / 2, (y + v) / 2, 0.0)", True),
        (HALL, f'x, y, z = scene.position("red ball")\n{WALK}\nALMotion.moveTo(x, y, 0.0)', False),
        (EMPTY, "\n".join([WALK] * 20), True),
        (EMPTY, "\n".join([WALK] * 21), False),
        (EMPTY, f'ALTextToSpeech.say("{161 * "a"}")', False),
        (EMPTY, f'ALTextToSpeech.say("{61 * "床"}")', False),
    ],
)  # fmt: skip
def test_the_forms_of_the_grammar(scene: Scene, text: str, offered: bool) -> None:
    assert grammar("nao", scene).matches(STEP + text) == offered


@pytest.mark.parametrize(
    ("scene", "target", "offered"),
    [(HALL, "red ball", True), (HALL, "visitors", True), (HALL, "sofa", False), (EMPTY, "red ball", False)],
)
def test_a_step_is_about_what_is_there(scene: Scene, target: str, offered: bool) -> None:
    text = f'# Step 1: look | target: {target} | avoid: falling\nALTextToSpeech.say("I see.")'
    assert grammar("nao", scene).matches(text) == offered


def test_another_robot_has_the_forms_of_its_own_catalogue() -> None:
    text = '# Step 1: look\nfor room in ["kitchen", "lobby"]:\n    robot.go_to(room)\n    robot.say("Hello")'
    assert grammar("porter", EMPTY).matches(text)
    assert not grammar("porter", EMPTY).matches(text.replace("lobby", "cellar"))


@pytest.mark.parametrize("limits", [(0, 3), (0.0349, 1.5446), (0.01, 1), (50, 400), (0, 0.0333)])
@pytest.mark.parametrize("places", [1, 2, 4])
def test_decimals_are_exactly_those_in_range(limits: tuple[float, float], places: int) -> None:
    low, high = limits
    if places == 1 and high < 0.1:
        high = 0.1
    found = Grammar(f"root ::= {decimal(low, high, places)}\n")
    for written in range(1, places + 1):
        for value in range(0, int((high + 1) * 10**written), max(1, 10**written // 70)):
            text = f"{value / 10**written:.{written}f}"
            assert found.matches(text) == (low <= value / 10**written <= high), text
