from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from services.behavior.errors import CheckError
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Scene, SceneItem


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


def test_two_things_of_one_name_are_refused() -> None:
    item = SceneItem(name="Ball", position=[0.0, 0.0, 0.0])
    with pytest.raises(ValidationError, match="give each its own name"):
        Scene(objects=[item], people=[SceneItem(name="ball", position=[1.0, 0.0, 0.0])])
