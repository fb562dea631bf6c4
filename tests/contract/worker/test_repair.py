"""A program that fails a check goes back to the model, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.behavior.schema import BehaviorRequest, BehaviorResult, Scene, SceneItem
from services.jobs.store import Event, JobStore
from tests.contract.worker.scripted_engine import Break, ScriptedEngine

HELLO = '# Step 1: greet | target: visitors\nALTextToSpeech.say("Hello")\n'
TOO_FAR = "# Step 1: walk\nALMotion.moveTo(50, 0.0, 0.0)\n"
WAIT_S = 30.0


def behave(store: JobStore, **fields: Any) -> tuple[BehaviorResult, list[Event]]:
    request = BehaviorRequest(**{"instruction": "Walk fifty centimetres", **fields})
    behavior_id = store.submit(request, backend="llamacpp").id
    document = store.wait(behavior_id, WAIT_S)
    assert document is not None
    return document, [event for event in store.events(behavior_id) if event is not None]


def test_the_finding_goes_back_and_the_second_answer_is_carried_out(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([TOO_FAR, "ALMotion.rest()\n"], ["# Step 1: walk\n", "ALMotion.moveTo(0.5, 0.0, 0.0)\n"])
    document, events = behave(store, temperature=0.7, max_tokens=100)

    assert (document.status, document.repaired) == ("succeeded", True), document.error
    assert [(action.method, action.args) for action in document.actions] == [("moveTo", [0.5, 0.0, 0.0])]
    assert document.code == "# Step 1: walk\nALMotion.moveTo(0.5, 0.0, 0.0)\n"
    assert len(document.plan) == 1
    # Both answers count; the first was broken off, so that what it took is estimated: 11 tokens for 44 characters.
    assert (document.usage.prompt_tokens, document.usage.completion_tokens) == (7, 13)

    first, second = engine.requests
    assert second["messages"][: len(first["messages"])] == first["messages"], "the prompt cache serves the second round"
    written, finding = second["messages"][len(first["messages"]) :]
    assert written == {"role": "assistant", "content": TOO_FAR.strip()}
    assert finding == {
        "role": "user",
        "content": "Wrong (program.centimetres, line 2): ALMotion.moveTo: x is 50, which looks like centimetres; "
        "write metres: 0.50.\nWrite the whole program again without that fault.",
    }
    assert (first["temperature"], second["temperature"]) == (0.7, 0.0)
    assert (first["max_tokens"], second["max_tokens"]) == (100, 89)
    assert second["grammar"] == first["grammar"]

    assert [event.name for event in events] == [
        "queued", "started", "step", "started", "step", "statement", "action", "done",
    ]  # fmt: skip
    repairs = [json.loads(event.data)["repairs"] for event in events if event.name == "started"]
    assert repairs[0] is None
    assert (repairs[1]["code"], repairs[1]["line"], repairs[1]["suggestion"]) == (
        "program.centimetres", 2, "write metres: 0.50",
    )  # fmt: skip


def test_a_second_answer_that_fails_too_is_the_end(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([TOO_FAR], ["ALMotion.moveTwo()\n"], [HELLO])
    document, events = behave(store)
    assert (document.status, document.repaired, document.actions) == ("failed", True, [])
    assert document.error is not None
    assert (document.error.code, document.error.suggestion) == ("program.method", "did you mean 'moveTo'?")
    assert len(engine.requests) == 2
    assert events[-1].name == "error"


def test_a_second_answer_may_refuse(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play(
        ["# Step 1: go to the sofa | target: sofa\nALMotion.moveTo(1.0, 0.0, 0.0)\n"],
        ['# Refuse: there is no sofa\nALTextToSpeech.say("I see no sofa.")\n'],
    )
    document, _ = behave(store, instruction="Go to the sofa")
    assert (document.status, document.repaired, document.refusal) == ("refused", True, "there is no sofa")
    assert "Wrong (plan.target, line 2): step 1 is about 'sofa'" in engine.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    "script",
    [
        ["# Refuse: no\nALMotion.moveTo(0.1, 0.0, 0.0)\n"],
        ["\n"],
        ["ALMotion.", "move", "To(50, 0.0, 0.0)\n"],
    ],
    ids=["refused", "nothing written", "no tokens left"],
)
def test_some_programs_are_not_sent_back(store: JobStore, engine: ScriptedEngine, script: list[Any]) -> None:
    engine.play(script, [HELLO])
    document, _ = behave(store, max_tokens=5)
    assert (document.status, document.repaired) == ("failed", False)
    assert len(engine.requests) == 1


def test_a_stream_is_mended_until_it_has_acted(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([TOO_FAR], [HELLO])
    document, _ = behave(store, mode="stream")
    assert (document.status, document.repaired) == ("succeeded", True)
    engine.play([HELLO, TOO_FAR], [HELLO])
    document, _ = behave(store, mode="stream")
    assert (document.status, document.repaired) == ("failed", False)
    assert document.error is not None
    assert (document.error.code, document.error.line) == ("program.centimetres", 4)
    assert len(engine.requests) == 1
    # Nothing acts when nothing is to be executed.
    engine.play([HELLO, TOO_FAR], [HELLO])
    document, _ = behave(store, mode="stream", execute="none")
    assert (document.status, document.repaired) == ("succeeded", True)


def test_an_engine_that_goes_away_meanwhile_is_asked_from_the_start(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([TOO_FAR], [Break()], [HELLO])
    document, _ = behave(store)
    assert (document.status, document.repaired) == ("succeeded", False), document.error
    assert engine.requests[2]["messages"] == engine.requests[0]["messages"]


def test_instructions_scenes_and_programs_in_chinese(store: JobStore, engine: ScriptedEngine) -> None:
    program = (
        "# 步骤 1：走到红球旁边｜对象：红球｜避免：踩到它\n"
        'x, y, z = scene.position("红球")\n'
        "ALMotion.moveTo(x - 0.4, y, 0.0)\n"
        "# Step 2：打招呼 | target：大家\n"
        'ALTextToSpeech.say("大家好，我到了！", "Chinese")\n'
    )
    engine.play([program.replace("红球\n", "红毬\n").replace('("红球")', '("红毬")')], [program])
    scene = Scene(objects=[SceneItem(name="红球", position=[0.8, 0.1, 0.0])], free_space=1.0)
    document, _ = behave(store, instruction="走到红球那里，然后打招呼", scene=scene)
    assert (document.status, document.repaired) == ("succeeded", True), document.error
    assert [step.target for step in document.plan] == ["红球", "大家"]
    assert [(action.method, action.args) for action in document.actions] == [
        ("moveTo", [0.4, 0.1, 0.0]),
        ("say", ["大家好，我到了！", "Chinese"]),
    ]
    asked, again = engine.requests
    assert asked["messages"][-1]["content"] == (
        "Scene: 红球 (0.8, 0.1, 0); free space 1 m\nInstruction: 走到红球那里，然后打招呼"
    )
    assert "红球" in asked["grammar"]
    assert "the scene has no '红毬'; choose from '红球'" in again["messages"][-1]["content"]
