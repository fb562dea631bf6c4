"""What the engines' entry points have in common: saying in one line why there is no engine, and becoming one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn


def give_up(sentence: str) -> int:
    """Say why there is no engine; returns the exit status."""
    print(f"engine: {' '.join(sentence.split()).rstrip('.')}.", file=sys.stderr, flush=True)
    return 1


def become(module: str, arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Run ``python -m module`` in place of this process, so that signals and exit status are the engine's own."""
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], dict(environ))  # noqa: S606 - no shell
