"""Liveness and readiness."""

from __future__ import annotations

import time

import httpx

from tests.contract.router.acting_worker import ActingWorker
from tests.contract.router.running_router import RunningRouter
from tests.contract.router.scripted_server import Received, ScriptedServer, answer


def test_alive(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready(client: httpx.Client, engine: ScriptedServer, gateway: ScriptedServer, worker: ActingWorker) -> None:
    worker.sign_on()
    time.sleep(1.01)  # an answer from another test is kept for a second
    response = client.get("/readyz")
    assert response.status_code == 200, response.text
    assert response.json()["ready"] is True
    assert set(response.json()["dependencies"]) == {"store", "worker", "robot gateway", "backend llamacpp"}
    assert engine.next_request().line == "GET /health HTTP/1.1"
    assert gateway.next_request().line == "GET /readyz HTTP/1.1"

    # Kept for a second: asking again asks nobody.
    client.get("/readyz")
    assert engine.received.empty()


def test_not_ready(client: httpx.Client, engine: ScriptedServer, gateway: ScriptedServer) -> None:
    def loading(request: Received) -> None:
        request.send(answer(b"{}", status="503 Loading"))

    engine.script = loading
    gateway.script = lambda request: None
    time.sleep(1.01)
    response = client.get("/readyz")
    assert response.status_code == 503
    dependencies = response.json()["dependencies"]
    assert {name: state["ready"] for name, state in dependencies.items()} == {
        "store": True,
        "worker": False,
        "robot gateway": False,
        "backend llamacpp": False,
    }
    assert dependencies["backend llamacpp"]["detail"] == "answers 503"


def test_nothing_there(stranded_router: RunningRouter) -> None:
    with stranded_router.client() as client:
        assert client.get("/healthz").status_code == 200
        response = client.get("/readyz")
        assert response.status_code == 503
        assert not any(state["ready"] for state in response.json()["dependencies"].values())
