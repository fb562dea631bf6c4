"""Our Celery messages and batches against the real Celery, celery-batches and store."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from celery.contrib.testing.worker import start_worker

from services.jobs.celery_app import BATCHES_AHEAD, Handover, create_celery, register_batch_task
from services.jobs.keys import CELERY_QUEUE, probe_queue
from services.jobs.messages import envelope, list_name
from services.jobs.settings import JobSettings


class Batches:
    """Remembers the batches that were handed over and lets a test wait for them."""

    def __init__(self, *, taken: bool = True) -> None:
        self.batches: list[list[str]] = []
        self._taken = taken
        self._changed = threading.Condition()

    def __call__(self, arguments: Sequence[str], taken: Callable[[], None]) -> None:
        if self._taken:
            taken()
        with self._changed:
            self.batches.append(list(arguments))
            self._changed.notify_all()

    @property
    def arguments(self) -> list[str]:
        return [argument for batch in self.batches for argument in batch]

    def wait_for(self, count: int, timeout_s: float = 20) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.arguments) >= count, timeout_s), self.batches
            return self.arguments


@contextmanager
def celery_worker(
    settings: JobSettings,
    handover: Handover,
    *,
    batch_size: int = 4,
    interval_s: float = 0.01,
    reconnected: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    app = create_celery(settings, "tested", batch_size)
    register_batch_task(app, handover, batch_size=batch_size, interval_s=interval_s, reconnected=reconnected)
    with start_worker(app, pool="solo", concurrency=1, perform_ping_check=False, shutdown_timeout=20):
        yield


def test_our_envelope_is_what_celery_itself_would_publish(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    app = create_celery(job_settings, "publisher", 4)
    task = register_batch_task(app, Batches(), batch_size=4, interval_s=1)
    task.apply_async(args=["some-id"], priority=7)
    name = list_name(CELERY_QUEUE, 7)
    celerys = json.loads(redis_client.lindex(name, 0))  # type: ignore[arg-type]
    ours = json.loads(envelope(CELERY_QUEUE, "some-id", 7))

    def shape(message: dict[str, object]) -> dict[str, object]:
        """What differs for every message or publisher becomes its type."""
        headers, properties = dict(message["headers"]), dict(message["properties"])  # type: ignore[call-overload]
        for field in ("id", "root_id", "origin", "argsrepr", "kwargsrepr"):
            headers[field] = type(headers[field]).__name__
        for field in ("correlation_id", "delivery_tag", "reply_to"):
            properties[field] = type(properties[field]).__name__
        body = json.loads(base64.b64decode(message["body"]))  # type: ignore[arg-type]
        return {**message, "headers": headers, "properties": properties, "body": body}

    assert shape(ours) == shape(celerys)


@pytest.mark.parametrize("priority", [0, 3, 9])
def test_a_message_of_any_priority_reaches_the_batch_task(
    job_settings: JobSettings, redis_client: redis.Redis, priority: int
) -> None:
    batches = Batches()
    with celery_worker(job_settings, batches):
        redis_client.lpush(list_name(CELERY_QUEUE, priority), envelope(CELERY_QUEUE, "an-id", priority))
        assert batches.wait_for(1) == ["an-id"]
    assert redis_client.hlen("unacked") == 0


def test_the_probe_comes_back_through_the_workers_own_queue(
    job_settings: JobSettings, redis_client: redis.Redis
) -> None:
    batches = Batches()
    with celery_worker(job_settings, batches):
        queue = probe_queue("tested")
        redis_client.lpush(list_name(queue, 0), envelope(queue, "probe", 0))
        assert batches.wait_for(1) == ["probe"]


def test_waiting_messages_come_first_things_first(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    for priority in (9, 5, 0, 7):
        redis_client.lpush(list_name(CELERY_QUEUE, priority), envelope(CELERY_QUEUE, f"p{priority}", priority))
    batches = Batches()
    with celery_worker(job_settings, batches):
        assert batches.wait_for(4) == ["p0", "p5", "p7", "p9"]


def test_a_batch_is_flushed_by_count_long_before_the_interval(
    job_settings: JobSettings, redis_client: redis.Redis
) -> None:
    batches = Batches()
    with celery_worker(job_settings, batches, batch_size=4, interval_s=3600):
        for number in range(4):
            redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, str(number), 5))
        batches.wait_for(4)
    assert [len(batch) for batch in batches.batches] == [4]


def test_many_messages_come_with_one_question(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    redis_client.lpush(list_name(CELERY_QUEUE, 5), *(envelope(CELERY_QUEUE, str(number), 5) for number in range(8)))
    redis_client.config_resetstat()
    batches = Batches()
    with celery_worker(job_settings, batches, batch_size=8):
        assert batches.wait_for(8) == [str(number) for number in range(8)]
    questions: dict[str, Any] = redis_client.info("commandstats")["cmdstat_blmpop"]  # type: ignore[index, assignment]
    assert questions["calls"] < 8


def test_what_a_worker_has_no_room_for_stays_in_the_store(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    batches = Batches(taken=False)
    redis_client.lpush(CELERY_QUEUE, *(envelope(CELERY_QUEUE, str(number), 0) for number in range(20)))
    with celery_worker(job_settings, batches, batch_size=4):
        batches.wait_for(4 * BATCHES_AHEAD)
        queue = probe_queue("tested")
        redis_client.lpush(list_name(queue, 0), envelope(queue, "probe", 0))  # nor is this taken
        time.sleep(0.2)
        assert len(batches.arguments) == 4 * BATCHES_AHEAD
        assert redis_client.llen(CELERY_QUEUE) == 20 - 4 * BATCHES_AHEAD


def foreign_messages() -> list[str]:
    """What somebody else may have put in the list: each would end the worker or its connection if kombu met it."""
    ours = json.loads(envelope(CELERY_QUEUE, "foreign", 5))
    return [
        "",
        "not JSON",
        "[" * 5000,
        "5",
        "null",
        "{}",
        json.dumps({**ours, "properties": {}}),
        json.dumps({**ours, "body": "not base64"}),
        json.dumps({**ours, "body": base64.b64encode(b"[]").decode()}),
        json.dumps(
            {**ours, "body": base64.b64encode(json.dumps([[{"not": "a string"}, 2], {}, {}]).encode()).decode()}
        ),
        json.dumps({**ours, "body": base64.b64encode(json.dumps([["\ud800"], {}, {}]).encode()).decode()}),
        json.dumps({**ours, "headers": {**ours["headers"], "task": []}}),
        json.dumps({**ours, "headers": {**ours["headers"], "task": "unknown"}}),
        json.dumps({**ours, "headers": {**ours["headers"], "expires": []}}),
    ]


def test_foreign_messages_do_no_harm_to_those_beside_them(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    foreign = foreign_messages()
    for number, message in enumerate(foreign):
        redis_client.lpush(list_name(CELERY_QUEUE, 5), message, envelope(CELERY_QUEUE, f"good-{number}", 5))
    batches = Batches()
    with celery_worker(job_settings, batches, batch_size=2):  # fewer than there are foreign ones: none keeps its place
        assert batches.wait_for(len(foreign)) == [f"good-{number}" for number in range(len(foreign))]


def test_a_message_for_later_is_taken_now(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    message = json.loads(envelope(CELERY_QUEUE, "an-id", 5))
    message["headers"]["eta"] = "2999-01-01T00:00:00+00:00"
    redis_client.lpush(list_name(CELERY_QUEUE, 5), json.dumps(message))
    batches = Batches()
    with celery_worker(job_settings, batches):
        assert batches.wait_for(1) == ["an-id"]


def test_the_probe_goes_before_the_most_urgent(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    redis_client.lpush(CELERY_QUEUE, *(envelope(CELERY_QUEUE, str(number), 0) for number in range(40)))
    redis_client.lpush(probe_queue("tested"), envelope(probe_queue("tested"), "probe", 0))
    batches = Batches()
    with celery_worker(job_settings, batches):
        assert batches.wait_for(41)[0] == "probe"


def test_the_prefetch_limit_does_not_grow_with_the_machine(job_settings: JobSettings) -> None:
    app = create_celery(job_settings, "tested", 4)
    assert app.conf.worker_concurrency * app.conf.worker_prefetch_multiplier == 4 * BATCHES_AHEAD


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_batches_are_flushed_by_time_after_the_connection_was_lost(
    job_settings: JobSettings, redis_client: redis.Redis
) -> None:
    """Celery clears the flush timer on a lost connection; without our mending it never runs again."""
    batches, reconnections = Batches(), []
    with celery_worker(job_settings, batches, batch_size=64, reconnected=lambda: reconnections.append(1)):
        redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "before", 5))
        batches.wait_for(1)
        redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "starts the timer", 5))
        redis_client.client_kill_filter(_type="normal", skipme=True)
        redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "after", 5))
        deadline = time.monotonic() + 20
        while "after" not in batches.arguments and time.monotonic() < deadline:
            batches.wait_for(len(batches.arguments) + 1)
    assert "after" in batches.arguments
    assert reconnections == [1]


@contextmanager
def refusing(store: redis.Redis) -> Iterator[None]:
    """The store takes no writes, as one whose disk is full: here it asks for a replica, and there is none."""
    store.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        store.config_set("min-replicas-to-write", 0)


def test_a_store_that_refuses_for_a_while_is_waited_for(
    job_settings: JobSettings, redis_client: redis.Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    batches = Batches()
    with celery_worker(job_settings, batches):
        redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "before", 5))
        batches.wait_for(1)
        with refusing(redis_client):
            time.sleep(2.5)  # whoever asks meanwhile is refused
        redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "after", 5))
        assert batches.wait_for(2) == ["before", "after"]
    told = capfd.readouterr()
    assert 1 <= (told.out + told.err).count("the store refuses to give out work") <= 3


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_a_worker_starts_when_the_store_no_longer_refuses(job_settings: JobSettings, redis_client: redis.Redis) -> None:
    batches = Batches()
    with refusing(redis_client):
        permission = threading.Timer(1.5, redis_client.config_set, ("min-replicas-to-write", 0))
        permission.start()
        with celery_worker(job_settings, batches):  # returns when the worker is ready
            permission.join()
            redis_client.lpush(list_name(CELERY_QUEUE, 5), envelope(CELERY_QUEUE, "an-id", 5))
            assert batches.wait_for(1) == ["an-id"]
