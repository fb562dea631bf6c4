"""``python -m services.engines.triton [TRITONSERVER ARGUMENT …]``: becomes Triton, serving our model repository."""

from __future__ import annotations

import os
import sys

from pydantic import ValidationError

from services.engines.triton.server import TritonMissing, backends, command, environment
from services.engines.triton.settings import TritonSettings


def main() -> int:
    """Replace this process with ``tritonserver``. 1 with one sentence if that cannot be."""
    try:
        settings = TritonSettings()
        line = [*command(settings, backends(os.environ)), *sys.argv[1:]]
        variables = environment(os.environ)
    except ValidationError as error:
        first = error.errors()[0]
        return _give_up(f"TRITON_{str(first['loc'][0]).upper()}={first['input']} is not valid: {first['msg']}")
    except TritonMissing as missing:
        return _give_up(str(missing))
    os.execve(line[0], line, variables)  # noqa: S606 - our own command


def _give_up(sentence: str) -> int:
    print(f"triton: {sentence}.", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
