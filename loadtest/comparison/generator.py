"""Runs Locust, which generates the traffic, as a process of its own: one turn is one run."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.targets import Target
from loadtest.processes import ROOT, our_environ

_LOCUSTFILE = ROOT / "loadtest" / "locustfile.py"
#: Longer than a run may take beyond its time and that of its last requests, a hung Locust is killed.
_SLACK_S = 60.0
_POLL_S = 0.2
_STOP_S = 10.0
_TAIL_BYTES = 1500


class GeneratorError(Exception):
    """Locust did not play a turn; the message says why."""


class Generator:
    """A context manager that plays one turn's traffic, and ends Locust with its block.

    Args:
        target: where the router is.
        plan: what is measured.
        turn: which part of it.
        seconds: how long requests are sent.
        records: file that gets them; the log lies beside it.
    """

    def __init__(self, target: Target, plan: Plan, turn: Turn, seconds: float, records: Path, seed: int) -> None:
        asked = target.asked(turn.backend)
        self._limit_s = seconds + plan.timeout_s + _SLACK_S
        self._log = records.with_suffix(".log")
        options = {
            "--locustfile": _LOCUSTFILE,
            "--host": asked.url,
            "--backend": asked.backend,
            "--door": plan.door,
            "--mix": plan.mix,
            "--seed": seed,
            "--run-time": f"{seconds:g}s",
            "--records": records,
            "--timeout-s": f"{plan.timeout_s:g}",
            "--exit-code-on-error": 0,  # requests that fail are figures, too
            **({"--api-keys-file": asked.keys_file} if asked.keys_file else {}),
        }
        if plan.arrivals == "closed":
            options |= {"--arrivals": "closed", "--users": f"{turn.level:g}", "--think-time-s": f"{plan.think_s:g}"}
        else:
            options |= {"--arrivals": "poisson", "--rate": f"{turn.level:g}"}
        limits = {"--slo-ttft-s": plan.slos.ttft_s, "--slo-ttfa-s": plan.slos.ttfa_s, "--slo-e2e-s": plan.slos.e2e_s}
        options |= {name: f"{limit:g}" for name, limit in limits.items() if limit is not None}
        self._command = [sys.executable, "-m", "locust", "--headless"]
        self._command += [str(word) for pair in options.items() for word in pair]

    def __enter__(self) -> Generator:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command above
                self._command,
                env=our_environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C comes to us, and we end it
            )
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait(self, check: Callable[[], None]) -> None:
        """Wait for the end of the run; ``check`` is called again and again and may raise.

        Raises:
            GeneratorError: Locust failed or hung.
            OSError: the disk is full.
        """
        deadline = time.monotonic() + self._limit_s
        while self._process.poll() is None:
            check()
            if time.monotonic() > deadline:
                raise GeneratorError(f"Locust did not end within {self._limit_s:g} s. {self._wrote()}")
            time.sleep(_POLL_S)
        # 1 is also that nothing was sent, as in a short warm-up with few arrivals; then there are no records.
        if self._process.returncode not in (0, 1):
            if shutil.disk_usage(self._log.parent).free < _TAIL_BYTES or "No space left" in self._tail():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._log.parent))
            raise GeneratorError(f"Locust ended with status {self._process.returncode}. {self._wrote()}")

    def _wrote(self) -> str:
        return f"It wrote:\n{self._tail()}"

    def _tail(self) -> str:
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
