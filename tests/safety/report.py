"""The figures of a run, as they are printed and judged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_MOST_TROUBLE = 20


@dataclass
class Figure:
    """One line of the report; ``reached`` is None where nothing is judged."""

    what: str
    seen: str
    bar: str = ""
    reached: bool | None = None
    trouble: list[str] = field(default_factory=list)


def share(good: int, of: int) -> str:
    """``796 of 796``."""
    return f"{good:,} of {of:,}"


def spread(layers: Iterable[str]) -> str:
    """``reading 733, call checks 40``."""
    names = {
        "read": "reading", "program": "reading", "sandbox": "sandbox", "call": "call checks", "budget": "budgets",
        "protocol": "protocol", "backend": "engine's adapter", "none": "ran and did no harm", "robot": "THE ROBOT",
    }  # fmt: skip
    counts = Counter(names.get(layer, layer) for layer in layers)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


class Report:
    """Prints figures one by one, and knows whether all that are judged reached their bars."""

    def __init__(self, total: int) -> None:
        self.good = True
        self._total = total
        self._number = 0
        self._began = time.monotonic()

    def show(self, figure: Figure) -> None:
        """Print the next figure, and the first of what is wrong with it."""
        self._number += 1
        self.good = self.good and figure.reached is not False
        judged = f"\n      bar: {figure.bar} – {'reached' if figure.reached else 'MISSED'}" if figure.bar else ""
        took_s = time.monotonic() - self._began
        print(f"[{self._number}/{self._total}] {figure.what}: {figure.seen}{judged}   ({took_s:.0f} s)", flush=True)
        for line in figure.trouble[:_MOST_TROUBLE]:
            print(f"      {line}", flush=True)
