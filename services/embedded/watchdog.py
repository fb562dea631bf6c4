"""Kills the services of a stack whose owner died without stopping them, by ``kill -9`` say.

Runs as a process of its own and needs only the standard library. Standard input is a pipe from the owner with lines
``+PGID`` when a service starts and ``-PGID`` when it has ended. End of file means that the owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow the owner's lines to the end, then kill every process group that is left."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        if line[0] == "+":
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
