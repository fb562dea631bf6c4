"""A worker with several backends: one takes over from another, copies go to shadows, circuits are told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.regex import build_regex
from services.behavior.schema import BehaviorRequest, BehaviorResult, Scene, SceneItem
from services.embedded.stack import Stack
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect
from tests.contract.worker.scripted_engine import Break, Refuse, ScriptedEngine

HELLO = ['ALTextToSpeech.say("Hello")\n']
WAIT_S = 30.0

Behave = Callable[..., BehaviorResult]


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, ScriptedEngine]]:
    engines = {name: ScriptedEngine() for name in ("llamacpp", "vllm", "transformers", "tgi")}
    for engine in engines.values():
        engine.url = engine.start()  # type: ignore[attr-defined]
    yield engines
    for engine in engines.values():
        engine.stop()


@pytest.fixture(scope="module")
def several(engines: dict[str, ScriptedEngine]) -> Iterator[JobStore]:
    """The queue of a worker that takes over from llama.cpp with vLLM and copies everything to Transformers.

    Only vLLM sees pictures, llama.cpp alone is fine-tuned, for Porter, and no program goes back to a model.
    """
    urls = {f"{name.upper()}_URL": engine.url for name, engine in engines.items()}  # type: ignore[attr-defined]
    settings = {
        "BACKEND_FAILOVER": "vllm",
        "BACKEND_SHADOW": "transformers=1",
        "CIRCUIT_FAILURES": "4",
        "CIRCUIT_OPEN_S": "3600",
        "ENGINE_WAIT_S": "2",
        "LEASE_S": "3",
        "LLAMACPP_TUNED": "porter=0",
        "REPAIR": "false",
        "VLLM_VISION": "true",
        "WARM_UP_S": "0",
    }
    with Stack(("store", "simulator", "gateway", "worker"), env={**urls, **settings}, robot_speed=20.0) as stack:
        jobs = JobSettings(redis_url=stack.redis_url)
        yield JobStore(connect(jobs), jobs)


@pytest.fixture
def behave(several: JobStore, engines: dict[str, ScriptedEngine]) -> Behave:
    """Has an instruction carried out; every engine writes a greeting unless the test says otherwise."""
    for engine in engines.values():
        engine.play(HELLO)

    def behave(trace: dict[str, str] | None = None, **fields: Any) -> BehaviorResult:
        request = BehaviorRequest(**{"instruction": "Say hello", **fields})
        submission = several.submit(request, backend=request.backend or "llamacpp", trace=trace)
        document = several.wait(submission.id, WAIT_S)
        assert document is not None
        return document

    return behave


def started(store: JobStore, document: BehaviorResult) -> list[str]:
    return [
        json.loads(event.data)["backend"] for event in store.events(document.id) if event and event.name == "started"
    ]


@pytest.mark.parametrize("trouble", [[Refuse(503)], [Refuse(429)], [Refuse(500)], [Break()], ["ALText", Break()]])
def test_another_backend_takes_over(
    several: JobStore, engines: dict[str, ScriptedEngine], behave: Behave, trouble: list[Any]
) -> None:
    engines["llamacpp"].play(trouble, HELLO)  # a success in between, so that the circuit stays closed
    document = behave()
    assert (document.status, document.backend) == ("succeeded", "vllm")
    assert started(several, document) == ["llamacpp", "vllm"]
    assert behave().backend == "llamacpp"


def test_each_is_asked_as_its_model_knows_the_robot(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    engines["llamacpp"].play([Refuse(500)], HELLO)
    engines["vllm"].play(['robot.say("Hello")\n'])
    document = behave(robot="porter", execute="none")
    assert document.status == "succeeded", document.error
    tuned, untuned = (engines[name].requests[0] for name in ("llamacpp", "vllm"))
    assert [message["content"] for message in tuned["messages"]] == [
        "Program the robot porter.",
        "Instruction: Say hello",
    ]
    assert tuned["lora"] == [{"id": 0, "scale": 1.0}]
    assert "robot.go_to(" in untuned["messages"][0]["content"]
    assert "lora" not in untuned
    assert "for room in [" in tuned["grammar"], "it has learnt more forms than the others are shown"
    assert "for room in [" not in untuned["structured_outputs"]["grammar"]
    behave()
    other = engines["llamacpp"].requests[1]
    assert "ALTextToSpeech" in other["messages"][0]["content"]
    assert other["lora"] == [{"id": 0, "scale": 0.0}]


def test_a_named_backend_stands_alone(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    engines["transformers"].play([Refuse(500)])
    document = behave(backend="transformers")
    assert (document.status, document.backend) == ("failed", "transformers")
    assert document.error is not None
    assert document.error.code == "backend.failed"
    assert not engines["vllm"].requests


def test_nobody_takes_over_once_the_robot_has_acted(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    engines["llamacpp"].play([*HELLO, Break()], HELLO)
    document = behave(mode="stream")
    assert (document.status, document.backend) == ("failed", "llamacpp")
    assert document.error is not None
    assert document.error.code == "backend.unavailable"
    assert not engines["vllm"].requests
    assert behave().backend == "llamacpp"


def test_a_wrong_request_is_not_sent_to_another(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    engines["llamacpp"].play([Refuse(400)], HELLO)
    document = behave()
    assert document.error is not None
    assert (document.error.code, document.backend) == ("backend.invalid", "llamacpp")
    assert not engines["vllm"].requests


def test_a_shadow_gets_a_copy_that_changes_nothing(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    engines["transformers"].play(["import os\n"])
    document = behave()
    assert (document.status, document.backend, len(document.actions)) == ("succeeded", "llamacpp", 1)
    deadline = time.monotonic() + 10
    while not engines["transformers"].requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    copied, asked = engines["transformers"].requests[0], engines["llamacpp"].requests[0]
    assert copied["messages"] == asked["messages"]


def test_programs_are_not_sent_back_where_that_is_switched_off(
    engines: dict[str, ScriptedEngine], behave: Behave
) -> None:
    engines["llamacpp"].play(["ALMotion.jump()\n"], HELLO)
    document = behave()
    assert (document.status, document.repaired) == ("failed", False)
    assert len(engines["llamacpp"].requests) == 1


def test_a_picture_goes_to_a_backend_that_sees(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    engines["vllm"].play(["# Step 1: go to the sofa | target: sofa\nALMotion.moveTo(0.2, 0.0, 0.0)\n"])
    document = behave(instruction="Go to the sofa", image=picture, backend="vllm")
    assert document.status == "succeeded", "what the picture shows need not be in the scene"
    assert engines["vllm"].requests[0]["messages"][-1]["content"] == [
        {"type": "text", "text": "Instruction: Go to the sofa"},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    blind = behave(image=picture, backend="llamacpp")
    assert blind.status == "failed"
    assert not engines["llamacpp"].requests


def test_tgi_is_held_to_one_regular_expression_whatever_the_scene(
    engines: dict[str, ScriptedEngine], behave: Behave
) -> None:
    for scene in (Scene(), Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])):
        assert behave(backend="tgi", scene=scene).status == "succeeded"
    expected = {"type": "regex", "value": build_regex(load_catalogue("nao"))}
    assert [request["response_format"] for request in engines["tgi"].requests] == [expected, expected]


def test_the_trace_context_reaches_the_engine(engines: dict[str, ScriptedEngine], behave: Behave) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    behave(trace={"traceparent": parent})
    assert engines["llamacpp"].traces == [parent]


def test_a_backend_that_keeps_failing_is_left_alone_and_that_is_told(
    several: JobStore, engines: dict[str, ScriptedEngine], behave: Behave
) -> None:
    engines["llamacpp"].play([Refuse(500)])
    assert [behave().backend for _ in range(4)] == ["vllm"] * 4
    asked = len(engines["llamacpp"].requests)
    assert behave().backend == "vllm"
    assert len(engines["llamacpp"].requests) == asked, "its circuit is open"
    deadline = time.monotonic() + 10
    while [states["llamacpp"] for states in several.circuits().values()] != ["open"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
