"""How the processes of this package end."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn


def exit_now(status: int) -> NoReturn:
    """End the process once everything is closed.

    Not sys.exit: the native threads of qi and of the sandbox may still reach for the interpreter while it is taken
    down, and then the process aborts although everything was closed in good order.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
