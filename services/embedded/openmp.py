"""GNU's OpenMP library for the engine, on machines that lack it.

llama.cpp's wheel needs the system's libgomp.so.1, which comes with a compiler but not with Python. The wheel of
pykdtree carries a copy, under a name of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

_LIBRARY = "libgomp.so.1"
_COPIES = "lib/python3.*/site-packages/pykdtree.libs/libgomp-*.so*"


def link_copy(environment: Path) -> None:
    """Give the copy in a virtual environment, if there is one, the name by which it is looked for."""
    for copy in sorted(environment.glob(_COPIES))[:1]:
        _link(environment).symlink_to(copy.relative_to(environment / "lib"))


def settings(environment: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that let processes find the copy; none where the system has the library itself."""
    try:
        ctypes.CDLL(_LIBRARY)
        return {}
    except OSError:
        paths = [str(_link(environment).parent), environ.get("LD_LIBRARY_PATH", "")]
        return {"LD_LIBRARY_PATH": ":".join(filter(None, paths))}


def _link(environment: Path) -> Path:
    return environment / "lib" / _LIBRARY
