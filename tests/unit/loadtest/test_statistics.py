"""What Locust counts of records, and the lines and tables that are made of that."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from locust.event import Events
from locust.stats import RequestStats

from loadtest.records import Record
from loadtest.traffic.history import E2E, GOOD, REQUESTS, TOKENS, TROUBLED, History, table
from loadtest.traffic.statistics import TTFT, bucket, count, install_buckets, is_good, trim
from tests.unit.loadtest.settings import settings

_GOOD = Record("tgi", "durable", "en-wave", "robot-0000", 1.0, "completed", 1.1, 0.1, 0.4, (0.02, 0.03), 50, 11)
Counting = tuple[Any, Callable[[Record], None]]


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Locust's statistics without a run, and what counts a record in them."""
    monkeypatch.setattr("locust.stats.bucket_response_time", bucket)
    stats, events = RequestStats(), Events()

    def log(request_type: str, name: str, response_time: float, response_length: int, exception: Any, **_: Any) -> None:
        stats.log_request(request_type, name, response_time, response_length)
        if exception:
            stats.log_error(request_type, name, exception)

    events.request.add_listener(log)
    environment = SimpleNamespace(stats=stats, events=events)
    return stats, lambda record: count(environment, record, 100, settings())


def changed(**fields: Any) -> Record:
    return Record(**{name: getattr(_GOOD, name) for name in Record.__slots__} | fields)


def test_each_metric_has_an_entry_and_the_total_is_of_requests(counting: Counting) -> None:
    stats, log = counting
    for _ in range(3):
        log(_GOOD)
    assert stats.total.num_requests == 3
    values = {key[1]: (entry.num_requests, entry.avg_response_time) for key, entry in stats.entries.items()}
    assert values == {
        "durable": (3, pytest.approx(1100)),
        "TTFT": (3, pytest.approx(100)),
        "TTFA": (3, pytest.approx(400)),
        "ITL": (6, pytest.approx(25)),
        "TPOT": (3, pytest.approx(100)),
        "output tokens": (3, pytest.approx(11)),
        "goodput": (3, pytest.approx(1100)),
    }


@pytest.mark.parametrize("outcome", ["refused", "failed", "timed_out", "invalid"])
def test_ends_are_counted_apart(counting: Counting, outcome: str) -> None:
    stats, log = counting
    log(changed(outcome=outcome, error="HTTP 429 (Retry-After: 1): something 123", ttft_s=None, itl_s=()))
    assert stats.entries["tgi", outcome.replace("_", " ")].num_requests == 1
    assert stats.total.num_failures == 1
    assert ("tgi", "goodput") not in stats.entries
    (row,) = table(stats, 10.0)
    assert (row["completed"], row[outcome]) == (0, 1)


def test_failures_have_few_names(counting: Counting) -> None:
    stats, log = counting
    for number in range(50):
        log(changed(outcome="failed", error=f"HTTP 500: behaviour {number} broke"))
        log(changed(outcome="refused", error=f"HTTP 429 (Retry-After: {number}): full"))
        log(changed(outcome="timed_out", error=f"no end within {number} s"))
    assert len(stats.errors) == 3


@pytest.mark.parametrize(
    ("fields", "good"),
    [
        ({}, True),
        ({"e2e_s": 10.1}, False),
        ({"ttft_s": 1.1}, False),
        ({"ttfa_s": 2.1}, False),
        ({"ttfa_s": None}, True),  # the pass-through tells of none
        ({"outcome": "invalid"}, False),
    ],
)
def test_goodput_is_what_met_every_objective(fields: dict[str, Any], good: bool) -> None:
    assert is_good(changed(**fields), settings()) == good


@pytest.mark.parametrize(
    ("value", "kept"), [(0.0, 0.0), (0.012345, 0.0123), (3.456, 3.46), (147.4, 147), (3432, 3430), (58760, 58800)]
)
def test_percentiles_keep_three_digits(value: float, kept: float) -> None:
    assert bucket(value) == pytest.approx(kept)


def test_locust_takes_our_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locust.stats.bucket_response_time", None)
    install_buckets()
    stats = RequestStats()
    stats.entries["tgi", "ITL"].log(3.456, 0)
    assert list(stats.entries["tgi", "ITL"].response_times) == [3.46]


def test_lines_tell_of_the_last_seconds(counting: Counting) -> None:
    stats, log = counting
    history = History(stats)
    for at_s in range(0, 40, 2):
        slow = at_s >= 20
        for _ in range(10):
            log(changed(ttft_s=0.9 if slow else 0.1))
        log(changed(outcome="failed", error="HTTP 500: no"))
        history.sample(1000.0 + at_s)
    ttft = history.lines[TTFT, "tgi", "p50"]
    assert ttft.at_s == [1000.0 + at_s for at_s in range(0, 40, 2)]
    assert (ttft.values[0], ttft.values[-1]) == (100, 900)  # not the median of the whole run
    assert history.lines[E2E, "tgi", "p95"].values[-1] == 1100
    assert history.lines[REQUESTS, "tgi", ""].values[-1] == pytest.approx(5)
    assert history.lines[GOOD, "tgi", ""].values[-1] == pytest.approx(5)
    assert history.lines[TOKENS, "tgi", ""].values[-1] == pytest.approx(55)
    assert history.lines[TROUBLED, "tgi", ""].values[-1] == pytest.approx(0.5)
    stats.reset_all()
    log(_GOOD)
    history.sample(1040.0)
    assert history.lines[REQUESTS, "tgi", ""].values[-1] >= 0  # Locust's "Reset" is no negative rate


def test_a_long_soak_does_not_fill_the_memory(counting: Counting) -> None:
    stats, log = counting
    history = History(stats)
    log(_GOOD)
    for number in range(5000):
        history.sample(1000.0 + 2 * number)
    line = history.lines[REQUESTS, "tgi", ""]
    assert len(line.at_s) == len(line.values) <= 1000
    assert (line.at_s[0], line.at_s[-1]) == (1000.0, 10998.0)
    assert line.at_s == sorted(line.at_s)


def test_the_table_has_rates_over_the_run(counting: Counting) -> None:
    stats, log = counting
    for _ in range(20):
        log(changed(itl_s=(0.02, 0.02, 0.03)))
    (row,) = table(stats, 10.0)
    assert (row["goodput"], row["tokens"], row["ttft"]) == (2.0, 22.0, "100 / 100 / 100")
    assert row["itl"] == "20 / 30 / 30"


def test_locust_forgets_seconds_that_are_over(counting: Counting) -> None:
    stats, log = counting
    log(_GOOD)
    for entry in (stats.total, stats.entries["tgi", "durable"]):
        entry.num_reqs_per_sec = dict.fromkeys(range(1000), 1)
    stats.history = [{} for _ in range(6000)]
    trim(stats)
    assert list(stats.total.num_reqs_per_sec) == list(stats.entries["tgi", "durable"].num_reqs_per_sec)
    assert list(stats.total.num_reqs_per_sec) == list(range(940, 1000))
    assert len(stats.history) == 5000
    assert stats.total.num_requests == 1
