"""Kill one service at a time under load: nothing accepted is lost, nothing is carried out twice."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import qi
import redis

from services.embedded.ports import port_of, reserve_port
from services.embedded.stack import Stack
from tests.fault.clients import Client, Followed
from tests.servers import start_server

CLIENTS = 8
LOAD_S = 12.0
ROOT = Path(__file__).resolve().parents[2]


class EchoEngine:
    """The stand-in engine as a process that can be killed."""

    def __init__(self) -> None:
        with reserve_port() as holder:
            self.port = port_of(holder)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.fault.echo_engine", str(self.port)]
        self._process = start_server(command, cwd=ROOT)
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the echo engine did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def engine() -> Iterator[EchoEngine]:
    engine = EchoEngine()
    yield engine
    engine.kill()


@pytest.fixture
def stack(engine: EchoEngine) -> Iterator[Stack]:
    settings = {
        "LLAMACPP_URL": f"http://127.0.0.1:{engine.port}",
        "LEASE_S": "3",
        "WARM_UP_S": "0",
        "MAX_ATTEMPTS": "10",
    }
    services = ("store", "simulator", "gateway", "worker", "router")
    with Stack(services, env=settings, robot_speed=100.0) as stack:
        yield stack


class Listener(threading.Thread):
    """Hears everything that the simulated robot says; its own log of speech is short, so it listens all the time."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._session = qi.Session()
        self._session.connect(stack.simulator_url)
        self._simulator = self._session.service("SimulatedState")
        self._sentences: set[tuple[float, str]] = set()
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.wait(0.2):
            self._listen()

    def _listen(self) -> None:
        speech = json.loads(self._simulator.snapshot())["speech"]
        self._sentences.update((sentence["at_s"], sentence["text"]) for sentence in speech)

    def heard(self) -> Counter[str]:
        """Stop listening; how often each text was said."""
        self._end()
        self._listen()
        return Counter(text for _, text in self._sentences)

    def close(self) -> None:
        self._end()
        self._session.close()

    def _end(self) -> None:
        self._ending.set()
        self.join()


@pytest.fixture
def listener(stack: Stack) -> Iterator[Listener]:
    """It ends before the stack does, lest a test that fails for another reason fails for this one, too."""
    listener = Listener(stack)
    listener.start()
    yield listener
    listener.close()


def restart(stack: Stack, engine: EchoEngine, victim: str) -> None:
    """Kill a service hard, leave it away for a moment, start it again."""
    if victim == "engine":
        engine.kill()
        time.sleep(0.5)
        engine.start()
    else:
        stack.kill(victim)
        time.sleep(0.5)
        stack.start(victim)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", ["atomic", "stream"])
@pytest.mark.parametrize("victim", ["worker", "engine", "router", "store", "gateway"])
def test_killing_a_service_under_load_loses_nothing_and_repeats_nothing(
    stack: Stack,
    engine: EchoEngine,
    listener: Listener,
    victim: str,
    mode: str,
    record_property: Callable[[str, object], None],
) -> None:
    stop = threading.Event()
    clients = [Client(stack.router_url, mode, stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    begun = time.monotonic()
    for moment_s in (LOAD_S * 0.25, LOAD_S * 0.6):
        time.sleep(max(0.0, begun + moment_s - time.monotonic()))
        restart(stack, engine, victim)
    time.sleep(max(0.0, begun + LOAD_S - time.monotonic()))
    stop.set()
    for client in clients:
        client.join(timeout=120)
        assert not client.is_alive(), "a client still waits"
        if client.error is not None:
            raise client.error

    behaviors: list[Followed] = [behavior for client in clients for behavior in client.behaviors]
    heard = listener.heard()
    statuses = Counter(behavior.status for behavior in behaviors)
    summary = {
        "accepted": len(behaviors),
        **statuses,
        "errors": dict(Counter(behavior.error for behavior in behaviors if behavior.error)),
        "resumed streams": sum(behavior.resumed for behavior in behaviors),
        "sent again": sum(behavior.sent - 1 for behavior in behaviors),
        "said twice": sum(count > 1 for count in heard.values()),
    }
    record_property("summary", json.dumps(summary))
    print(f"\n{victim}, {mode}: {summary}")

    assert len(behaviors) > 20, "too little load to show anything"
    assert len({behavior.id for behavior in behaviors}) == len(behaviors)
    for behavior in behaviors:
        assert len(behavior.terminal) == 1, behavior
        order = [tuple(map(int, event_id.split("-"))) for event_id in behavior.event_ids]
        assert order == sorted(set(order)), "event ids grow and none comes twice"
        assert heard[behavior.marker] <= 1, f"{behavior.id} was carried out twice"
        if behavior.status == "succeeded":
            assert heard[behavior.marker] == 1, f"{behavior.id} succeeded but was not carried out"
    assert statuses["succeeded"] > len(behaviors) // 2
    with httpx.Client(base_url=stack.router_url) as http:
        for behavior in behaviors:
            replies = [http.get(f"/v1/behaviors/{behavior.id}").json()["status"] for _ in range(2)]
            assert replies == [behavior.status] * 2


SILENCE_S = 10.1


@pytest.fixture
def impatient_stack(engine: EchoEngine) -> Iterator[Stack]:
    """One whose worker ends itself after the shortest silence that can be set."""
    settings = {
        "LLAMACPP_URL": f"http://127.0.0.1:{engine.port}",
        "WARM_UP_S": "0",
        "WORKER_SILENCE_S": str(SILENCE_S),
    }
    with Stack(("store", "simulator", "gateway", "worker", "router"), env=settings, robot_speed=100.0) as stack:
        yield stack


def test_a_worker_that_was_stopped_for_long_works_on_when_it_may(impatient_stack: Stack) -> None:
    worker = impatient_stack.pid("worker")
    os.kill(worker, signal.SIGSTOP)  # as a machine does that sleeps
    time.sleep(SILENCE_S + 3)
    os.kill(worker, signal.SIGCONT)

    body = {"instruction": f"Say marker-{uuid.uuid4().hex}"}
    with httpx.Client(base_url=impatient_stack.router_url, timeout=30) as http:
        for _ in range(2):  # the second after the watch has looked at what the first found
            document = http.post("/v1/behaviors?wait=20", json=body).json()
            assert document["status"] == "succeeded", document
            time.sleep(3)
    impatient_stack.check()
    assert impatient_stack.pid("worker") == worker


def test_a_worker_outlives_a_store_that_refuses_for_long(impatient_stack: Stack) -> None:
    """As one whose disk is full; here it asks for a replica, and there is none."""
    worker = impatient_stack.pid("worker")
    body = {"instruction": f"Say marker-{uuid.uuid4().hex}"}
    with redis.Redis(port=impatient_stack.ports["store"]) as store:
        store.config_set("min-replicas-to-write", 1)
        time.sleep(SILENCE_S + 6)
        with httpx.Client(base_url=impatient_stack.router_url, timeout=30) as http:
            assert http.post("/v1/behaviors", json=body).status_code == 503
            store.config_set("min-replicas-to-write", 0)
            document = http.post("/v1/behaviors?wait=20", json=body).json()
    assert document["status"] == "succeeded", document
    impatient_stack.check()
    assert impatient_stack.pid("worker") == worker
