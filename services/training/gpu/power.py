"""Power and memory of the GPU while something runs, asked of NVIDIA's management library ten times a second."""

from __future__ import annotations

import statistics
import threading
from types import TracebackType
from typing import Any, Self

_EVERY_S = 0.1


class Power:
    """A context manager; ``told`` has the figures when it is left, or says why there are none."""

    def __init__(self, device: str) -> None:
        self.told: dict[str, Any] = {"why": "no NVIDIA GPU"}
        self._watts: list[float] = []
        self._bytes: list[int] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        if device == "cuda":
            try:
                import pynvml

                pynvml.nvmlInit()
                self._nvml, self._card = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
                self._thread = threading.Thread(target=self._sample, name="power", daemon=True)
            except Exception as error:  # whatever the library has: figures without power are better than none
                self.told = {"why": f"{type(error).__name__}: {error}"}

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        self._end.set()
        self._thread.join(timeout=5)
        if self._watts:
            self.told = {
                "samples": len(self._watts),
                "mean_w": round(statistics.fmean(self._watts), 1),
                "most_w": round(max(self._watts), 1),
                "most_memory_gib": round(max(self._bytes) / 2**30, 2),
            }
        else:
            self.told = {"why": "it was over before the first sample"}

    def _sample(self) -> None:
        while not self._end.is_set():
            try:
                watts = self._nvml.nvmlDeviceGetPowerUsage(self._card) / 1000
                self._bytes.append(int(self._nvml.nvmlDeviceGetMemoryInfo(self._card).used))
                self._watts.append(watts)
            except self._nvml.NVMLError:
                return
            self._end.wait(_EVERY_S)
