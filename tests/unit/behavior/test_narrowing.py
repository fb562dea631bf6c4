from __future__ import annotations

import pytest

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.check import CheckError, check_call
from services.behavior.grammar import build_gbnf
from services.behavior.narrowing import Found, compare, narrow
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.prompt import build_messages
from services.behavior.schema import BehaviorRequest, JointLimits, Lacks, Scene

NAO = load_catalogue("nao")


def everything(catalogue: Catalogue = NAO) -> dict[str, dict[str, set[int | None]]]:
    methods: dict[str, dict[str, set[int | None]]] = {}
    for service, method in catalogue.calls:
        methods.setdefault(service, {}).setdefault(method.name, set()).add(len(method.args))
    return methods


def read(catalogue: Catalogue, program: str) -> None:
    reader = ProgramReader(catalogue, Scene())
    reader.feed(program)
    reader.close()


def fault(catalogue: Catalogue, program: str) -> ProgramError:
    with pytest.raises(ProgramError) as caught:
        read(catalogue, program)
    return caught.value


def test_a_robot_with_all_that_the_catalogue_has_lacks_nothing() -> None:
    joints = {name: (joint.min, joint.max, joint.max_velocity) for name, joint in NAO.joints.items()}
    names = {name: {*enum.values, "more"} for name, enum in NAO.enums.items()}
    lacks = compare(NAO, Found(everything(), names, joints))
    assert (lacks, bool(lacks)) == (Lacks(), False)
    assert narrow(NAO, lacks) is NAO


def test_limits_are_the_narrower_of_both() -> None:
    told = {
        "HeadYaw": (-1.0, 9.0, 100.0),
        "HeadPitch": (-0.67200001, 0.5149001, 7.1940002),  # as 32-bit floats say the same
        "LElbowRoll": (0.5, 1.0, 1.0),  # another way round: it could not move at all
        "RElbowRoll": None,
        "LHand": (float("nan"), 1.0, 1.0),
        "RHand": (1.0, 0.0, 1.0),
    }
    lacks = compare(NAO, Found(everything(), joints=told))
    assert lacks.limits == {"HeadYaw": JointLimits(min=-1.0, max=2.0857, max_velocity=8.268)}
    assert lacks.joints == ["LElbowRoll", "RElbowRoll"]


@pytest.mark.parametrize(
    ("forms", "lacks"), [({3}, False), ({None}, False), ({2}, True), ({2, 3}, False), (set(), True)]
)
def test_methods_are_told_apart_by_their_number_of_arguments(forms: set[int | None], lacks: bool) -> None:
    methods = everything()
    methods["ALMotion"]["moveTo"] = forms
    assert ("ALMotion.moveTo(x, y, theta)" in compare(NAO, Found(methods)).methods) == lacks


NARROWED = narrow(
    NAO,
    Lacks(
        methods=["ALSonar.subscribe(client)", "ALSonar.unsubscribe(client)", "ALSonar.getFilteredValues()"],
        names={"animation": [name for name in NAO.enums["animation"].values if not name.endswith("Gestures/Yes_1")]},
        joints=["LWristYaw"],
        limits={"HeadYaw": JointLimits(min=-1.0, max=1.0, max_velocity=1.0)},
    ),
)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("x = ALSonar.getFilteredValues()", "no service 'ALSonar'"),
        ('ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")', "'animations/Stand/Gestures/Hey_1'"),
        ("ALMotion.setAngles('HeadYaw', 1.5, 0.1)", "HeadYaw"),
        ("ALMotion.setAngles('LWristYaw', 0.1, 0.1)", "LWristYaw"),
        ("ALMotion.angleInterpolation('HeadYaw', [-1.0, 1.0], [1.0, 2.0], True)", "2.0 per second and can do 1"),
        ('ALAnimatedSpeech.say("^start(animations/Stand/Gestures/Hey_1) Hello")', "Hey_1"),
    ],
)
def test_what_the_robot_lacks_fails_both_checks_and_is_named(program: str, words: str) -> None:
    read(NAO, program)
    error = fault(NARROWED, program)
    assert error.code == "program.unavailable"
    assert error.message.startswith("not on the connected robot: ")
    assert words in error.message


def test_what_is_wrong_on_any_robot_is_said_as_ever() -> None:
    assert fault(NARROWED, "ALMotion.setAngles('HeadYaw', 3.0, 0.1)").code == "program.limit"
    with pytest.raises(CheckError) as caught:
        check_call(NARROWED, "ALSonar", "subscribe", [3])
    assert caught.value.code == "call.type"


def test_prompt_and_grammar_offer_no_more_than_is_there() -> None:
    grammar = build_gbnf(NARROWED)
    for gone in ("ALSonar", "LWristYaw", "Hey_1"):
        assert gone not in grammar
    assert "Yes_1" in grammar
    request = BehaviorRequest(instruction="Wave")
    shown = str(build_messages(NARROWED, request)[:-1])
    assert "Hey_1" not in shown
    assert "Hey_1" in str(build_messages(NAO, request)[:-1])


def test_what_nothing_can_be_given_to_any_more_goes_too() -> None:
    bare = narrow(
        NAO, Lacks(names={"animation": NAO.enums["animation"].values}, joints=list(NAO.joints), methods=["none"])
    )
    assert "ALAnimationPlayer" not in bare.services or "run" not in bare.services["ALAnimationPlayer"].by_name
    assert "setAngles" not in bare.services["ALMotion"].by_name
    assert "say" in bare.services["ALAnimatedSpeech"].by_name
    assert fault(bare, 'ALAnimatedSpeech.say("^start(animations/Stand/Gestures/Hey_1)")').code == "program.unavailable"
    assert build_gbnf(bare)


def test_a_robot_that_cannot_speak_declines_in_silence() -> None:
    spoken = [f"{service}." for service, method in NAO.calls if method.speech]
    mute = narrow(
        NAO,
        compare(NAO, Found({name: methods for name, methods in everything().items() if f"{name}." not in spoken})),
    )
    assert '"# Refuse: " phrase' in build_gbnf(mute)
    assert "say(" not in build_gbnf(mute)
