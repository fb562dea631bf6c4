"""The real engine, held to the grammar: what it writes passes the checks, however little the model knows."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import Item, ProgramError, ProgramReader, Refusal, Statement
from services.behavior.prompt import build_messages
from services.behavior.schema import BehaviorRequest, Scene, SceneItem
from tests.servers import start_server

pytestmark = pytest.mark.timeout(300)

HALL = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])], posture="Stand", battery=80)


@pytest.fixture(scope="module")
def engine() -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"LLAMACPP_PORT": str(port), "LLAMACPP_SLOTS": "1"}
    process = start_server([sys.executable, "-m", "services.engines.llamacpp"], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=240) as client:
            give_up = time.monotonic() + 120
            while not ready(client):
                assert process.poll() is None, "the engine ended while it loaded"
                assert time.monotonic() < give_up, "the engine did not load in 120 s"
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def generate(engine: httpx.Client, request: BehaviorRequest) -> str:
    catalogue = load_catalogue(request.robot)
    body: dict[str, Any] = {
        "messages": build_messages(catalogue, request),
        "grammar": build_gbnf(catalogue, request.scene),
        "temperature": request.temperature,
        "max_tokens": 1000,
        "seed": request.seed,
    }
    response = engine.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    choice = response.json()["choices"][0]
    assert choice["finish_reason"] == "stop", "the grammar must bring every program to an end"
    text: str = choice["message"]["content"]
    return text


def read(text: str, scene: Scene, robot: str = "nao") -> tuple[list[Item], str]:
    reader = ProgramReader(load_catalogue(robot), scene)
    try:
        return reader.feed(text) + reader.close(), ""
    except ProgramError as error:
        return [], error.code


def test_an_untuned_model_waves_and_says_hello(engine: httpx.Client) -> None:
    text = generate(engine, BehaviorRequest(instruction="Wave and say hello"))
    items, code = read(text, Scene())
    sources = [item.source for item in items if isinstance(item, Statement)]
    assert code == ""
    assert any("/Gestures/Hey_" in source for source in sources), text
    assert any(".say(" in source for source in sources), text


def test_an_untuned_model_drives_a_robot_that_is_no_nao(engine: httpx.Client) -> None:
    text = generate(engine, BehaviorRequest(instruction="Go to the lobby and say welcome", robot="porter"))
    items, code = read(text, Scene(), "porter")
    sources = [item.source for item in items if isinstance(item, Statement)]
    assert code == ""
    assert 'robot.go_to("lobby")' in sources
    assert any(source.startswith("robot.say(") for source in sources), text


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_a_hot_model_writes_is_in_the_subset(engine: httpx.Client, seed: int) -> None:
    request = BehaviorRequest(instruction="Go to the red ball", scene=HALL, temperature=2.0, seed=seed)
    text = generate(engine, request)
    items, code = read(text, HALL)
    assert code in ("program.range", "program.obstacle") or any(
        isinstance(item, Statement | Refusal) for item in items
    ), (code, text)
