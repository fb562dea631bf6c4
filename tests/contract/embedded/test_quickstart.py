"""The quick start as a user meets it: real store, engine, simulated robot, worker and router."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.behavior.schema import MAX_INSTRUCTION_CHARACTERS, BehaviorResult
from services.embedded import options, quickstart

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "services.embedded.quickstart"]


def readme_commands() -> list[list[str]]:
    """The quick start's commands in README.md, as words."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("scripts/quickstart")]


def run(*arguments: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=110,
    )


def processes_of(directory: Path) -> list[str]:
    """Command lines of the processes whose temporary directory is this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={directory}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended meanwhile
    return found


def test_readme_command_ends_with_a_robot_that_acted(tmp_path: Path) -> None:
    [[script, *arguments]] = readme_commands()
    assert os.access(ROOT / script, os.X_OK)
    answer = run("--json", *arguments, temporary=tmp_path)
    assert answer.returncode == 0, answer.stderr
    result = BehaviorResult.model_validate_json(answer.stdout)
    assert result.status == "succeeded"
    assert result.instruction == arguments[0]
    assert result.plan
    assert result.actions
    (picture,) = re.findall(r"^picture  (.*)$", answer.stderr, re.MULTILINE)
    assert Path(picture).read_text().startswith("<svg")
    assert [*tmp_path.iterdir()] == [], "files are left behind"
    assert processes_of(tmp_path) == []


def test_the_other_robot_acts_too(tmp_path: Path) -> None:
    answer = run("--json", "--robot", "porter", temporary=tmp_path)
    assert answer.returncode == 0, answer.stderr
    result = BehaviorResult.model_validate_json(answer.stdout)
    assert (result.status, result.robot) == ("succeeded", "porter")
    assert {action.service for action in result.actions} == {"robot"}
    assert processes_of(tmp_path) == []


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A quick start that stays up, and its router's address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*COMMAND, "--keep", "--port", str(port), "Wave and say hello"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        shown = ""
        while "curl -N" not in shown:
            line = process.stdout.readline()
            assert line, f"it ended: {shown}"
            shown += line
        assert "plan     1. " in shown
        assert "robot      0.00 s" in shown
        url = f"http://127.0.0.1:{port}"
        (picture,) = re.findall(rf"^picture  ({url}/v1/behaviors/\w+/picture.svg)$", shown, re.MULTILINE)
        with urllib.request.urlopen(picture, timeout=10) as answer:
            assert answer.read().startswith(b"<svg")
        yield process, url
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_keep_stays_up_until_interrupted(kept: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    process, url = kept
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        assert answer.status == 200
    taken = run("--port", url.rpartition(":")[2], temporary=tmp_path)
    assert taken.returncode == 1
    assert taken.stderr.startswith("Port ")
    assert "choose another with --port" in taken.stderr
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("length", [0, MAX_INSTRUCTION_CHARACTERS + 1])
def test_an_instruction_that_does_not_fit_is_wrong_usage(tmp_path: Path, length: int) -> None:
    answer = run("--json", "a" * length, temporary=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert f"the instruction has {length} characters" in answer.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [], "nothing was started for it"


def test_every_example_of_the_help_is_a_valid_command() -> None:
    examples = re.findall(r"^  scripts/quickstart(.*?)(?:   .*)?$", options.EXAMPLES, re.MULTILINE)
    assert len(examples) == 6
    for example in examples:
        options.parse(shlex.split(example.partition("|")[0]))


def test_what_comes_next_is_not_what_was_just_done() -> None:
    assert "an instruction of your own" in quickstart.next_steps(options.DEFAULT_INSTRUCTIONS["nao"], "nao")
    after = quickstart.next_steps("Walk forward one metre", "nao")
    assert after.startswith("Next: --keep leaves it up")
    assert "\n" not in after


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_wrong_usage(port: str) -> None:
    answer = subprocess.run([*COMMAND, f"--port={port}"], capture_output=True, text=True, timeout=30)
    assert answer.returncode == 2
    assert "is not a port; use a number" in answer.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_leaves_nothing(tmp_path: Path, signum: signal.Signals) -> None:
    with subprocess.Popen(
        COMMAND, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Starting: ")
        process.send_signal(signum)
        process.stderr.read()
        assert process.wait(timeout=30) == 128 + signum
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
