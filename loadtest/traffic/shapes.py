"""How the load changes over a run: the share of the users, and with them of the rate, that is there at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

from loadtest.traffic.settings import Shape

_STEPS = 5
_BASE = 0.2


def _constant(_: float) -> float:
    return 1.0


def _ramp(progress: float) -> float:
    return progress


def _steps(progress: float) -> float:
    return (math.floor(progress * _STEPS) + 1) / _STEPS


def _spike(progress: float) -> float:
    return 1.0 if 0.4 <= progress < 0.6 else _BASE


def _soak(progress: float) -> float:
    return min(1.0, progress / 0.1, (1 - progress) / 0.1)


#: Share of the users (0 to 1) by how much of the run time is over (0 to 1): all of the time the same, from none to all,
#: in five steps, a fifth with all of them in the middle fifth, and all with a slow beginning and end.
SHAPES: dict[Shape, Callable[[float], float]] = {
    "constant": _constant,
    "ramp": _ramp,
    "steps": _steps,
    "spike": _spike,
    "soak": _soak,
}


def users_at(shape: Shape, elapsed_s: float, run_time_s: float | None, users: int, least: int = 1) -> int:
    """Users after ``elapsed_s``; never fewer than ``least``, so that every backend keeps being asked."""
    progress = min(1.0, elapsed_s / run_time_s) if run_time_s else 0.0
    if shape != "constant" and progress >= 1.0:
        progress = math.nextafter(1.0, 0.0)
    return max(least, min(users, math.ceil(users * SHAPES[shape](progress))))
