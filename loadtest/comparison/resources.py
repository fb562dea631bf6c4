"""What a turn costs the machine: processor and memory of each part, and of the GPU where there is one."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import psutil
import pynvml

_EVERY_S = 1.0
_MIB = 2**20
#: The part that sends the requests.
GENERATOR = "load generator"
#: Above this share of a core it may have been the bottleneck: Locust runs on one.
GENERATOR_LIMIT = 0.85


@dataclass(frozen=True)
class Part:
    """A part of the system over a turn: cores in use on average, and the most memory (resident), MiB."""

    cores: float
    memory_mib: float


@dataclass(frozen=True)
class Gpu:
    """A GPU over a turn: averages of utilisation (0 to 1) and power (W), and the most memory, MiB.

    None for what it does not tell, as a part of a GPU has no power of its own.
    """

    name: str
    utilisation: float | None
    power_w: float | None
    memory_mib: float | None


@dataclass(frozen=True)
class Usage:
    """All of it. ``machine_cores`` are of all processes, ours and others'; None where nothing was sampled."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    machine_cores: float | None = None
    gpus: tuple[Gpu, ...] = ()

    @property
    def generator_cores(self) -> float:
        """Cores that the load generator used; above ``GENERATOR_LIMIT`` it may have been the bottleneck."""
        return self.parts[GENERATOR].cores if GENERATOR in self.parts else 0.0

    @property
    def others_cores(self) -> float | None:
        """Cores that processes used which are no part of what is measured."""
        if self.machine_cores is None:
            return None
        return max(0.0, self.machine_cores - sum(part.cores for part in self.parts.values()))


@dataclass
class _Sample:
    at_s: float
    cpu_s: dict[str, float]
    memory_mib: dict[str, float]
    machine_cpu_s: float
    gpus: list[Gpu]


class Sampler:
    """A context manager that samples every second while its block runs.

    Args:
        roots: process id of each part; its descendants count with it. Those that have ended keep what they used.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = roots
        self._samples: list[_Sample] = []
        self._seen: dict[str, dict[tuple[int, float], float]] = {name: {} for name in roots}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._gpus = _Gpus()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(10)

    def usage(self, began_s: float, seconds: float) -> Usage:
        """What was used between two moments (since the epoch); empty if no two samples lie between them."""
        inside = [one for one in self._samples if began_s <= one.at_s <= began_s + seconds]
        if len(inside) < 2:
            return Usage()
        first, last = inside[0], inside[-1]
        lasted = last.at_s - first.at_s
        parts = {
            name: Part((last.cpu_s[name] - first.cpu_s[name]) / lasted, max(one.memory_mib[name] for one in inside))
            for name in self._roots
        }
        gpus = tuple(
            Gpu(
                gpu.name,
                _mean(one.gpus[index].utilisation for one in inside),
                _mean(one.gpus[index].power_w for one in inside),
                max((one.gpus[index].memory_mib or 0.0 for one in inside), default=0.0) or None,
            )
            for index, gpu in enumerate(first.gpus)
        )
        return Usage(parts, (last.machine_cpu_s - first.machine_cpu_s) / lasted, gpus)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._samples.append(self._sample())
            self._stop.wait(_EVERY_S)

    def _sample(self) -> _Sample:
        children = _children()
        memory = {name: self._look_at(name, pid, children) for name, pid in self._roots.items()}
        cpu = {name: sum(self._seen[name].values()) for name in self._roots}
        machine = psutil.cpu_times()
        busy = machine.user + machine.system + machine.nice + machine.irq + machine.softirq
        return _Sample(time.time(), cpu, memory, busy, self._gpus.sample())

    def _look_at(self, name: str, pid: int, children: Mapping[int, Sequence[int]]) -> float:
        """Note the processor time of a part's processes; returns the memory that they have together, MiB."""
        memory = 0.0
        waiting = [pid]
        while waiting:
            pid = waiting.pop()
            waiting += children.get(pid, ())
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(pid)
                with process.oneshot():
                    times = process.cpu_times()
                    self._seen[name][pid, process.create_time()] = times.user + times.system
                    memory += process.memory_info().rss / _MIB
        return memory


def _children() -> dict[int, list[int]]:
    """All processes by their parent, looked up once for all parts: it is most of what a sample costs."""
    found: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        found.setdefault(process.info["ppid"], []).append(process.pid)
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return statistics.fmean(told) if told else None


class _Gpus:
    """NVIDIA's GPUs as their driver's library tells of them; none where there is no driver."""

    def __init__(self) -> None:
        self._handles: list[tuple[str, Any]] = []
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        self._handles = [(pynvml.nvmlDeviceGetName(handle), handle) for handle in handles]

    def sample(self) -> list[Gpu]:
        """What each does now."""
        return [
            Gpu(
                name,
                self._ask(lambda handle: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100, handle),
                self._ask(lambda handle: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000, handle),
                self._ask(lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle).used / _MIB, handle),
            )
            for name, handle in self._handles
        ]

    def _ask(self, question: Callable[[Any], float], handle: Any) -> float | None:
        try:
            return question(handle)
        except pynvml.NVMLError:  # not every kind of GPU tells everything
            return None
