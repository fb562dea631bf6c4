"""Ends Triton when the process that runs the model dies.

Triton stays up without it, says that it is ready, and fails every request; ended, it is started anew by whatever
started it. A process of its own watches, since nothing in a process that crashes can be relied on.
"""

from __future__ import annotations

import os
import signal


class Watchdog:
    """Watches from now until ``release``, or the end of this process."""

    def __init__(self) -> None:
        server = os.pidfd_open(os.getppid())
        watched, self._held = os.pipe()
        # A fork that only waits: nothing is loaded yet, and this Python does not know its own executable.
        if os.fork() == 0:
            try:
                os.close(self._held)
                if not os.read(watched, 1):
                    # The first is for a Triton that is its container's first process: nothing inside can kill that.
                    for number in (signal.SIGTERM, signal.SIGKILL):
                        signal.pidfd_send_signal(server, number)
            finally:
                os._exit(0)
        os.close(server)
        os.close(watched)

    def release(self) -> None:
        """This process may end now."""
        os.write(self._held, b".")
        os.close(self._held)
