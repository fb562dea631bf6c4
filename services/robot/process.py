"""How the processes of this package read their settings and end."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """Read settings from the environment; a wrong one ends the process with status 1 and a sentence that names it."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"][:1]).upper()
        sys.exit(f"{where}{first['msg'].removeprefix('Value error, ')}")


def exit_now(status: int) -> NoReturn:
    """End the process once everything is closed.

    Not sys.exit: the native threads of qi and of the sandbox may still reach for the interpreter while it is taken
    down, and then the process aborts although everything was closed in good order.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
