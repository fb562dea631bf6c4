"""Starting an engine of ours for real, and talking to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from services.embedded.ports import port_of, reserve_port
from tests.servers import start_server

ROOT = Path(__file__).resolve().parents[3]


def environ(**settings: object) -> dict[str, str]:
    """The environment in which an engine finds our modules, and nothing on any network."""
    values = {name: str(value) for name, value in settings.items()}
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **values}


class Server(NamedTuple):
    """A running engine."""

    url: str
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET."""
        return _fetch(urllib.request.Request(self.url + path))

    def post(self, path: str, **body: object) -> tuple[int, Any]:
        """Status and document of a POST that is answered in one piece."""
        status, text = _fetch(self._request(path, body))
        return status, json.loads(text)

    @contextlib.contextmanager
    def stream(self, path: str, **body: object) -> Iterator[Iterator[Any]]:
        """The events of a streamed answer; leaving early hangs up. ``[DONE]`` comes as text."""
        with urllib.request.urlopen(self._request(path, {**body, "stream": True}), timeout=120) as response:
            yield _events(response)

    def _request(self, path: str, body: Mapping[str, object]) -> urllib.request.Request:
        return urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _fetch(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _events(response: http.client.HTTPResponse) -> Iterator[Any]:
    for line in response:
        if line.startswith(b"data: "):
            payload = line.removeprefix(b"data: ").decode().strip()
            yield payload if payload == "[DONE]" else json.loads(payload)


@contextlib.contextmanager
def serving(python: str, module: str, prefix: str, log: Path, timeout_s: float, **settings: object) -> Iterator[Server]:
    """Run an engine of ours on a free port, in a process group of its own; it is ready when the block begins."""
    with reserve_port() as holder, log.open("w") as output:
        port = port_of(holder)
        values = {f"{prefix}{name.upper()}": value for name, value in {**settings, "port": port}.items()}
        process = start_server(
            [python, "-m", module],
            env=environ(**values),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        server = Server(f"http://127.0.0.1:{port}", process)
        try:
            deadline = time.monotonic() + timeout_s
            while not _ready(server):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, f"not ready in {timeout_s:g} s: {log.read_text()[-3000:]}"
                time.sleep(0.1)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def _ready(server: Server) -> bool:
    try:
        return server.get("/health")[0] == 200
    except OSError:
        return False
