"""Starting what is measured, waiting until it answers, and leaving none of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
_STOP_S = 6.0
_TAIL_BYTES = 2000


class StartError(Exception):
    """A process did not start; the message ends with what it wrote last."""


class Program:
    """A context manager that runs a program in a process group of its own and ends the group with the block."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._name = name
        self._command = command
        self._environ = environ

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - the benchmark's own commands
            self._command, env=dict(self._environ), stdout=self._log, stderr=self._log, start_new_session=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
                break
        self._log.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raises StartError if the program has ended."""
        if self._process.poll() is not None:
            raise StartError(f"{self._name} ended. It wrote:\n{self._tail()}")

    def wait_until_ok(self, url: str, timeout_s: float) -> None:
        """Wait until ``url`` answers 200. Raises StartError if the program ends or takes too long."""
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - http
                if response.status == 200:
                    return
            self.check()
            if time.monotonic() > deadline:
                raise StartError(f"{self._name} did not answer at {url} in {timeout_s:g} s. It wrote:\n{self._tail()}")
            time.sleep(0.1)

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read()[-_TAIL_BYTES:].decode(errors="replace")


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def our_environ() -> dict[str, str]:
    """The environment in which our own modules are found, whatever the caller's directory."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def fake_engine(*options: str) -> Iterator[str]:
    """Run the stand-in engine on a free port; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "loadtest.fake_engine", "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    with Program("the stand-in engine", command, our_environ()) as program:
        program.wait_until_ok(f"{url}/health", 20)
        yield url
