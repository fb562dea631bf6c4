"""The durable door: what is taken, what is refused and how, and what becomes of it."""

from __future__ import annotations

import json
import socket
import threading

import httpx
import pytest
import redis

from services.jobs import keys
from services.jobs.store import JobStore
from tests.contract.router.acting_worker import ActingWorker
from tests.contract.router.conftest import Submit
from tests.contract.router.running_router import RunningRouter

PIXEL = "data:image/png;base64,iVBORw0KGgo="
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def test_accepts_and_looks_up(client: httpx.Client, store: JobStore) -> None:
    response = client.post("/v1/behaviors", json={"instruction": "Wave and say hello", "priority": 2})

    assert response.status_code == 202
    document = response.json()
    assert document["status"] == "queued"
    assert document["instruction"] == "Wave and say hello"
    assert document["backend"] == "llamacpp"
    assert response.headers["Location"] == f"/v1/behaviors/{document['id']}"
    assert client.get(response.headers["Location"]).json()["id"] == document["id"]
    assert store.queued() == 1


def test_wait_answers_as_soon_as_it_is_done(client: httpx.Client, store: JobStore, worker: ActingWorker) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(client.post("/v1/behaviors?wait=60", json={"instruction": "Wave"}))

    asking = threading.Thread(target=ask)
    asking.start()
    behavior_id = _only_queued(store)
    worker.start(behavior_id)
    worker.finish(behavior_id)
    asking.join(timeout=20)

    assert answers[0].status_code == 200
    assert answers[0].json()["status"] == "succeeded"


def test_wait_gives_the_current_document_when_time_is_up(client: httpx.Client) -> None:
    response = client.post("/v1/behaviors?wait=0.05", json={"instruction": "Wave"})
    assert response.status_code == 202
    assert response.json()["status"] == "queued"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, {}),
        ({"traceparent": PARENT}, {"traceparent": PARENT}),
        ({"traceparent": PARENT, "tracestate": "lab=1"}, {"traceparent": PARENT, "tracestate": "lab=1"}),
        ({"traceparent": "nonsense", "tracestate": "lab=1"}, {}),
    ],
)
def test_trace_context_is_kept_for_the_engine(
    client: httpx.Client, redis_client: redis.Redis, sent: dict[str, str], kept: dict[str, str]
) -> None:
    behavior_id = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers=sent).json()["id"]
    assert json.loads(redis_client.hget(keys.record(behavior_id), "trace")) == kept


@pytest.mark.parametrize("wait", ["0", "-1", "121", "nan", "inf", "soon", "", "1_0", "٣", "1e1", " 1", "1.", "."])
def test_refuses_a_bad_wait(client: httpx.Client, store: JobStore, wait: str) -> None:
    response = client.post("/v1/behaviors", params={"wait": wait}, json={"instruction": "Wave"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameter"] == "wait"
    assert store.queued() == 0


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b'{"instruction": "\xff"}', 400, None),
        (b"[" * 5000, 400, None),
        (b"[]", 422, ""),
        (b"{}", 422, "/instruction"),
        (b'{"instruction": ""}', 422, "/instruction"),
        (b'{"instruction": "  \\n "}', 422, "/instruction"),
        (b'{"instruction": "a\\u0007b"}', 422, "/instruction"),
        (b'{"instruction": 7}', 422, "/instruction"),
        (b'{"instruction": "' + b"x" * 2001 + b'"}', 422, "/instruction"),
        (b'{"instruction": "a", "robot": "r2d2"}', 422, "/robot"),
        (b'{"instruction": "a", "backend": "gpt"}', 422, "/backend"),
        (b'{"instruction": "a", "execute": "robot"}', 422, "/execute"),
        (b'{"instruction": "a", "execute": "now"}', 422, "/execute"),
        (b'{"instruction": "a", "robot": "porter"}', 422, "/execute"),
        (b'{"instruction": "a", "when_busy": "push"}', 422, "/when_busy"),
        (b'{"instruction": "a", "priority": 10}', 422, "/priority"),
        (b'{"instruction": "a", "priority": "1"}', 422, "/priority"),
        (b'{"instruction": "a", "temperature": NaN}', 422, "/temperature"),
        (b'{"instruction": "a", "colour": "red"}', 422, "/colour"),
        (b'{"instruction": "a", "a/b~c": 1}', 422, "/a~1b~0c"),
        (
            b'{"instruction": "a", "scene": {"objects": [{"name": "x", "position": [0, 1e999, 0]}]}}',
            422,
            "/scene/objects/0/position/1",
        ),
        (f'{{"instruction": "a", "image": "{PIXEL}"}}'.encode(), 422, "/image"),
        (b'{"instruction": "a", "image": "http://example.com/x.png"}', 422, "/image"),
    ],
)
def test_refuses_what_does_not_fit(
    client: httpx.Client, store: JobStore, body: bytes, status: int, pointer: str | None
) -> None:
    response = client.post("/v1/behaviors", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["instance"] == "/v1/behaviors"
    if pointer is None:
        assert "errors" not in problem
    else:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert store.queued() == 0


def test_names_every_fault_but_not_without_end(client: httpx.Client) -> None:
    body = {"instruction": "a", **{f"field{number}": 1 for number in range(500)}}
    problem = client.post("/v1/behaviors", json=body).json()
    assert 10 <= len(problem["errors"]) <= 50


def test_wants_json(client: httpx.Client) -> None:
    response = client.post("/v1/behaviors", content=b'{"instruction":"a"}', headers={"Content-Type": "text/plain"})
    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_refuses_too_large_a_body(client: httpx.Client, chunked: bool) -> None:
    body = b'{"instruction": "' + b"x" * 30_000 + b'"}'
    content = iter([body]) if chunked else body
    response = client.post("/v1/behaviors", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert "20000" in response.json()["detail"]


def test_does_not_wait_for_ever_for_a_body(router: RunningRouter) -> None:
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/behaviors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"instruction"'
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_names_a_malformed_chunk(router: RunningRouter) -> None:
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/behaviors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_same_key_and_body_give_the_same_behavior(client: httpx.Client, store: JobStore) -> None:
    first = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers={"Idempotency-Key": "abc-1"})
    again = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers={"Idempotency-Key": "abc-1"})

    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert store.queued() == 1


def test_same_key_with_another_body_conflicts(client: httpx.Client, store: JobStore) -> None:
    client.post("/v1/behaviors", json={"instruction": "Wave"}, headers={"Idempotency-Key": "abc-1"})
    other = client.post("/v1/behaviors", json={"instruction": "Sit"}, headers={"Idempotency-Key": "abc-1"})

    assert other.status_code == 422
    assert other.json()["type"].endswith(":idempotency-conflict")
    assert store.queued() == 1


def test_a_key_whose_result_is_forgotten_does_not_make_the_robot_act_again(
    client: httpx.Client, store: JobStore, redis_client: redis.Redis
) -> None:
    key = {"Idempotency-Key": "abc-1"}
    first = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers=key).json()["id"]
    store.cancel(first)
    redis_client.delete(keys.record(first), keys.events(first), keys.result(first))  # as a store may have lost them
    for path in ("/v1/behaviors", "/v1/behaviors?wait=1"):
        again = client.post(path, json={"instruction": "Wave"}, headers=key)
        assert again.status_code == 410
        assert again.json()["type"].endswith(":result-forgotten")
    assert store.queued() == 0


@pytest.mark.parametrize("key", ["", "a b", "a,b", "x" * 201, "caf\xe9"])
def test_refuses_a_malformed_key(client: httpx.Client, store: JobStore, key: str) -> None:
    headers = httpx.Headers([(b"Idempotency-Key", key.encode("latin-1"))])
    response = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["header"] == "Idempotency-Key"
    assert store.queued() == 0


def test_refuses_two_keys(client: httpx.Client, store: JobStore) -> None:
    headers = httpx.Headers([("Idempotency-Key", "one"), ("Idempotency-Key", "two")])
    response = client.post("/v1/behaviors", json={"instruction": "Wave"}, headers=headers)
    assert response.status_code == 400
    assert response.json()["detail"].endswith("sent once.")
    assert store.queued() == 0


def test_full_queue(client: httpx.Client, submit: Submit) -> None:
    for _ in range(3):
        submit()
    response = client.post("/v1/behaviors", json={"instruction": "One too many"})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json()["type"].endswith(":queue-full")


def test_cancels_what_waits(client: httpx.Client, submit: Submit) -> None:
    behavior_id = submit()
    response = client.delete(f"/v1/behaviors/{behavior_id}")
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"
    assert client.delete(f"/v1/behaviors/{behavior_id}").json()["status"] == "cancelled"


def test_asks_the_worker_to_cancel_what_runs(client: httpx.Client, submit: Submit, worker: ActingWorker) -> None:
    behavior_id = submit()
    worker.start(behavior_id)
    response = client.delete(f"/v1/behaviors/{behavior_id}")
    assert response.status_code == 202
    assert response.json()["status"] == "running"


@pytest.mark.parametrize("behavior_id", ["0" * 32, "nonsense", "..%2f", "%00", "é"])
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("GET", "/events")])
def test_unknown_behavior(client: httpx.Client, behavior_id: str, method: str, suffix: str) -> None:
    response = client.request(method, f"/v1/behaviors/{behavior_id}{suffix}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_framework_errors_are_problems_too(client: httpx.Client) -> None:
    missing = client.get("/nothing/here")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    refused = client.put("/v1/behaviors", json={})
    assert (refused.status_code, refused.headers["Content-Type"]) == (405, "application/problem+json")
    assert "POST" in refused.headers["Allow"]


def test_head_and_options(client: httpx.Client, submit: Submit) -> None:
    path = f"/v1/behaviors/{submit()}"
    head = client.head(path)
    assert head.status_code == 200
    assert int(head.headers["Content-Length"]) > 0
    assert head.content == b""
    options = client.options(path)
    assert options.status_code == 200
    assert {"GET", "HEAD", "DELETE", "OPTIONS"} == set(options.headers["Allow"].split(", "))


def test_request_id_is_kept_or_made(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "abc.DEF-1"}).headers["X-Request-Id"] == "abc.DEF-1"
    assert len(client.get("/healthz", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"]) == 32


def test_the_log_tells_no_instruction(router: RunningRouter, client: httpx.Client) -> None:
    client.post("/v1/behaviors", json={"instruction": "whisper-the-secret"})
    client.post("/v1/behaviors", json={"instruction": "whisper-the-secret", "robot": "r2d2"})
    client.post("/v1/behaviors", content=b'{"instruction": "whisper-the-secret"', headers=_JSON)
    assert "whisper" not in router.log()


def test_store_outage(stranded_router: RunningRouter) -> None:
    with stranded_router.client() as client:
        for response in (
            client.post("/v1/behaviors", json={"instruction": "Wave"}),
            client.get("/v1/behaviors/" + "0" * 32),
            client.get("/v1/behaviors/" + "0" * 32 + "/events"),
            client.delete("/v1/behaviors/" + "0" * 32),
        ):
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) >= 1
            assert response.json()["type"].endswith(":store-unavailable")
        assert client.get("/metrics").status_code == 200


_JSON = {"Content-Type": "application/json"}


def _only_queued(store: JobStore) -> str:
    """Id of the behaviour that waits, once one does."""
    client: redis.Redis = store._redis
    while True:
        queued = client.zrange("rbe:queued", 0, -1)
        if queued:
            return str(queued[0])
