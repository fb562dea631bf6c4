"""Several backends behind one router: switching, splitting, taking over, shadows, circuits, and their state told."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
import redis

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import HangUp, Received, ScriptedServer, answer

PATH = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "Wave"}]}
NAMES = ("llamacpp", "vllm", "transformers")

Ask = Callable[..., httpx.Response]
Start = Callable[..., tuple[RunningRouter, dict[str, ScriptedServer]]]


def named(name: str, status: str = "200 OK") -> Callable[[Received], None]:
    return lambda request: request.send(answer(json.dumps({"from": name}).encode(), status=status))


def unavailable(request: Received) -> None:
    raise HangUp


@pytest.fixture
def start(redis_url: str, redis_client: redis.Redis) -> Iterator[Start]:
    """Starts a router with settings, and scripted servers as its three backends, each answering with its name."""
    with ExitStack() as stack:

        def start(**settings: str) -> tuple[RunningRouter, dict[str, ScriptedServer]]:
            servers = {name: stack.enter_context(ScriptedServer()) for name in NAMES}
            for name, server in servers.items():
                server.script = named(name)
            urls = {f"{name.upper()}_URL": server.url for name, server in servers.items()}
            base = {"REDIS_URL": redis_url, "ROUTER_PROCESSES": "1", "ROUTER_ADMISSION_TIMEOUT_S": "1"}
            return stack.enter_context(running_router(**base, **urls, **settings)), servers

        yield start


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def ask(http: httpx.Client) -> Ask:
    """Asks a router's pass-through."""

    def ask(router: RunningRouter, **headers: str) -> httpx.Response:
        return http.post(f"{router.url}{PATH}", json=BODY, headers=headers)

    return ask


def test_the_default_is_one_variable_and_a_header_chooses(start: Start, ask: Ask) -> None:
    router, _ = start(BACKEND="vllm")
    assert ask(router).json() == {"from": "vllm"}
    assert ask(router, **{"X-Backend": "transformers"}).json() == {"from": "transformers"}


def test_a_split_spreads_what_names_no_backend(
    start: Start, redis_client: redis.Redis, ask: Ask, http: httpx.Client
) -> None:
    router, _ = start(BACKEND_SPLIT="vllm=1,transformers=1")
    answered = Counter(ask(router).json()["from"] for _ in range(30))
    assert set(answered) == {"vllm", "transformers"}
    orders = (http.post(f"{router.url}/v1/behaviors", json={"instruction": "Wave"}) for _ in range(30))
    accepted = [order.json()["backend"] for order in orders]
    assert set(accepted) == {"vllm", "transformers"}


@pytest.mark.parametrize("trouble", [unavailable, named("busy", "429 Too Many"), named("full", "503 Full")])
def test_another_takes_over_before_an_answer_has_begun(
    start: Start, trouble: Callable[[Received], None], ask: Ask
) -> None:
    router, servers = start(BACKEND_FAILOVER="vllm,transformers")
    servers["llamacpp"].script = servers["vllm"].script = trouble
    assert ask(router).json() == {"from": "transformers"}


def test_a_named_backend_is_not_replaced(start: Start, ask: Ask) -> None:
    router, servers = start(BACKEND_FAILOVER="vllm")
    servers["transformers"].script = unavailable
    assert ask(router, **{"X-Backend": "transformers"}).status_code == 502


def test_the_last_answer_counts_when_all_are_busy(start: Start, ask: Ask) -> None:
    router, servers = start(BACKEND_FAILOVER="vllm")
    servers["llamacpp"].script = named("a", "503 Full")
    servers["vllm"].script = named("b", "429 Too Many")
    response = ask(router)
    assert (response.status_code, response.json()) == (429, {"from": "b"})


def test_a_shadow_gets_copies_and_its_answers_go_nowhere(start: Start, ask: Ask, http: httpx.Client) -> None:
    router, servers = start(BACKEND_SHADOW="vllm=1")
    assert ask(router).json() == {"from": "llamacpp"}
    copied = servers["vllm"].next_request()
    assert json.loads(copied.body) == BODY
    servers["vllm"].script = unavailable
    assert ask(router).json() == {"from": "llamacpp"}
    wanted = ('backend="vllm",outcome="answered"} 1.0', 'backend="vllm",outcome="failed"} 1.0')
    deadline = time.monotonic() + 10
    while not all(series in http.get(f"{router.url}/metrics").text for series in wanted):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_circuit_opens_is_told_and_closes_again(start: Start, ask: Ask, http: httpx.Client) -> None:
    router, servers = start(CIRCUIT_FAILURES="2", CIRCUIT_OPEN_S="1", CIRCUIT_SUCCESSES="1")

    def state() -> str:
        backends = http.get(f"{router.url}/v1/backends").json()["backends"]
        return next(str(backend["circuit"]) for backend in backends if backend["name"] == "llamacpp")

    servers["llamacpp"].script = unavailable
    assert [ask(router).status_code for _ in range(2)] == [502, 502]
    assert state() == "open"
    servers["llamacpp"].reset()
    refused = ask(router)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert servers["llamacpp"].received.empty(), "an open circuit lets nothing through"

    servers["llamacpp"].script = named("llamacpp")
    deadline = time.monotonic() + 10
    while state() == "open":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ask(router).json() == {"from": "llamacpp"}
    assert state() == "closed"


def test_one_that_was_away_is_tried_as_soon_as_it_is_back(start: Start, redis_client: redis.Redis, ask: Ask) -> None:
    away = ScriptedServer()
    with away:
        url = away.url
    router, _ = start(BACKEND="tgi", TGI_URL=url, CIRCUIT_FAILURES="1", CIRCUIT_OPEN_S="3600")
    assert ask(router).status_code == 503
    assert ask(router).json()["error"]["code"] == "backend_left_alone"

    back = ScriptedServer(port=away.port)
    with back:
        back.script = named("tgi")
        deadline = time.monotonic() + 15
        while ask(router).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_ready_while_one_of_those_that_serve_is(start: Start, http: httpx.Client) -> None:
    router, servers = start(BACKEND_FAILOVER="vllm")
    servers["llamacpp"].script = named("a", "503 Loading")
    backends = {b["name"]: b for b in http.get(f"{router.url}/v1/backends").json()["backends"]}
    assert (backends["llamacpp"]["ready"], backends["vllm"]["ready"]) == (False, True)
    dependencies = http.get(f"{router.url}/readyz").json()["dependencies"]
    assert not dependencies["backend llamacpp"]["needed"]


def test_the_state_of_every_backend_is_told(start: Start) -> None:
    routing = {"BACKEND_SPLIT": "llamacpp=3,vllm=1", "BACKEND_SHADOW": "transformers=0.5", "BACKEND_FAILOVER": "vllm"}
    router, _ = start(**routing, TGI_URL="http://127.0.0.1:9")
    with router.client() as client:
        document = client.get("/v1/backends").json()
    assert (document["default"], document["failover"]) == ("llamacpp", ["vllm"])
    told = {backend["name"]: (backend["share"], backend["shadow"]) for backend in document["backends"]}
    assert told == {"llamacpp": (0.75, 0.0), "tgi": (0.0, 0.0), "vllm": (0.25, 0.0), "transformers": (0.0, 0.5)}
    constrained = {backend["name"] for backend in document["backends"] if backend["constrained"]}
    assert constrained == {"llamacpp", "tgi", "vllm"}


def test_what_clients_can_provoke_does_not_open_a_circuit(start: Start, ask: Ask) -> None:
    router, servers = start(CIRCUIT_FAILURES="2")
    servers["llamacpp"].script = named("confused", "500 Internal Server Error")
    assert [ask(router).status_code for _ in range(6)] == [500] * 6
    servers["llamacpp"].script = named("llamacpp")
    assert ask(router).json() == {"from": "llamacpp"}
