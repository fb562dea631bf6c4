"""The shipped compose file, brought up under a project name of its own for the session and taken down after it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.behavior.schema import TERMINAL_STATUSES
from services.embedded.ports import port_of, reserve_port
from tests.__main__ import docker_trouble

ROOT = Path(__file__).resolve().parents[2]
BUILD_TIMEOUT_S = 1200
COMMAND_TIMEOUT_S = 300
#: The first prompt is computed in full; on a busy machine that alone takes a minute.
BEHAVIOR_TIMEOUT_S = 240


class ComposeStack:
    """``docker compose`` on the repository's compose.yaml, apart from every other project on the engine."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        project = f"stack-test-{uuid.uuid4().hex[:8]}"
        self.environment = {
            # What the developer has set for compose or the engine is not what is tested.
            **{name: value for name, value in os.environ.items() if not name.startswith(("BACKEND", "COMPOSE_"))},
            "COMPOSE_PROJECT_NAME": project,
            "COMPOSE_ANSI": "never",
            "COMPOSE_PROGRESS": "plain",
            "IMAGE_TAG": project,
            "NAO_SPEED": "20",
            "ROUTER_PORT": str(port),
        }

    def run(self, *command: str, timeout_s: float = COMMAND_TIMEOUT_S, **changes: str) -> subprocess.CompletedProcess:
        """Run a command in the project's environment, changed as said; its output is text and never raises."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **changes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )

    def compose(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S, **changes: str) -> str:
        """Standard output of ``docker compose ARGUMENTS``, which has to succeed."""
        done = self.run("docker", "compose", *arguments, timeout_s=timeout_s, **changes)
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def up(self, *arguments: str, env_file: str = ".env", **changes: str) -> None:
        """Bring services up, with the settings of an env file, and wait until they are healthy."""
        command = ("--env-file", env_file, "up", "--detach", "--wait", "--wait-timeout", "240", *arguments)
        self.compose(*command, timeout_s=BUILD_TIMEOUT_S, **changes)

    def exec(self, service: str, *command: str) -> subprocess.CompletedProcess:
        """Run a command inside a service's container."""
        return self.run("docker", "compose", "exec", "-T", service, *command)

    def services(self) -> list[str]:
        """Every service of the compose file."""
        return self.compose("config", "--services").split()

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's one container, running or not."""
        identity = self.compose("ps", "--all", "--quiet", service).strip()
        documents = json.loads(self.run("docker", "inspect", identity).stdout)
        assert len(documents) == 1, f"{service} has no container"
        return documents[0]

    def wait_for_restart(self, service: str, before: dict[str, Any], timeout_s: float = 120) -> None:
        """Return when the engine has restarted the container that ``before`` describes, and finds it healthy."""
        deadline = time.monotonic() + timeout_s
        while True:
            state = self.inspect(service)["State"]
            if state["StartedAt"] != before["State"]["StartedAt"] and state["Health"]["Status"] == "healthy":
                return
            assert time.monotonic() < deadline, f"{service} did not recover within {timeout_s:.0f} s: {state}"
            time.sleep(0.5)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Return when the condition holds, asked twice a second."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen within {timeout_s:.0f} s"
            time.sleep(0.5)

    def behave(self, instruction: str, robot: str = "nao") -> dict[str, Any]:
        """The final document of an instruction carried out on a simulated robot."""
        body = {"instruction": instruction, "robot": robot}
        answer = httpx.post(f"{self.url}/v1/behaviors?wait=60", json=body, timeout=70)
        deadline = time.monotonic() + BEHAVIOR_TIMEOUT_S
        while answer.is_success and answer.json()["status"] not in TERMINAL_STATUSES:
            assert time.monotonic() < deadline, f"not done after {BEHAVIOR_TIMEOUT_S} s: {answer.text}"
            time.sleep(1)
            answer = httpx.get(f"{self.url}/v1/behaviors/{answer.json()['id']}")
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()

    def diagnosis(self) -> str:
        """State, last health check and last log lines of every container, for the report of a failed test."""
        said = [self.run("docker", "compose", "ps", "--all").stdout]
        for identity in self.run("docker", "compose", "ps", "--all", "--quiet").stdout.split():
            document = json.loads(self.run("docker", "inspect", identity).stdout)[0]
            checks = document["State"].get("Health", {}).get("Log") or [{"Output": "not checked yet"}]
            said.append(f"{document['Name']}: {checks[-1]['Output'].strip() or 'passed'}")
        logs = self.run("docker", "compose", "logs", "--no-color", "--tail", "40")
        return "\n".join([*said, logs.stdout, logs.stderr])

    def down(self) -> None:
        """Remove containers, networks, volumes and the images that were built."""
        self.run("docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans", "--rmi", "local")
        images = self.run("docker", "images", "--quiet", f"robot-behavior-engine/*:{self.environment['IMAGE_TAG']}")
        if images.stdout.split():
            self.run("docker", "rmi", "--force", *set(images.stdout.split()))


@pytest.fixture(scope="session")
def compose() -> ComposeStack:
    """Compose without a project that runs, to ask what it would do."""
    if trouble := docker_trouble():
        pytest.skip(trouble)
    return ComposeStack(port=8000)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[ComposeStack]:
    """The whole stack, built, up and healthy."""
    if trouble := docker_trouble():
        pytest.skip(trouble)
    with reserve_port() as holder:
        port = port_of(holder)
    stack = ComposeStack(port)
    try:
        try:
            stack.up("--build")
        except AssertionError as error:
            pytest.fail(f"{error}\n{stack.diagnosis()}", pytrace=False)
        request.config.stash[_STACK] = stack
        yield stack
    finally:
        stack.down()


_STACK = pytest.StashKey[ComposeStack]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the containers' state and logs to the report of a test that failed."""
    report = yield
    stack = item.config.stash.get(_STACK, None)
    if report.when == "call" and report.failed and stack is not None:
        report.sections.append(("containers", stack.diagnosis()))
    return report
