"""One service as a process group with a log, guarded so that it cannot outlive its owner."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from services.embedded import watchdog

_TAIL_BYTES = 8192


class Watchdog:
    """Owner's end of the watchdog process: see ``services.embedded.watchdog``."""

    def __init__(self, directory: Path) -> None:
        """``directory`` goes with the owner's services if the owner dies without stopping them."""
        read_end, write_end = os.pipe()
        self._pipe = os.fdopen(write_end, "wb", buffering=0)
        with os.fdopen(read_end, "rb") as stdin:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", watchdog.__file__, str(directory)], stdin=stdin, start_new_session=True
            )

    def guard(self, group: int) -> None:
        """Kill the process group when this process ends."""
        self._tell(f"+{group}\n")

    def release(self, group: int) -> None:
        """The process group has ended, and its number may be given to others."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        # Whoever kills the watchdog loses its protection, not the stack.
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(line.encode())

    def close(self) -> None:
        """End the watchdog, which kills whatever is still guarded."""
        self._pipe.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ServiceProcess:
    """A running service: its own process group, so that whatever it starts ends with it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path, guard: Watchdog) -> None:
        self.log = log
        self._guard = guard
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - commands of the stack's own
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        guard.guard(self._process.pid)

    @property
    def pid(self) -> int:
        """Process id, which is the group's too."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """``None`` while it runs, else its exit status, negative for a signal's number."""
        return self._process.poll()

    def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL for what is left of the group after ``grace_s`` seconds."""
        if self.exit_status() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, as the kernel does when memory runs out. Returns when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._wait_for_group()
        self._guard.release(self.pid)

    def _wait_for_group(self, patience_s: float = 5.0) -> None:
        """Wait for the descendants too: they hold ports and files for a moment after their parent is gone."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.01)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that it wrote."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
