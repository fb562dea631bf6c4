"""The stack's promises about processes, on its lightest service: none outlives its owner, each death is noticed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from services.embedded.ports import PortTaken
from services.embedded.stack import Stack, StackError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of temporary files of the test's own, in which no stack leaves anything."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    wait_until(lambda: not any(folder.iterdir()))


def wait_until(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"  # a zombie is dead, though nobody has reaped it yet


def test_leaves_neither_process_nor_file_behind() -> None:
    with Stack(("store",)) as stack:
        pid = stack.pid("store")
        assert redis.Redis.from_url(stack.redis_url).ping()
    assert not is_alive(pid)
    assert not stack.directory.exists()


def test_a_killed_store_comes_back_at_its_address_with_its_data() -> None:
    with Stack(("store",)) as stack:
        client = redis.Redis.from_url(stack.redis_url, decode_responses=True)
        client.set("key", "value")
        client.bgrewriteaof()
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        stack.kill("store")
        stack.start("store")
        assert client.get("key") == "value"


def test_a_death_that_nobody_ordered_is_an_error_with_the_end_of_the_log(tmp_path: Path) -> None:
    def lose_the_store() -> None:
        with stack:
            os.kill(stack.pid("store"), signal.SIGKILL)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:  # the kernel takes a moment
                stack.check()
                time.sleep(0.02)

    kept = tmp_path / "reports" / "logs"
    stack = Stack(("store",), failure_logs=kept)
    with pytest.raises(
        StackError, match=r"store was killed by signal 9\. The end of store\.log:[\s\S]*Ready to accept"
    ):
        lose_the_store()
    assert "Ready to accept connections" in (kept / "store.log").read_text()
    assert not stack.directory.exists()


def test_a_service_that_cannot_start_is_an_error_that_says_why() -> None:
    with (
        pytest.raises(StackError, match=r"The worker ended with status 2[\s\S]*BATCH_SIZE=many is not valid"),
        Stack(("store", "worker"), env={"BATCH_SIZE": "many"}),
    ):
        pytest.fail("it came up")


def test_a_service_that_does_not_become_ready_is_an_error() -> None:
    nobody = {"REDIS_URL": "redis://127.0.0.1:9/0"}
    with pytest.raises(StackError, match=r"Not ready within 2 s: worker"), Stack(("worker",), env=nobody, timeout_s=2):
        pytest.fail("it came up")


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}"), Stack(("store",), router_port=port):
            pytest.fail("it came up")


def test_unknown_services_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown services \['rooter'\]"):
        Stack(("rooter",))


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_an_owner_that_dies(signum: signal.Signals, temporary: Path) -> None:
    program = """
import sys, time
from services.embedded.stack import Stack
with Stack(("store",)) as stack:
    print(stack.pid("store"), flush=True)
    time.sleep(60)
"""
    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as owner:
        assert owner.stdout is not None
        store = int(owner.stdout.readline())
        assert is_alive(store)
        owner.send_signal(signum)
        owner.wait(timeout=15)
    wait_until(lambda: not is_alive(store))
