"""A router in a process of its own, and a client that checks its promises."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from services.embedded.ports import port_of, reserve_port
from tests.contract.router.openapi_check import OpenAPICheck
from tests.servers import start_server

START_S = 30  # on a machine that does much else
LOG_S = 5


class RunningRouter:
    """A router process that serves."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._check: OpenAPICheck | None = None
        self._lines: list[str] = []
        self._serving = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        assert self._serving.wait(START_S), f"the router did not start: {self.log()}"

    def client(self, headers: dict[str, str] | None = None) -> httpx.Client:
        """A client whose every answer is held against the router's own description."""
        if self._check is None:
            self._check = OpenAPICheck(httpx.get(f"{self.url}/openapi.json", timeout=20).json())
        hooks = {"response": [self._check]}
        return httpx.Client(base_url=self.url, timeout=20, event_hooks=hooks, headers=headers)

    def children(self) -> list[str]:
        """Process ids of those that serve."""
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def log(self) -> str:
        """What it has written so far."""
        return "".join(self._lines)

    def wait_for_log(self, text: str) -> None:
        """Return when it has written this, which is read in a thread of its own; fail if that does not come."""
        give_up = time.monotonic() + LOG_S
        while text not in self.log():
            assert time.monotonic() < give_up, f"{text!r} is not in {self.log()}"
            time.sleep(0.02)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=START_S)
        self._reader.join(timeout=5)
        return status

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)
            if re.search(r'"event": "Booting worker', line):
                self._serving.set()
        self._serving.set()


def router_environment(**settings: str) -> dict[str, str]:
    """This process's environment without settings of its own, and with the given ones."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **settings}


@contextmanager
def running_router(**settings: str) -> Iterator[RunningRouter]:
    """A router with these environment variables, on a port of its own."""
    with reserve_port() as holder:
        port = port_of(holder)
        process = start_server(
            [sys.executable, "-m", "services.router"],
            cwd=Path(__file__).parents[3],
            env=router_environment(ROUTER_PORT=str(port), **settings),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield RunningRouter(process, port)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=10)
            assert process.stderr is not None
            process.stderr.close()
