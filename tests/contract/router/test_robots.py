"""The emergency stop and the robot's state, through the gateway."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.router.running_router import RunningRouter
from tests.contract.router.scripted_server import ScriptedServer, answer


def test_stop_reaches_the_gateway(client: httpx.Client, gateway: ScriptedServer) -> None:
    gateway.script = lambda request: request.send(
        answer(b'{"robot":"nao","stopped":["a"],"unreachable":[],"took_ms":3.5}')
    )
    response = client.post("/v1/robots/nao/stop")
    assert response.status_code == 200
    assert response.json() == {"robot": "nao", "stopped": ["a"], "unreachable": [], "took_ms": 3.5}
    assert gateway.next_request().line == "POST /v1/robots/nao/stop HTTP/1.1"


def test_state(client: httpx.Client, gateway: ScriptedServer) -> None:
    gateway.script = lambda request: request.send(answer(b'{"connected":true}'))
    assert client.get("/v1/robots/nao").json() == {"connected": True}
    assert gateway.next_request().line == "GET /v1/robots/nao HTTP/1.1"


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/robots/r2d2/stop"), ("GET", "/v1/robots/r2d2")])
def test_unknown_robot(client: httpx.Client, gateway: ScriptedServer, method: str, path: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    assert "nao" in response.json()["detail"]
    assert gateway.received.empty()


def test_gateway_that_keeps_silent(client: httpx.Client, gateway: ScriptedServer) -> None:
    gateway.script = lambda request: None
    response = client.post("/v1/robots/nao/stop")
    assert response.status_code == 504
    assert "NOT stopped" in response.json()["detail"]


def test_gateway_that_fails(client: httpx.Client, gateway: ScriptedServer) -> None:
    body = b'{"detail":"the robot does not answer"}'
    gateway.script = lambda request: request.send(answer(body, status="502 Bad Gateway"))
    response = client.post("/v1/robots/nao/stop")
    assert response.status_code == 502
    assert "the robot does not answer" in response.json()["detail"]


def test_gateway_that_is_not_there(stranded_router: RunningRouter) -> None:
    with stranded_router.client() as client:
        for response in (client.post("/v1/robots/nao/stop"), client.get("/v1/robots/nao")):
            assert response.status_code == 502
            assert response.json()["type"].endswith(":robot-gateway-unreachable")
