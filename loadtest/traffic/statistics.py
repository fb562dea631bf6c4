"""What Locust counts of the records: its own requests, and beside them an entry for each metric of each backend.

Locust adds the entries of all its workers up and keeps percentiles of each in bounded memory. Ours are left out of its
total, which stays that of the requests: type is the metric, name the backend. Times are in ms as everywhere in Locust;
the entries "output tokens" hold numbers of tokens.
"""

from __future__ import annotations

import math
from typing import Any

import locust.stats

from loadtest.records import Outcome, Record
from loadtest.traffic.settings import Settings

TTFT, TTFA, ITL, TPOT, TOKENS, GOOD = "TTFT", "TTFA", "ITL", "TPOT", "output tokens", "goodput"
METRICS = (TTFT, TTFA, ITL, TPOT, TOKENS, GOOD)
#: Entries of requests that came to another end than the one that was wanted.
TROUBLES: tuple[Outcome, ...] = ("refused", "failed", "timed_out", "invalid")

#: Locust's own rates are of twelve seconds; its charts have a point every five.
_SECONDS_KEPT = 60
_HISTORY_KEPT = 5000


def bucket(value: float) -> float:
    """A value with three significant digits: Locust's own two, whole milliseconds at best, hide what ITL is made of."""
    if value <= 0:
        return 0.0
    return round(value, 2 - math.floor(math.log10(value)))


def install_buckets() -> None:
    """Have Locust keep its percentiles by ``bucket``: at most 900 numbers for each power of ten."""
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]


def trim(stats: Any) -> None:
    """Forget what Locust keeps of each second and never looks at again, lest a long soak fill the memory."""
    for entry in (stats.total, *stats.entries.values()):
        for per_second in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            for second in sorted(per_second)[:-_SECONDS_KEPT]:
                del per_second[second]
    del stats.history[:-_HISTORY_KEPT]


def is_good(record: Record, settings: Settings) -> bool:
    """Whether a request was completed and met every objective that its door can tell of."""
    if record.outcome != "completed" or record.e2e_s > settings.slo_e2e_s:
        return False
    if record.ttft_s is not None and record.ttft_s > settings.slo_ttft_s:
        return False
    return record.ttfa_s is None or record.ttfa_s <= settings.slo_ttfa_s


class Trouble(Exception):
    """What Locust's list of failures shows: few different texts, since each is kept; records have the whole of it."""


def count(environment: Any, record: Record, size: int, settings: Settings) -> None:
    """Count a request that has ended; ``size`` is its answer's in bytes."""
    trouble = None
    if record.outcome != "completed":
        head = record.error.split(":")[0].split(" (")[0]
        trouble = Trouble(
            f"{record.outcome.replace('_', ' ')}: {head}" if record.outcome != "timed_out" else "timed out"
        )
    environment.events.request.fire(
        request_type=record.door,
        name=record.backend,
        response_time=record.e2e_s * 1000,
        response_length=size,
        exception=trouble,
        context={},
    )
    entries = environment.stats.entries

    def log(metric: str, value: float) -> None:
        entries[record.backend, metric].log(value, 0)

    if record.outcome in TROUBLES:
        log(record.outcome.replace("_", " "), record.e2e_s * 1000)
    if record.ttft_s is not None:
        log(TTFT, record.ttft_s * 1000)
    if record.ttfa_s is not None:
        log(TTFA, record.ttfa_s * 1000)
    for gap in record.itl_s:
        log(ITL, gap * 1000)
    if record.outcome == "completed":
        if record.tpot_s is not None:
            log(TPOT, record.tpot_s * 1000)
        if record.output_tokens is not None:
            log(TOKENS, record.output_tokens)
        if is_good(record, settings):
            log(GOOD, record.e2e_s * 1000)
