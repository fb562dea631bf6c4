"""A worker that cannot work says why, in one line, and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from services.embedded import store
from services.embedded.ports import port_of, reserve_port

ROOT = Path(__file__).resolve().parents[3]


def worker_that_ends(**variables: str) -> tuple[int, str]:
    """Exit status and standard error of a worker."""
    environ = {**os.environ, "WARM_UP_S": "0", "WORKER_GRACE_S": "0.1", **variables}
    ended = subprocess.run(
        [sys.executable, "-m", "services.worker"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    return ended.returncode, ended.stderr


def test_a_wrong_setting() -> None:
    status, told = worker_that_ends(BATCH_SIZE="0")
    assert (status, told) == (
        2,
        "The worker does not start: BATCH_SIZE=0 is not valid: Input should be greater than 0.\n",
    )


def test_a_robot_that_there_is_not() -> None:
    status, told = worker_that_ends(LLAMACPP_TUNED="noa=0")
    assert (status, told.count("\n")) == (2, 1)
    assert "LLAMACPP_TUNED names a robot 'noa'" in told


def test_a_port_for_metrics_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, told = worker_that_ends(WORKER_METRICS_PORT=str(other.getsockname()[1]))
    assert (status, told.count("\n")) == (2, 1)
    assert "WORKER_METRICS_PORT" in told


def test_a_chat_template_that_is_not_there() -> None:
    status, told = worker_that_ends(BACKEND="tensorrtllm", TENSORRTLLM_CHAT_TEMPLATE="/no/such.jinja")
    assert (status, told.count("\n")) == (2, 1)
    assert "/no/such.jinja" in told


def test_a_store_of_another_age(tmp_path: Path) -> None:
    """Before 7.0 Redis has no BLMPOP; here a newer one is told to know it no more."""
    with reserve_port() as holder:
        port = port_of(holder)
        command = [*store.server_command(port, tmp_path), "--rename-command", "BLMPOP", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            status, told = worker_that_ends(REDIS_URL=f"redis://127.0.0.1:{port}/0")
        finally:
            server.terminate()
            server.wait(timeout=10)
    assert status == 2
    assert "Redis 7.0 or later, or Valkey, is needed" in told
