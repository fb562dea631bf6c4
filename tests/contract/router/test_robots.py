"""The emergency stop and the robot's state, through the gateway."""

from __future__ import annotations

import httpx
import pytest
import redis

from services.behavior.schema import RobotReport, RobotState
from tests.contract.router.running_router import RunningRouter
from tests.contract.router.scripted_server import HangUp, Received, ScriptedServer, answer

STOPPED = b'{"robot":"nao","stopped":["a"],"unreachable":[],"took_ms":3.5}'


def test_stop_reaches_the_gateway(client: httpx.Client, gateway: ScriptedServer) -> None:
    gateway.script = lambda request: request.send(answer(STOPPED))
    response = client.post("/v1/robots/nao/stop")
    assert response.status_code == 200
    assert response.json() == {
        "robot": "nao",
        "stopped": ["a"],
        "unreachable": [],
        "took_ms": 3.5,
        "dismissed": 0,
    }
    assert gateway.next_request().line == "POST /v1/robots/nao/stop HTTP/1.1"


def test_stop_ends_what_waits_in_the_queue(client: httpx.Client, gateway: ScriptedServer) -> None:
    orders = [{"instruction": "Wave"}, {"instruction": "Bow"}, {"instruction": "Only write it", "execute": "none"}]
    waiting = [client.post("/v1/behaviors", json=order).json()["id"] for order in orders]
    gateway.script = lambda request: request.send(answer(STOPPED))

    assert client.post("/v1/robots/nao/stop").json()["dismissed"] == 2

    documents = [client.get(f"/v1/behaviors/{name}").json() for name in waiting]
    assert [document["status"] for document in documents] == ["cancelled", "cancelled", "queued"]
    assert documents[0]["error"]["code"] == "robot.stopped"
    assert "event: cancelled" in client.get(f"/v1/behaviors/{waiting[0]}/events").text


def test_a_stop_that_the_store_cannot_note_yet_spares_what_is_accepted_after_it(
    client: httpx.Client, gateway: ScriptedServer, redis_client: redis.Redis
) -> None:
    before = client.post("/v1/behaviors", json={"instruction": "Wave"}).json()["id"]
    gateway.script = lambda request: request.send(answer(STOPPED))
    redis_client.execute_command("ACL", "SETUSER", "default", "resetkeys", "~rbe:[^s]*", "%R~*", "~behaviors*")
    try:
        assert client.post("/v1/robots/nao/stop").json()["dismissed"] is None
        # With a key, lest the script name an empty one, to which no pattern gives access.
        order, key = {"instruction": "Bow"}, {"Idempotency-Key": "bow"}
        after = client.post("/v1/behaviors", json=order, headers=key).json()["id"]
    finally:
        redis_client.execute_command("ACL", "SETUSER", "default", "allkeys")

    assert client.get(f"/v1/behaviors/{before}/events").text.endswith("\n\n")  # it ends, when the stop is noted
    documents = [client.get(f"/v1/behaviors/{name}").json() for name in (before, after)]
    assert [document["status"] for document in documents] == ["cancelled", "queued"]


def test_state(client: httpx.Client, gateway: ScriptedServer) -> None:
    report = RobotReport(robot="nao", targets={"simulate": RobotState(connected=True, posture="Stand", battery=80)})
    gateway.script = lambda request: request.send(answer(report.model_dump_json().encode()))
    assert client.get("/v1/robots/nao").json() == report.model_dump()
    assert gateway.next_request().line == "GET /v1/robots/nao HTTP/1.1"


def test_every_robot_is_listed(client: httpx.Client, gateway: ScriptedServer) -> None:
    body = b'{"ready":false,"robots":{"nao":{"simulate":false}}}'
    gateway.script = lambda request: request.send(answer(body, status="503 Service Unavailable"))
    nao, porter = client.get("/v1/robots").json()["robots"]
    assert gateway.next_request().line == "GET /readyz HTTP/1.1"
    assert (nao["name"], nao["title"]) == ("nao", "NAO humanoid robot")
    assert nao["targets"] == {
        "simulate": {"configured": True, "connected": False},
        "robot": {"configured": False, "connected": None},
    }
    assert porter["name"] == "porter"
    assert porter["targets"] == {
        "simulate": {"configured": False, "connected": None},
        "robot": {"configured": False, "connected": None},
    }
    for robot in (nao, porter):
        page = client.get(robot["documentation"])
        assert page.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert f"# {robot['title']} (`{robot['name']}`)" in page.text
        assert robot["doc"] in page.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_robot_that_is_known_but_not_configured(client: httpx.Client, gateway: ScriptedServer, method: str) -> None:
    body = b'{"detail": "there is no robot \'porter\' here; robots: nao"}'
    gateway.script = lambda request: request.send(answer(body, status="404 Not Found"))
    response = client.request(method, "/v1/robots/porter" + ("/stop" if method == "POST" else ""))
    assert response.status_code == 404
    assert response.json()["type"].endswith(":robot-not-connected")
    assert 'MORE_ROBOTS={"porter": {"simulator_url": "tcp://' in response.json()["detail"]
    assert ("Nothing was stopped" in response.json()["detail"]) == (method == "POST")


def test_a_behavior_for_one_is_told_as_much(client: httpx.Client, gateway: ScriptedServer) -> None:
    gateway.script = lambda request: request.send(answer(b"{}", status="404 Not Found"))
    asked = client.get("/v1/robots/porter").json()["detail"]
    for execute in ("simulate", "robot"):
        order = {"instruction": "Roll on", "robot": "porter", "execute": execute}
        response = client.post("/v1/behaviors", json=order)
        assert (response.status_code, response.json()["detail"]) == (422, f'{asked} Or use "none".')


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/robots/r2d2/stop"),
        ("GET", "/v1/robots/r2d2"),
        ("GET", "/v1/robots/r2d2/documentation"),
    ],
)
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


def test_a_stop_that_is_lost_on_its_way_is_sent_again(client: httpx.Client, gateway: ScriptedServer) -> None:
    lost = iter([True, False])

    def script(request: Received) -> None:
        if next(lost):
            raise HangUp
        request.send(answer(STOPPED))

    gateway.script = script
    assert client.post("/v1/robots/nao/stop").json()["stopped"] == ["a"]


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
        nao, _ = client.get("/v1/robots").json()["robots"]
        assert nao["targets"]["simulate"] == {"configured": True, "connected": None}
