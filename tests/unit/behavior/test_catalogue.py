from __future__ import annotations

from importlib import resources

import pytest

from services.behavior.catalogue import Catalogue, CatalogueError, expand, load_catalogue, parse_catalogue, robots

FOLDER = resources.files("services.behavior").joinpath("catalogues")
NAO, EXAMPLES = (FOLDER.joinpath(name).read_text("utf-8") for name in ("nao.toml", "nao.examples.toml"))


@pytest.mark.parametrize("name", robots())
def test_every_robot_loads_once(name: str) -> None:
    assert load_catalogue(name) is load_catalogue(name)
    assert load_catalogue(name).name == name
    assert Catalogue.model_validate(load_catalogue(name).model_dump()) == load_catalogue(name)


@pytest.mark.parametrize("name", ["pepper", "", "../nao", "nao.examples"])
def test_an_unknown_robot_is_an_error_that_names_the_known(name: str) -> None:
    with pytest.raises(LookupError, match=r"known robots: .*nao"):
        load_catalogue(name)


def test_patterns_expand() -> None:
    assert expand("{Stand,Sit}/Hey_{1..3}") == [f"{posture}/Hey_{n}" for posture in ("Stand", "Sit") for n in (1, 2, 3)]
    assert expand("plain") == ["plain"]


@pytest.mark.parametrize(
    ("yaw", "limits"),
    [(0.0, (-0.672, 0.515)), (-0.62110, (-0.610, 0.396)), (1.527, (-0.33, 0.2)), (2.5, (-0.4491, 0.33))],
)
def test_head_pitch_narrows_as_the_head_turns(catalogue: Catalogue, yaw: float, limits: tuple[float, float]) -> None:
    assert catalogue.couplings[0].limits(yaw) == pytest.approx(limits, abs=1e-4)


def test_names_know_their_posture_family(catalogue: Catalogue) -> None:
    assert catalogue.enums["animation"].family("animations/Sit/Gestures/Hey_1") == "Sitting"
    assert catalogue.enums["leds"].family("FaceLeds") is None
    assert catalogue.family("SitRelax") == "Sitting"


def test_what_is_denied_has_a_reason(catalogue: Catalogue) -> None:
    assert "falls" in (catalogue.denial("ALMotion", "setFallManagerEnabled") or "")
    assert catalogue.denial("ALMotion", "_shutdown")
    assert catalogue.denial("_ALMotion", "moveTo")
    assert catalogue.denial("ALMotion", "moveTo") is None


# How files are broken: what is replaced, by what, and how the error begins.
X = '{ name = "x", type = "float", axis = "x", min = -3.0, max = 3.0, unit = "m" }'
BROKEN = [
    ('title = "NAO humanoid robot"', "title = NAO", "nao.toml is no TOML: Invalid value (at line 9, column 9)"),
    ('title = "NAO humanoid robot"', "", "nao.toml: title: Field required"),
    ('name = "nao"', 'name = "NAO 6"', "nao.toml: name: String should match pattern"),
    ("[chains]", 'colour = "red"\n[chains]', "nao.toml: joints.colour: Input should be a valid dictionary"),
    ('Head = ["HeadYaw", "HeadPitch"]', 'Head = ["HeadYaw", "Neck"]', "nao.toml: unknown joints: ['Neck']"),
    ('["HeadYaw", "HeadPitch", "{L', '["{L,R}Ear", "{L', "nao.toml: unknown joints: ['LEar', 'REar']"),
    ("min = -2.0857, max = 2.0857", "min = 2.0857, max = -2.0857", "nao.toml: joint HeadYaw: min 2.0857 is not below"),
    (
        "max_velocity = 8.268",
        "max_velocity = 0",
        "nao.toml: joints.HeadYaw.max_velocity: Input should be greater than 0",
    ),
    (
        "  [0.0000, -0.6720, 0.5150],",
        "",
        "nao.toml: couplings.0: the distances of points must rise from 0: [0.4861, 0.7",
    ),
    ("[1.5270, -0.3300, 0.2000]", "[1.5270, 0.3300, 0.2000]", "nao.toml: couplings.0: a point's min is not below its"),
    ("Hey_{1..7}", "Hey_{1..7", "nao.toml: enums.animation: 'animations/{Stand,Sit}/Gestures/Hey_{1..7': every {"),
    ("points = [", "points = [\n  [0.0, 1.0],", "nao.toml: couplings.0.points.0.2: Field required"),
    ('"ALMotion.killAll"', '"killAll"', "nao.toml: deny.killAll.[key]: String should match pattern"),
    ('"ALMotion.killAll"', '"ALMotion.moveTo"', "nao.toml: ALMotion.moveTo: both offered and denied"),
    ('"it lets the motors overheat"', '""', "nao.toml: deny.ALMotion.setSmartStiffnessEnabled: String should have at"),
    ('card = ["FaceLeds", ', 'card = ["NoseLeds", ', "nao.toml: enums.leds: card has names that are not among the val"),
    ('values = ["FaceLeds", ', """values = ['a"b', """, "nao.toml: enums.leds: quotes, backslashes and line ends"),
    ('"animations/Sit/" = ', '"animations/Fly/" = ', "nao.toml: enums.animation: families has beginnings of no value"),
    ('families.Crouch = "Crouching"', "", "nao.toml: postures: ['Crouch'] are of no family"),
    ('postures = "posture"', 'postures = "attitude"', "nao.toml: postures: unknown enum 'attitude'"),
    ('upright = ["Standing", ', 'upright = ["Flying", ', "nao.toml: upright: unknown posture families ['Flying']"),
    ('upright = ["Standing", "Crouching"]', "", "nao.toml: upright: the robot stands on joints, and no posture family"),
    ('wake = { service = "ALMotion", method = "wakeUp" }', "", "nao.toml: control: a method needs its motors, and"),
    ('method = "wakeUp"', 'method = "rest"', "nao.toml: control: wake is ALMotion.rest, which is no method that swit"),
    (
        "[base]\nx = 0.0953\n",
        "[based]\nx = 0.0953\n",
        "nao.toml: based: Extra inputs are not permitted",
    ),
    ("services.ALBattery", "services.scene", "nao.toml: scene: a service cannot have a name that means someth"),
    (X, X.replace("max = 3.0, ", ""), "nao.toml: ALMotion.moveTo: argument x: number 'x' needs min <= max"),
    (X, X.replace("-3.0", "'far'"), "nao.toml: ALMotion.moveTo: argument x: min: Input should be a valid number"),
    (X, X.replace('"m"', '"km"'), "nao.toml: ALMotion.moveTo: argument x: unit: Input should be"),
    (X, X.replace('"float"', '"double"'), "nao.toml: ALMotion.moveTo: argument x: Input tag 'double' found using"),
    (X, X.replace('name = "x", ', ""), "nao.toml: ALMotion.moveTo: argument 0: name: Field required"),
    (X, X.replace('"x", type', '"y", type'), "nao.toml: ALMotion.moveTo: two arguments with one name"),
    (X, X.replace(" }", ", step = 0.1 }"), "nao.toml: ALMotion.moveTo: argument x: step: Extra inputs are not perm"),
    ('values = "hand" }', 'values = "paw" }', "nao.toml: ALMotion.openHand: argument hand: unknown enum 'paw'"),
    ('joints = "names" }', 'joints = "speed" }', "nao.toml: ALMotion.setAngles: argument angles: refers to 'speed'"),
    ('effect = "power"', 'effect = "magic"', "nao.toml: ALMotion.wakeUp: effect: Input should be 'speech', "),
    ('family = "Standing" }', 'family = "Floating" }', "nao.toml: ALMotion.wakeUp: unknown posture family 'Floating'"),
    (
        'takes = { fraction = "speed" }',
        'takes = { argument = "speed" }',
        "nao.toml: ALMotion.setAngles: takes: argument r",
    ),
    ('name = "robotIsWakeUp"', 'name = "rest"', "nao.toml: ALMotion.rest: two forms take the same arguments"),
    (X, X.replace('name = "x"', 'name = "from"'), "nao.toml: ALMotion.moveTo: argument from: an argument cannot have"),
    ('name = "robotIsWakeUp"', 'name = "while"', "nao.toml: ALMotion.while: a method cannot have the name of a"),
    ('name = "robotIsWakeUp"', 'name = "is awake"', "nao.toml: ALMotion.is awake: name: String should match patte"),
    ('doc = "Say a sentence and', 'dock = "Say a sentence and', "nao.toml: ALTextToSpeech.say: doc: Field required"),
    ("pattern = '[A-Za-z][", "pattern = '([", "nao.toml: ALFaceDetection.subscribe: argument client: pattern:"),
]


@pytest.mark.parametrize(("old", "new", "begins"), BROKEN, ids=[begins[9:60] for _, _, begins in BROKEN])
def test_a_broken_catalogue_does_not_load_and_says_where(old: str, new: str, begins: str) -> None:
    assert old in NAO
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue("nao.toml", NAO.replace(old, new), EXAMPLES)
    assert str(caught.value).startswith(begins)


def test_every_fault_is_named_at_once() -> None:
    broken = NAO.replace('effect = "power"', 'effect = "magic"').replace("max_velocity = 8.268", "max_velocity = 0")
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue("nao.toml", broken, EXAMPLES)
    assert str(caught.value).count("effect: ") == 3
    assert str(caught.value).count("max_velocity: ") == 5


def test_broken_examples_are_an_error_too() -> None:
    with pytest.raises(CatalogueError, match=r"nao.toml: examples.0.program: Field required"):
        parse_catalogue("nao.toml", NAO, EXAMPLES.replace("program =", "code ="))
    with pytest.raises(CatalogueError, match=r"nao.examples.toml is no TOML: "):
        parse_catalogue("nao.toml", NAO, "examples")
