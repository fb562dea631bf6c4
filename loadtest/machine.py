"""What the machine is, and how quiet it is while something is measured on it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

_YARDSTICK_LOOPS = 300_000


def specification(packages: Iterable[str]) -> dict[str, str]:
    """Processor, memory, system and the versions of ``packages``: what a figure means nothing without."""
    spec = {
        "processor": _first_value("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"Linux {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }
    return spec | {name: metadata.version(name) for name in packages}


def yardstick_ms() -> float:
    """Milliseconds for a fixed piece of work: it varies only with what else the machine does: its spread is noise."""
    began = time.perf_counter()
    total = 0
    for number in range(_YARDSTICK_LOOPS):
        total += number
    return (time.perf_counter() - began) * 1000


def _first_value(path: str, key: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""
