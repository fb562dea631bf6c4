"""``python -m services.engines.triton [TRITONSERVER ARGUMENT …]``: becomes Triton, serving our model repository."""

from __future__ import annotations

import os
import sys

from services.engines.triton.server import TritonMissing, backends, command, environment
from services.engines.triton.settings import TritonSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Replace this process with ``tritonserver``. 1 with one sentence if that cannot be."""
    try:
        settings = read_settings(TritonSettings)
        line = [*command(settings, backends(os.environ)), *sys.argv[1:]]
        variables = environment(os.environ)
    except (SettingError, TritonMissing) as error:
        return _give_up(str(error))
    os.execve(line[0], line, variables)  # noqa: S606 - our own command


def _give_up(sentence: str) -> int:
    print(f"triton: {sentence}.", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
