"""What the engines' entry points have in common: reading settings, and saying in one line why there is no engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)


class SettingError(Exception):
    """A setting is wrong or missing; the message says which."""


def read(kind: type[Settings]) -> Settings:
    """The settings that the environment holds.

    Raises:
        SettingError: one of them is not valid.
    """
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        setting = f"{kind.model_config.get('env_prefix', '')}{str(first['loc'][0]).upper()}"
        if first["type"] == "missing":
            raise SettingError(f"{setting} is not set") from None
        raise SettingError(f"{setting}={first['input']} is not valid: {first['msg']}") from None


def give_up(sentence: str) -> int:
    """Say why there is no engine; returns the exit status."""
    print(f"engine: {' '.join(sentence.split()).rstrip('.')}.", file=sys.stderr, flush=True)
    return 1


def become(module: str, arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Run ``python -m module`` in place of this process, so that signals and exit status are the engine's own."""
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], dict(environ))  # noqa: S606 - no shell
