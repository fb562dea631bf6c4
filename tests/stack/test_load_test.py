"""The load test of the shipped compose file: behind its profile, closed up, and in front of the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from loadtest.records import Record
from services.embedded.ports import port_of, reserve_port
from tests.stack.checks import assert_held_by_the_kernel, assert_no_rights
from tests.stack.conftest import ComposeStack

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def web_ui(stack: ComposeStack) -> Iterator[str]:
    """Address of the load test's web UI; it is up."""
    with reserve_port() as holder:
        port = port_of(holder)
    settings = {"LOADTEST_PORT": str(port), "LOADTEST_RECORDS": "/data/records.jsonl"}
    stack.environment |= settings
    try:
        stack.up("--build", "--no-deps", "loadtest", COMPOSE_PROFILES="loadtest")
        yield f"http://127.0.0.1:{port}"
    finally:
        stack.run("docker", "compose", "--profile", "loadtest", "rm", "--stop", "--force", "loadtest")
        for name in settings:
            del stack.environment[name]


def test_it_is_closed_up_and_on_loopback(stack: ComposeStack, web_ui: str) -> None:
    document = stack.inspect("loadtest")
    mounts = document.pop("Mounts")
    assert_no_rights({**document, "Mounts": []})
    assert {mount["Destination"] for mount in mounts if mount["RW"]} == {"/data"}
    assert_held_by_the_kernel(stack, "loadtest")
    (published,) = document["NetworkSettings"]["Ports"]["8089/tcp"]
    assert published["HostIp"] == "127.0.0.1"
    assert len(document["NetworkSettings"]["Networks"]) == 1


def test_it_reaches_the_router_alone(stack: ComposeStack, web_ui: str) -> None:
    for service, port, reaches in (("router", 8000, True), ("redis", 6379, False), ("engine-llamacpp", 8080, False)):
        networks = stack.inspect(service)["NetworkSettings"]["Networks"]
        answers = [
            stack.exec("loadtest", "python3", "-m", "services.healthcheck", f"tcp://{network['IPAddress']}:{port}")
            for network in networks.values()
        ]
        assert any(answer.returncode == 0 for answer in answers) == reaches, service


def test_a_run_from_its_web_ui_is_recorded(stack: ComposeStack, web_ui: str) -> None:
    fields = {"user_count": "1", "spawn_rate": "1", "run_time": "20s", "mix": "short"}
    begun = httpx.post(f"{web_ui}/swarm", data=fields, timeout=20).json()
    assert begun["success"], begun
    stack.wait_until(lambda: httpx.get(f"{web_ui}/stats/requests").json()["state"] == "stopped", 150)
    (row,) = httpx.get(f"{web_ui}/stats/requests").json()["extended_stats"][0]["data"]
    assert row["name"] == "llamacpp"
    lines = stack.exec("loadtest", "cat", "/data/records.jsonl").stdout.splitlines(keepends=True)
    records = [Record.from_line(line) for line in lines]
    assert len(records) > 0
    assert sum(record.outcome == "completed" for record in records) == row["completed"]


def test_it_runs_without_its_web_ui(stack: ComposeStack, web_ui: str) -> None:
    options = (
        "--headless",
        "--users",
        "1",
        "--run-time",
        "5s",
        "--mix",
        "short",
        "--json",
        "--exit-code-on-error",
        "0",
    )
    run = ("--profile", "loadtest", "run", "--rm", "-T", "--no-deps", "loadtest", "loadtest.traffic", *options)
    counted = json.loads(stack.compose(*run))
    assert {entry["name"] for entry in counted} == {"llamacpp"}
