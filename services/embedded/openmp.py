"""GNU's OpenMP library for the engine, on machines that lack it.

llama.cpp's wheel needs the system's libgomp.so.1, which comes with a compiler but not with Python. The wheel of
pykdtree carries a copy, under a name of its own.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping
from pathlib import Path

_LIBRARY = "libgomp.so.1"


def settings(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that let a process find libgomp; none where the system has it.

    Args:
        directory: where a link to the packaged copy may be put.
        environ: what LD_LIBRARY_PATH is to be added to.
    """
    try:
        ctypes.CDLL(_LIBRARY)
        return {}
    except OSError:
        pass
    return {"LD_LIBRARY_PATH": ":".join([str(link_copy(directory)), *filter(None, [environ.get("LD_LIBRARY_PATH")])])}


def link_copy(directory: Path) -> Path:
    """Give the packaged copy the name by which it is looked for; returns the directory with that name in it.

    Raises:
        FileNotFoundError: pykdtree is not installed or carries no copy.
    """
    spec = importlib.util.find_spec("pykdtree")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{_LIBRARY} is missing; install requirements/embedded.txt or the package libgomp1")
    copies = sorted((Path(spec.origin).parents[1] / "pykdtree.libs").glob("libgomp-*.so*"))
    if not copies:
        raise FileNotFoundError(f"{_LIBRARY} is missing, and pykdtree carries none; install the package libgomp1")
    libraries = directory / "lib"
    libraries.mkdir(exist_ok=True)
    link = libraries / _LIBRARY
    if not link.exists():
        link.symlink_to(copies[0])
    return libraries
