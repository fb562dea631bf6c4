"""Kills the services of a stack whose owner died without stopping them, by ``kill -9`` say.

Runs as a process of its own and needs only the standard library. Standard input is a pipe from the owner with lines
``+PGID`` when a service starts and ``-PGID`` when it has ended. End of file means that the owner is gone; the folder
named on the command line, with their logs and data, then goes with the services that it left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

#: What was killed may still be writing.
_DYING_S = 0.5


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
    if groups:
        time.sleep(_DYING_S)
        shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
