"""How the metrics of each backend went over a run, out of what Locust counts: a point every two seconds.

Each point tells of the last ten seconds. The memory is bounded: from a number of points on, every second one goes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import gevent
from locust.stats import calculate_response_time_percentile, diff_response_time_dicts

from loadtest.records import Door
from loadtest.traffic.statistics import GOOD, ITL, METRICS, TOKENS, TPOT, TROUBLES, TTFA, TTFT

EVERY_S = 2.0
_WINDOW = 5
_MOST_POINTS = 1000
_DOORS = frozenset(get_args(Door))
E2E = "E2E"
#: Charts of times: metric → title. A line for the median and one for the 95th percentile of each backend.
TIMES = {
    TTFT: "Time to first token, ms",
    TTFA: "Time to first action, ms",
    ITL: "Inter-token latency, ms",
    TPOT: "Time per output token, ms",
    E2E: "End to end, ms",
}
REQUESTS, TROUBLED = "requests", "not completed"
#: Charts of rates: a line for each backend.
RATES = {
    REQUESTS: "Completed requests a second",
    GOOD: "Goodput: requests that met every objective, a second",
    TOKENS: "Output tokens a second",
    TROUBLED: "Requests refused, failed, timed out or invalid, a second",
}


class Count(NamedTuple):
    """An entry of Locust's statistics at one time."""

    times: dict[float, int]
    number: int
    total: float


@dataclass
class Line:
    """One line of a chart: seconds since the epoch, and values."""

    at_s: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, at_s: float, value: float) -> None:
        """Add a point."""
        self.at_s.append(at_s)
        self.values.append(value)
        if len(self.at_s) > _MOST_POINTS:
            del self.at_s[1::2], self.values[1::2]


def counts(stats: Any) -> dict[tuple[str, str], Count]:
    """What Locust has counted by backend and metric; requests, which it counts by door, are E2E."""
    found = {}
    for (name, method), entry in list(stats.entries.items()):
        metric = E2E if method in _DOORS else method
        found[name, metric] = Count(dict(entry.response_times), entry.num_requests, entry.total_response_time)
    return found


def percentile(count: Count, share: float) -> float | None:
    """The value that this share of them does not exceed; None if there is none."""
    if not count.number:
        return None
    return float(calculate_response_time_percentile(count.times, count.number, share))  # type: ignore[arg-type]


class History:
    """The lines of all charts of the run that goes on, or went last."""

    def __init__(self, stats: Any) -> None:
        self._stats = stats
        self.clear()

    def clear(self) -> None:
        """Forget the last run."""
        self._seen: deque[tuple[float, dict[tuple[str, str], Count]]] = deque(maxlen=_WINDOW + 1)
        #: By chart, backend and what of it: "p50" and "p95" of times, "" of rates.
        self.lines: dict[tuple[str, str, str], Line] = {}

    def watch(self, now: Any) -> None:
        """Take a point every two seconds, for ever; ``now`` tells the time, or None while nothing runs."""
        while True:
            gevent.sleep(EVERY_S)
            if (at_s := now()) is not None:
                self.sample(at_s)

    def sample(self, at_s: float) -> None:
        """Take a point of every line."""
        present = counts(self._stats)
        before_s, before = self._seen[0] if self._seen else (at_s - EVERY_S, {})
        self._seen.append((at_s, present))
        recent = {key: _difference(count, before.get(key)) for key, count in present.items()}
        for backend in sorted({backend for backend, _ in recent}):
            for metric in TIMES:
                if (count := recent.get((backend, metric))) is not None and count.number:
                    for name, share in (("p50", 0.5), ("p95", 0.95)):
                        self._line(metric, backend, name).add(at_s, percentile(count, share) or 0.0)
            for metric, amount in _amounts(backend, recent):
                self._line(metric, backend, "").add(at_s, amount / (at_s - before_s))

    def _line(self, chart: str, backend: str, name: str) -> Line:
        return self.lines.setdefault((chart, backend, name), Line())


def _amounts(backend: str, recent: dict[tuple[str, str], Count]) -> Iterator[tuple[str, float]]:
    def number(metric: str) -> int:
        return recent[backend, metric].number if (backend, metric) in recent else 0

    troubled = sum(number(trouble.replace("_", " ")) for trouble in TROUBLES)
    yield REQUESTS, number(E2E) - troubled
    yield GOOD, number(GOOD)
    yield TOKENS, recent[backend, TOKENS].total if (backend, TOKENS) in recent else 0.0
    yield TROUBLED, troubled


def _difference(count: Count, before: Count | None) -> Count:
    if before is None or before.number > count.number:  # Locust's "Reset"
        return count
    times: Any = diff_response_time_dicts(count.times, before.times)  # type: ignore[arg-type]
    return Count(times, count.number - before.number, count.total - before.total)


def table(stats: Any, elapsed_s: float) -> list[dict[str, Any]]:
    """A row for each backend over the whole run: counts, rates a second, percentiles in ms."""
    whole = counts(stats)
    rows = []
    for backend in sorted({backend for backend, _ in whole}):
        nothing = Count({}, 0, 0.0)
        of = {metric: whole.get((backend, metric), nothing) for metric in (*METRICS, E2E)}
        troubles: dict[str, int] = {}
        for name in TROUBLES:
            troubles[name] = whole.get((backend, name.replace("_", " ")), nothing).number
        row: dict[str, Any] = {"name": backend, "completed": of[E2E].number - sum(troubles.values()), **troubles}
        row["goodput"] = round(of[GOOD].number / elapsed_s, 2) if elapsed_s > 0 else 0.0
        row["tokens"] = round(of[TOKENS].total / elapsed_s, 1) if elapsed_s > 0 else 0.0
        for metric in TIMES:
            values = [percentile(of[metric], share) for share in (0.5, 0.95, 0.99)]
            row[metric.lower()] = " / ".join(_short(value) for value in values if value is not None) or "–"
        rows.append(row)
    return rows


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def summary(stats: Any, elapsed_s: float) -> Iterator[str]:
    """The same as lines of text, for a terminal."""
    for row in table(stats, elapsed_s):
        ends = ", ".join(f"{row[name]} {name.replace('_', ' ')}" for name in ("completed", *TROUBLES))
        yield f"{row['name']}: {ends}; goodput {row['goodput']:g} requests/s, {row['tokens']:g} output tokens/s"
        yield "  p50 / p95 / p99 in ms: " + ", ".join(f"{metric} {row[metric.lower()]}" for metric in TIMES)
