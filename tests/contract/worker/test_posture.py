"""How the robot sits, stands or lies is asked of itself where the scene does not say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.behavior.schema import BehaviorRequest, BehaviorResult
from services.jobs.store import JobStore
from tests.contract.worker.scripted_engine import Hold, ScriptedEngine

SIT = 'ALRobotPosture.goToPosture("Sit", 0.5)\n'
STAND = 'ALRobotPosture.goToPosture("Stand", 0.5)\n'
WALK = "ALMotion.moveTo(0.2, 0.0, 0.0)\n"


def done(store: JobStore, **fields: Any) -> BehaviorResult:
    request = BehaviorRequest(**{"instruction": "Say hello", **fields})
    document = store.wait(store.submit(request, backend="llamacpp").id, 30.0)
    assert document is not None
    return document


def perceived(engine: ScriptedEngine) -> str:
    """What the engine was last told, with the instruction."""
    return str(engine.requests[-1]["messages"][-1]["content"])


@pytest.fixture
def sitting(store: JobStore, engine: ScriptedEngine) -> Iterator[None]:
    """The simulated robot sits; it stands again afterwards."""
    engine.play([SIT])
    assert done(store).status == "succeeded"
    yield
    engine.play([STAND])
    assert done(store).status == "succeeded"


def test_the_model_is_told_that_the_robot_sits_and_must_have_it_stand_up(
    store: JobStore, engine: ScriptedEngine, sitting: None
) -> None:
    engine.play([WALK], [STAND + WALK])  # the second is the answer to what the check has found in the first

    document = done(store)

    assert "posture Sit" in engine.requests[0]["messages"][-1]["content"]
    assert document.repaired
    assert [action.method for action in document.actions] == ["goToPosture", "moveTo"], document.error


def test_what_the_scene_says_stands(store: JobStore, engine: ScriptedEngine, sitting: None) -> None:
    engine.play([WALK])
    document = done(store, scene={"posture": "Stand"})  # a simulated robot is put as the scene says
    assert document.status == "succeeded", document.error
    assert "posture Stand" in perceived(engine)


def test_of_a_robot_that_stands_nothing_is_said(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([STAND])
    assert done(store).status == "succeeded"
    engine.play([WALK])
    assert done(store).status == "succeeded"
    assert "posture" not in perceived(engine)


def test_of_a_robot_that_does_not_act_nothing_is_asked(store: JobStore, engine: ScriptedEngine, sitting: None) -> None:
    engine.play([WALK])
    assert done(store, execute="none").status == "succeeded"
    assert "posture" not in perceived(engine)


def test_a_robot_that_has_sat_down_meanwhile_is_not_made_to_walk(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([Hold(), WALK], [SIT], [STAND])
    walk = store.submit(BehaviorRequest(instruction="Walk"), backend="llamacpp").id
    assert engine.holding.acquire(timeout=30)
    assert done(store).status == "succeeded"  # it sits down while the walk is being written
    engine.release()

    document = store.wait(walk, 30.0)

    assert document is not None
    assert document.error is not None
    assert (document.status, document.error.code, document.actions) == ("failed", "call.posture", [])
    assert done(store).status == "succeeded"
