"""Servers that tests start: they do not outlive the tests' process, however that ends."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.embedded.process import Watchdog


def start_server(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """``subprocess.Popen`` in a process group of its own, which the watchdog kills if this process dies first."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    _guard().take(process)
    return process


class _Guard:
    """One watchdog for all servers of this process."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tests-"))
        self._watchdog = Watchdog(self._folder)
        self._servers: list[subprocess.Popen[Any]] = []
        atexit.register(self._close)

    def take(self, server: subprocess.Popen[Any]) -> None:
        """Guard it; what has ended meanwhile is let go, for its number may be given to others."""
        for ended in [other for other in self._servers if other.returncode is not None]:
            self._watchdog.release(ended.pid)
            self._servers.remove(ended)
        self._watchdog.guard(server.pid)
        self._servers.append(server)

    def _close(self) -> None:
        for server in self._servers:
            if server.poll() is not None:
                self._watchdog.release(server.pid)
        self._watchdog.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@functools.cache
def _guard() -> _Guard:
    return _Guard()
