"""The load test in a process of its own, in front of the real router, queue and worker, with engines of a set pace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loadtest.processes import ROOT, fake_engine
from loadtest.records import Record, read_records
from services.embedded.stack import SERVICES, Stack

#: The router knows no other names; what stands behind them here are engines that behave in these ways.
FAST, NARROW, WRONG, BROKEN = "llamacpp", "vllm", "transformers", "deepspeed"
ENGINES = {
    FAST: ("--ttft-ms", "50", "--tokens-per-second", "200"),
    NARROW: ("--ttft-ms", "150", "--tokens-per-second", "200"),
    WRONG: ("--program", "ALMotion.flyAway(1.0)\n"),
    BROKEN: ("--error-rate", "1"),
}
_SETTINGS = {
    "ANSWERS_SHARED": "false",
    "BACKENDS": ",".join(ENGINES),
    "LLAMACPP_MAX_CONCURRENCY": "64",
    "VLLM_MAX_CONCURRENCY": "2",
    "CIRCUIT_FAILURES": "1000",
    "ROUTER_PROCESSES": "1",  # each has its share of a backend's concurrency
    "ROUTER_ADMISSION_TIMEOUT_S": "0.1",
}


@dataclass(frozen=True)
class Done:
    """A run of the load test that has ended."""

    status: int
    output: str
    errors: str
    records: list[Record] = field(repr=False)


class LoadTest:
    """Runs the load test without its web UI."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.records_path = directory / "records.jsonl"

    def run(self, *options: str, host: str | None = None, timeout_s: float = 60) -> Done:
        """A run with these options; its records are kept unless the options name another file."""
        command = [sys.executable, "-m", "loadtest.traffic", "--headless", "--only-summary", "--host", host or self.url]
        command += [*(() if "--records" in options else ("--records", str(self.records_path))), *options]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environ(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )
        records = list(read_records(self.records_path)) if self.records_path.exists() else []
        return Done(done.returncode, done.stdout, done.stderr, records)


def environ() -> dict[str, str]:
    """The caller's environment without what would tell Locust something."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "LOADTEST_"))}
    return ours | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """Address of a router in front of all ``ENGINES``."""
    with contextlib.ExitStack() as cleanup:
        urls = {f"{name.upper()}_URL": cleanup.enter_context(fake_engine(*how)) for name, how in ENGINES.items()}
        services = [name for name in SERVICES if name != "engine"]
        yield cleanup.enter_context(Stack(services, env=_SETTINGS | urls, timeout_s=60)).router_url


@pytest.fixture
def load_test(engine_url: str, tmp_path: Path) -> LoadTest:
    """The load test, for that router."""
    return LoadTest(engine_url, tmp_path)
