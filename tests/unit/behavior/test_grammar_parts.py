"""Neither grammar lets a step about a part of the robot walk."""

from __future__ import annotations

import pytest
from checked import judge
from gbnf_sampler import Grammar

from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.schema import Scene, SceneItem

EMPTY = Scene()
HALL = Scene(objects=[SceneItem(name="red ball", position=[2.0, 0.1, 0.0])])
PART = "# Step 1: move | target: {}\n"
NOD = 'ALMotion.angleInterpolationWithSpeed("HeadPitch", 0.2, 0.2)'
WALK = "ALMotion.moveTo(0.2, 0.0, 0.0)"
POINT = 'ALTracker.pointAt("LArm", [x, y, z], 2, 0.3)'
SIT, STAND = (f'ALRobotPosture.goToPosture("{posture}", 0.5)' for posture in ("Sit", "Stand"))


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize(
    ("scene", "text", "offered"),
    [
        (EMPTY, f"{PART.format('双手')}{WALK}", False),
        (EMPTY, f"{PART.format('the left hand')}{WALK}", False),
        (EMPTY, f"{PART.format('hands')}{NOD}\n{WALK}", False),
        (EMPTY, f"{PART.format('hands')}{NOD}\n{NOD}\n# Step 2: go\n{WALK}", True),
        (HALL, f'{PART.format("arm")}x, y, z = scene.position("red ball")\n{POINT}', True),
        (HALL, f'{PART.format("arm")}x, y, z = scene.position("red ball")\nALMotion.moveTo(x, y, 0.0)', False),
        (EMPTY, f"{PART.format('legs')}{SIT}\n# Step 2: rise | target: legs\n{STAND}\n# Step 3: go\n{WALK}", True),
        (EMPTY, f"{PART.format('legs')}{SIT}\n# Step 2: go\n{WALK}", False),
    ],
)
def test_a_step_about_a_part_of_the_robot_does_not_walk(scene: Scene, text: str, offered: bool, learnt: bool) -> None:
    assert Grammar(build_gbnf(load_catalogue("nao"), scene, learnt=learnt)).matches(text) == offered
    assert (judge("nao", scene, text) == "") == offered
