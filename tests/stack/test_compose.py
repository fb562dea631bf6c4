"""The shipped compose file on a real engine: healthy, closed up as it says, and able to do the work."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from services.behavior.schema import BehaviorResult
from tests.stack.checks import assert_held_by_the_kernel, assert_no_rights
from tests.stack.conftest import ComposeStack

pytestmark = pytest.mark.timeout(1500)

#: Who may reach whom, by the networks that they share: client, server, port, whether it answers.
ROADS = [
    ("robot", "nao", 9559, True),
    ("worker", "redis", 6379, True),
    ("worker", "nao", 9559, False),
    ("router", "nao", 9559, False),
    ("robot", "redis", 6379, False),
    ("engine-llamacpp", "redis", 6379, False),
]


def test_every_service_is_healthy(stack: ComposeStack) -> None:
    states = {service: stack.inspect(service)["State"]["Health"]["Status"] for service in stack.services()}
    assert states == dict.fromkeys(("engine-llamacpp", "nao", "redis", "robot", "router", "worker"), "healthy")


def test_the_router_says_that_all_is_ready(stack: ComposeStack) -> None:
    answer = httpx.get(f"{stack.url}/readyz")
    assert answer.status_code == httpx.codes.OK, answer.text
    assert all(dependency["ready"] for dependency in answer.json()["dependencies"].values()), answer.text


def test_a_behaviour_is_carried_out(stack: ComposeStack) -> None:
    result = BehaviorResult.model_validate(stack.behave("Wave and say hello"))
    assert result.status == "succeeded", result
    assert result.actions, result
    assert result.backend == "llamacpp"


def test_containers_hold_no_rights(stack: ComposeStack) -> None:
    for service in stack.services():
        assert_no_rights(stack.inspect(service))


def test_the_kernel_holds_them_to_it(stack: ComposeStack) -> None:
    for service in stack.services():
        assert_held_by_the_kernel(stack, service)


def test_only_the_router_is_published_and_on_loopback(stack: ComposeStack) -> None:
    published = {
        service: [address for addresses in ports.values() for address in addresses or []]
        for service in stack.services()
        if any((ports := stack.inspect(service)["NetworkSettings"]["Ports"]).values())
    }
    port = stack.environment["ROUTER_PORT"]
    assert published == {"router": [{"HostIp": "127.0.0.1", "HostPort": port}]}


@pytest.mark.parametrize(("client", "server", "port", "reaches"), ROADS)
def test_services_reach_only_whom_they_need(
    stack: ComposeStack, client: str, server: str, port: int, reaches: bool
) -> None:
    # By address: a name that does not resolve would not prove that the road is closed.
    (network,) = stack.inspect(server)["NetworkSettings"]["Networks"].values()
    answer = stack.exec(client, "python3", "-m", "services.healthcheck", f"tcp://{network['IPAddress']}:{port}")
    assert (answer.returncode == 0) == reaches, answer.stdout + answer.stderr


def test_nothing_has_a_way_off_the_machine(stack: ComposeStack) -> None:
    for service in stack.services():
        networks = stack.inspect(service)["NetworkSettings"]["Networks"]
        for network in json.loads(stack.run("docker", "network", "inspect", *networks).stdout):
            published_from = service == "router" and network["Name"].endswith("_edge")
            closed = network["Options"].get("com.docker.network.bridge.enable_ip_masquerade") == "false"
            assert network["Internal"] or (published_from and closed), f"{service}: {network['Name']}"


def test_the_store_keeps_what_it_accepts(stack: ComposeStack) -> None:
    words = stack.exec("redis", "redis-cli", "config", "get", "*").stdout.splitlines()
    settings = dict(zip(words[::2], words[1::2], strict=False))
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert int(settings["maxmemory"]) > 0


def test_a_killed_worker_comes_back(stack: ComposeStack) -> None:
    before = stack.inspect("worker")
    stack.exec("worker", "sh", "-c", "kill -9 -1")  # everything in the container but its init
    stack.wait_for_restart("worker", before)
    assert stack.behave("Say hello")["status"] in ("succeeded", "refused")


def test_the_router_does_not_serve_the_world_without_keys(stack: ComposeStack) -> None:
    answer = stack.run("docker", "compose", "run", "--rm", "-T", "--no-deps", "router", ROUTER_ADDRESS="0.0.0.0")
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert "API_KEYS_FILE" in answer.stdout + answer.stderr
    assert "ROUTER_ADDRESS" in answer.stdout + answer.stderr


def test_keys_come_as_a_secret_file(stack: ComposeStack, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("# who may call\nlab:correct-horse-battery\n")
    try:
        stack.up("--no-deps", "router", API_KEYS_FILE=str(keys))
        assert httpx.get(f"{stack.url}/v1/models").status_code == httpx.codes.UNAUTHORIZED
        key = {"Authorization": "Bearer correct-horse-battery"}
        assert httpx.get(f"{stack.url}/v1/models", headers=key).status_code == httpx.codes.OK
        assert "correct-horse" not in str(stack.inspect("router")), "the key shows in the container's settings"
    finally:
        stack.up("--no-deps", "router")
    assert httpx.get(f"{stack.url}/v1/models").status_code == httpx.codes.OK


def test_services_stop_cleanly_and_the_backup_brings_the_store_back(stack: ComposeStack, tmp_path: Path) -> None:
    """The commands are those of DEPLOY.md, run as they stand there."""
    deploy = Path("DEPLOY.md").read_text(encoding="utf-8")
    backup = _commands_below(deploy, "### Backup")
    restore = _commands_below(deploy, "### Restore")
    archive = str(tmp_path / "store.tar")
    before = stack.behave("Sit down")

    saved = stack.run("bash", "-euc", backup, BACKUP=archive)
    assert saved.returncode == 0, saved.stdout + saved.stderr
    stack.compose("stop")
    for service in stack.services():
        assert stack.inspect(service)["State"]["ExitCode"] == 0, f"{service} did not stop cleanly"

    restored = stack.run("bash", "-euc", restore, BACKUP=archive)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    after = httpx.get(f"{stack.url}/v1/behaviors/{before['id']}")
    assert after.status_code == httpx.codes.OK, after.text
    assert after.json() == before


def _commands_below(document: str, heading: str) -> str:
    """The first code block after a heading."""
    return document.split(f"\n{heading}\n", 1)[1].split("```", 2)[1].removeprefix("bash\n")
