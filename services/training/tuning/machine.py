"""What a run was made on and with, for its record."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

_LIBRARIES = ("torch", "transformers", "safetensors", "numpy", "gguf")


def machine() -> dict[str, Any]:
    """System, processor, memory, GPUs with their driver, and the versions of the libraries."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": torch.get_num_threads(),
        "memory_gib": round(_memory_kib() / 2**20, 1),
        "gpus": _gpus(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "cuda": torch.version.cuda,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_kib() -> int:
    return int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])


def _gpus() -> list[str]:
    """Name, driver and memory of each, as nvidia-smi tells them."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - no input
    return told.stdout.splitlines()
