from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from services.behavior.errors import CheckError
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import BehaviorRequest, Scene, SceneItem


@pytest.fixture
def view(scene: Scene) -> SceneView:
    return SceneView(scene)


def test_answers_in_the_frame_in_which_the_scene_was_perceived(view: SceneView) -> None:
    assert view.call("position", ["red ball"]) == (0.6, 0.1, 0.0)
    assert view.call("distance", ["Anna"]) == pytest.approx(math.hypot(1.0, 0.5))
    assert view.call("bearing", ["door"]) == pytest.approx(math.atan2(-1.0, 2.0))


def test_answers_in_the_present_frame_of_a_robot_that_has_moved(view: SceneView) -> None:
    # One metre ahead and turned left by a quarter: the door at (2, -1) is then 1 m behind and 1 m to the right.
    pose = Pose(1.0, 0.0, math.pi / 2)
    assert view.position("door", pose) == pytest.approx((-1.0, -1.0, 0.0))
    assert view.distance("door", pose) == pytest.approx(math.sqrt(2))
    assert view.bearing("door", pose) == pytest.approx(-math.pi * 3 / 4)


@pytest.mark.parametrize(
    ("method", "args", "code", "hint"),
    [
        ("position", ["red bal"], "call.target", "did you mean 'red ball'?"),
        ("position", ["sofa"], "call.target", "choose from 'red ball', 'door', 'Anna'"),
        ("position", [], "call.arity", 'scene.position("name")'),
        ("position", [1.0], "call.type", 'write scene.position("name")'),
        ("positions", ["door"], "call.method", "did you mean 'position'?"),
    ],
)
def test_says_how_to_mend_a_wrong_call(view: SceneView, method: str, args: list[object], code: str, hint: str) -> None:
    with pytest.raises(CheckError) as caught:
        view.call(method, args)
    assert caught.value.code == code
    assert hint in (caught.value.suggestion or "")


def test_an_empty_scene_says_so() -> None:
    with pytest.raises(CheckError, match="the scene is empty"):
        SceneView(Scene()).position("red ball")


@pytest.mark.parametrize("name", ["", " ", 'a"b', "a\\b", "a\nb", "<|im_end|>", "a | b", "x\x00", "y" * 81])
def test_names_that_could_break_out_of_a_program_or_prompt_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        SceneItem(name=name, position=[0.0, 0.0, 0.0])


@pytest.mark.parametrize("other", ["ball", "BALL", "ｂａｌｌ", "ba\u200bll"])
def test_two_things_of_one_name_are_refused(other: str) -> None:
    item = SceneItem(name="Ball", position=[0.0, 0.0, 0.0])
    with pytest.raises(ValidationError, match="give each its own name"):
        Scene(objects=[item], people=[SceneItem(name=other, position=[1.0, 0.0, 0.0])])


def test_a_name_can_be_seen() -> None:
    with pytest.raises(ValidationError, match="cannot be seen"):
        Scene(objects=[SceneItem(name="\u200b", position=[0.0, 0.0, 0.0])])


@pytest.mark.parametrize("text", ["\u200b", "\u2060 \ufeff"])
def test_an_instruction_of_which_nothing_can_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="nothing of it can be seen; say in words"):
        BehaviorRequest(instruction=text)


@pytest.mark.parametrize("name", ["Red Ball", "RED BALL", "red  ball", "ｒｅｄ　ｂａｌｌ", "red\u200b ball"])
def test_names_are_found_whatever_their_case_width_and_spaces(view: SceneView, name: str) -> None:
    assert view.position(name) == (0.6, 0.1, 0.0)


def test_where_things_look_is_told_in_the_present_frame() -> None:
    view = SceneView(Scene(people=[SceneItem(name="Anna", position=[1.0, 0.0, 0.0], facing=3.0)]))
    assert view.call("facing", ["Anna"]) == pytest.approx(3.0)
    assert view.call("facing", ["Anna"], Pose(0.0, 0.0, -1.0)) == pytest.approx(4.0 - math.tau)


def test_where_a_thing_looks_may_not_be_known(view: SceneView) -> None:
    with pytest.raises(CheckError) as caught:
        view.call("facing", ["red ball"])
    assert (caught.value.code, caught.value.suggestion) == ("call.facing", "use scene.bearing")


def test_a_pose_follows_a_displacement_in_its_own_frame() -> None:
    pose = Pose(1.0, 0.0, math.pi / 2).moved(0.5, 0.25, 0.5)
    assert (pose.x, pose.y, pose.theta) == pytest.approx((0.75, 0.5, math.pi / 2 + 0.5))
