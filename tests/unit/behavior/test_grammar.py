from __future__ import annotations

import random

import pytest
from checked import judge
from gbnf_sampler import Grammar
from hypothesis import given, settings
from hypothesis import strategies as st

from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.gbnf import choice, number
from services.behavior.grammar import build_gbnf, in_grammar
from services.behavior.schema import Scene, SceneItem

EMPTY = Scene()
BALL = SceneItem(name="red ball", position=[0.6, 0.1, 0.0], facing=1.0)
HALL = Scene(
    objects=[BALL, SceneItem(name="it's a {box}", position=[1, 1, 0]), SceneItem(name="椅子", position=[-1, 1, 0])],
    people=[SceneItem(name="Zoë", position=[1.0, 0.5, 0.0])],
)
# Where nothing is in the way, every program passes.
OPEN = {
    "empty": EMPTY,
    "sitting": Scene(posture="Sit"),
    "lying": Scene(posture="LyingBack", battery=50),
    "exhausted": Scene(battery=5),
}
# Where something is, whether a walk is clear depends on its numbers, which no grammar can tell.
CROWDED = {
    "hall": HALL,
    "narrow": HALL.model_copy(update={"free_space": 0.5}),
    "marks": Scene(objects=[item.model_copy(update={"passable": True}) for item in [*HALL.objects, *HALL.people]]),
}
GRAMMARS = {
    (robot, name): Grammar(build_gbnf(load_catalogue(robot), scene))
    for robot in robots()
    for name, scene in {**OPEN, **CROWDED}.items()
}
WAYS = {"program.obstacle", "program.space", "program.range"}


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("scene", OPEN)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_programs_of_the_grammar_pass_the_checks(robot: str, scene: str, seed: int) -> None:
    text = GRAMMARS[robot, scene].sample(random.Random(seed))
    assert judge(robot, OPEN[scene], text) == "", text


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("scene", CROWDED)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_only_where_a_walk_ends_is_left_to_the_checks(robot: str, scene: str, seed: int) -> None:
    text = GRAMMARS[robot, scene].sample(random.Random(seed))
    assert judge(robot, CROWDED[scene], text) in {"", *WAYS}, text


def writes(robot: str, scene: Scene, text: str, *, pictured: bool = False) -> bool:
    """Whether the grammar of a robot lets an engine write this program."""
    return Grammar(build_gbnf(load_catalogue(robot), scene, pictured=pictured)).matches(text)


SAY = f'ALTextToSpeech.say("{160 * "a"}")'
SHOW = "ALLeds.randomEyes(30.0)"
LONGEST = [
    f"{SAY}\nfor i in range(6):\n    {SAY}\n    {SHOW}",
    f"for i in range(10):\n    {SAY}\n{SHOW}",
    "for i in range(10):\n    time.sleep(30.00)\ntime.sleep(30.00)",
    "ALMotion.moveTo(3.0, 2.0, 0.0)\nALMotion.moveTo(3.0, 2.0, 0.0)",
    "for i in range(6):\n    ALMotion.moveTo(0.5, 0.3, 0.0)\n    ALMotion.moveTo(0.5, 0.3, 0.0)\n" + SAY,
    f'ALRobotPosture.goToPosture("Stand", 0.34)\nfor i in range(4):\n    {SAY}\n    {SAY}\n    {SAY}',
    'for i in range(4):\n    ALRobotPosture.goToPosture("Sit", 0.34)\n    ALRobotPosture.goToPosture("Stand", 0.34)',
    'ALTracker.lookAt([1.0, 0.0, 0.0], 2, 0.04, False)\nALMotion.angleInterpolationWithSpeed("RElbowYaw", 2.08, 0.01)',
]


@pytest.mark.parametrize("body", LONGEST, ids=[body[:40] for body in LONGEST])
def test_the_longest_programs_of_the_grammar_are_within_the_budgets(body: str) -> None:
    text = "\n".join(f"# Step {step}: go on\n{body}" for step in range(1, 5))
    assert writes("nao", EMPTY, text)
    assert judge("nao", EMPTY, text) == ""
    assert not writes("nao", EMPTY, f"{text}\n{SAY}\n{SAY}\n{SAY}")


STEP = "# Step 1: do it\n"
SIT = 'ALRobotPosture.goToPosture("Sit", 0.5)\n'
HEY, SIT_HEY = (f'ALAnimationPlayer.run("animations/{posture}/Gestures/Hey_1")' for posture in ("Stand", "Sit"))
WALK = "ALMotion.moveTo(0.2, 0.0, 0.0)"
NOD = 'ALMotion.setAngles("HeadPitch", 0.2, 0.2)'
PLACE = 'x, y, z = scene.position("red ball")\n'


@pytest.mark.parametrize(
    ("scene", "text", "offered"),
    [
        (EMPTY, f"{STEP}{HEY}\n{WALK}", True),
        (EMPTY, f"{STEP}{SIT_HEY}", False),
        (EMPTY, f"{STEP}{SIT}{SIT_HEY}", True),
        (EMPTY, f"{STEP}{SIT}{WALK}", False),
        (EMPTY, f"{STEP}{SIT}# Step 2: go\n{WALK}", False),
        (EMPTY, f"{STEP}{SIT}# Step 2: go\nALMotion.wakeUp()\n{WALK}", True),
        (EMPTY, f"{STEP}ALMotion.rest()\n{NOD}", False),
        (EMPTY, f'{STEP}ALMotion.rest()\nALTextToSpeech.say("Good night")', True),
        (EMPTY, f"{STEP}if ALBattery.getBatteryCharge() < 20:\n    ALMotion.rest()\n# Step 2: nod\n{NOD}", False),
        (EMPTY, f"{STEP}if ALBattery.getBatteryCharge() < 20:\n    {SIT}# Step 2: nod\n{NOD}", True),
        (Scene(posture="Sit"), f"{STEP}{WALK}", False),
        (Scene(posture="Sit"), f"{STEP}{SIT_HEY}", True),
        (Scene(battery=5), f"{STEP}{WALK}", False),
        (Scene(battery=5), f"{STEP}{NOD}", True),
        (EMPTY, f"{STEP}ALMotion.move(0.1, 0.0, 0.0)", False),
        (EMPTY, f"{STEP}ALTracker.lookAt([1.0, 0.0, 0.0], 2, 0.3, False)", True),
        (EMPTY, f"{STEP}ALTracker.lookAt([1.0, 0.0, 0.0], 2, 0.3, True)", False),
        (EMPTY, f'{STEP}ALTracker.setMode("WholeBody")', False),
        (EMPTY, f'{STEP}ALMotion.setAngles("HeadPitch", 0.5, 0.2)', False),  # not beside every HeadYaw
        (HALL, f"{STEP}{PLACE}ALMotion.moveTo(x - 0.3, y, 0.0)", True),
        (HALL, f"{STEP}{PLACE}{WALK}\nALMotion.moveTo(x - 0.3, y, 0.0)", False),  # x is from before the walk
        (HALL, f'{STEP}ALMotion.moveTo(0.0, 0.0, scene.bearing("椅子"))', True),
        (HALL, f'{STEP}ALMotion.moveTo(0.0, 0.0, scene.facing("red ball"))', True),
        (HALL, f'{STEP}ALMotion.moveTo(0.0, 0.0, scene.facing("椅子"))', False),  # faces nobody knows where
        (HALL, f"# Step 1: go | target: red ball | avoid: falling\n{WALK}", True),
        (HALL, f"# Step 1: go | target: visitors\n{WALK}", True),
        (HALL, f"# Step 1: go | target: sofa\n{WALK}", False),
        (HALL, '# Step 1: go | target: sofa\nALTextToSpeech.say("I see no sofa.")', True),
        (EMPTY, '# Step 1: 打招呼 | target: 大家 | prefer: 友好\nALTextToSpeech.say("大家好！", "Chinese")', True),
    ],
)
def test_the_grammar_follows_how_the_robot_stands_and_what_is_there(scene: Scene, text: str, offered: bool) -> None:
    text = text.replace("\n\n", "\n").removesuffix("\n")
    assert writes("nao", scene, text) == offered
    assert not offered or judge("nao", scene, text) == ""


def test_with_a_picture_a_target_may_be_anything() -> None:
    text = f"# Step 1: go | target: sofa\n{WALK}"
    assert writes("nao", EMPTY, text, pictured=True)
    assert not writes("nao", EMPTY, text)


@pytest.mark.parametrize("robot", robots())
def test_the_model_may_write_what_it_is_shown(robot: str) -> None:
    for example in load_catalogue(robot).examples:
        assert writes(robot, example.scene, example.program.strip()), example.program


def test_every_method_is_offered_but_for_what_a_grammar_cannot_bound_and_answers_to_keep(catalogue: Catalogue) -> None:
    rules = build_gbnf(catalogue).splitlines()
    left_out = set()
    for service, method in catalogue.calls:
        name = f"{service}.{method.name}"
        acts = any(rule.startswith(f"{service}-") and f'"{method.name}(' in rule for rule in rules)
        tells = any(rule.startswith("condition ::= ") and f'"{name}(' in rule for rule in rules)
        assert in_grammar(method) == (acts or tells), name
        if not in_grammar(method):
            left_out.add(name)
    assert left_out == {
        "ALTextToSpeech.getAvailableLanguages",
        "ALMotion.setStiffnesses",
        "ALMotion.move",
        "ALMotion.moveToward",
        "ALMotion.getAngles",
        "ALMotion.getLimits",
        "ALBehaviorManager.startBehavior",
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
    one = Scene(objects=HALL.objects[1:])
    differing = set(build_gbnf(catalogue, one).splitlines()) ^ set(build_gbnf(catalogue, other).splitlines())
    assert sorted(line.partition(" ::= ")[0] for line in differing) == ["name", "name", "target", "target"]


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
