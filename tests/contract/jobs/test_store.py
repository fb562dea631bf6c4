"""The router's side of the queue on a real store."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from services.behavior.schema import BehaviorRequest
from services.jobs import keys
from services.jobs.errors import IdempotencyConflict, QueueFull, StoreUnavailable, UnknownBehavior
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect

WAVE = BehaviorRequest(instruction="Wave and say hello")
NOD = BehaviorRequest(instruction="Nod")


def test_a_submitted_behaviour_is_queued_and_announced_to_celery(store: JobStore, redis_client: redis.Redis) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    document = store.result(submission.id)
    assert document is not None
    assert (document.status, document.instruction, document.backend) == ("queued", "Wave and say hello", "llamacpp")
    assert store.queued() == 1
    assert redis_client.llen("behaviors\x06\x165") == 1


def test_an_idempotency_key_stands_for_one_behaviour(store: JobStore) -> None:
    first = store.submit(WAVE, backend="llamacpp", principal="lab", idempotency_key="k1")
    again = store.submit(WAVE, backend="llamacpp", principal="lab", idempotency_key="k1")
    other_client = store.submit(WAVE, backend="llamacpp", principal="other", idempotency_key="k1")

    assert first.created
    assert (again.id, again.created) == (first.id, False)
    assert other_client.created
    assert store.queued() == 2
    with pytest.raises(IdempotencyConflict):
        store.submit(NOD, backend="llamacpp", principal="lab", idempotency_key="k1")
    elsewhere = store.submit(WAVE, backend="vllm", principal="lab", idempotency_key="k1")
    assert elsewhere.id == first.id, "where a split sends it does not make it another request"


def test_an_idempotency_key_lasts_from_acceptance_until_its_result_is_forgotten(
    redis_url: str, redis_client: redis.Redis
) -> None:
    settings = JobSettings(redis_url=redis_url, result_ttl_s=5)
    store = JobStore(connect(settings), settings)
    submission = store.submit(WAVE, backend="llamacpp", idempotency_key="k1")
    (key,) = redis_client.keys("rbe:i:*")
    assert redis_client.ttl(key) > settings.queue_ttl_s, "it may wait that long and then run"

    store.cancel(submission.id)
    assert 0 < redis_client.ttl(key) <= settings.result_ttl_s


def test_simultaneous_requests_with_one_idempotency_key_make_one_behaviour(store: JobStore) -> None:
    with ThreadPoolExecutor(16) as threads:
        submissions = list(
            threads.map(lambda _: store.submit(WAVE, backend="llamacpp", idempotency_key="same"), range(32))
        )

    assert len({submission.id for submission in submissions}) == 1
    assert sum(submission.created for submission in submissions) == 1


def test_the_queue_is_bounded_even_under_simultaneous_requests(redis_url: str, redis_client: redis.Redis) -> None:
    settings = JobSettings(redis_url=redis_url, queue_limit=10)
    store = JobStore(connect(settings), settings)

    def submit(_: int) -> bool:
        try:
            store.submit(WAVE, backend="llamacpp")
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        accepted = list(threads.map(submit, range(40)))

    assert sum(accepted) == 10
    assert store.queued() == 10
    with pytest.raises(QueueFull) as full:
        store.submit(WAVE, backend="llamacpp")
    assert full.value.retry_after_s == 1
    assert "10 behaviours are waiting" in str(full.value)


def test_the_queue_is_bounded_in_bytes_too(redis_url: str, redis_client: redis.Redis) -> None:
    settings = JobSettings(redis_url=redis_url, queue_max_bytes=5000)
    store = JobStore(connect(settings), settings)
    heavy = BehaviorRequest(instruction="x" * 2000)  # 2 kB and what goes with it

    first, second = (store.submit(heavy, backend="llamacpp") for _ in range(2))
    with pytest.raises(QueueFull, match=r"hold 4\d\d\d of 5000 bytes"):
        store.submit(heavy, backend="llamacpp")

    store.cancel(first.id)
    third = store.submit(heavy, backend="llamacpp")
    for submission in (second, third):
        store.cancel(submission.id)
    assert int(redis_client.get(keys.BYTES)) == 0


@pytest.mark.parametrize(
    ("limit", "told"), [(64 * 2**20, "3 of 64 MiB"), (2 * 2**20, "3072 of 2048 KiB"), (5000, "3145728 of 5000 bytes")]
)
def test_a_full_queue_tells_its_size_in_a_unit_that_shows_it(limit: int, told: str) -> None:
    assert f"hold {told}, too much" in str(QueueFull(1, 3 * 2**20, JobSettings(queue_max_bytes=limit)))


def test_a_request_larger_than_the_bound_is_taken_when_nothing_else_waits(
    redis_url: str, redis_client: redis.Redis
) -> None:
    settings = JobSettings(redis_url=redis_url, queue_max_bytes=10)
    store = JobStore(connect(settings), settings)
    redis_client.set(keys.BYTES, 10_000)  # left behind by records that somebody deleted

    assert store.submit(WAVE, backend="llamacpp").created
    with pytest.raises(QueueFull):
        store.submit(WAVE, backend="llamacpp")


def test_cancelling_a_waiting_behaviour_ends_it_with_one_terminal_event(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    document = store.cancel(submission.id)
    again = store.cancel(submission.id)

    assert document is not None
    assert again is not None
    assert document.status == again.status == "cancelled"
    assert [event.name for event in store.events(submission.id) if event] == ["queued", "cancelled"]
    assert store.queued() == 0


def test_events_resume_after_the_last_one_seen_and_end_after_the_terminal_one(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    store.cancel(submission.id)
    queued, cancelled = [event for event in store.events(submission.id) if event]

    assert [event.id for event in store.events(submission.id, after=queued.id) if event] == [cancelled.id]
    assert list(store.events(submission.id, after=cancelled.id)) == []
    assert store.result(submission.id).model_dump_json() == cancelled.data  # type: ignore[union-attr]


def test_the_shortest_silence_is_no_endless_one(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    events = store.events(submission.id, idle_s=0.0001)
    assert [event.name if event else None for event in (next(events), next(events))] == ["queued", None]


def test_an_id_from_the_future_stands_for_the_last_event(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    ahead = "9999999999999999-0"
    events = store.events(submission.id, after=ahead, idle_s=0.05)
    assert next(events) is None
    store.cancel(submission.id)
    assert [event.name for event in events if event] == ["cancelled"]
    assert list(store.events(submission.id, after=ahead)) == []


def test_a_quiet_stream_yields_none_so_that_the_caller_can_keep_the_line_open(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    events = store.events(submission.id, idle_s=0.05)

    assert next(events).name == "queued"  # type: ignore[union-attr]
    assert next(events) is None


def test_waiting_ends_as_soon_as_the_behaviour_does(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    canceller = threading.Timer(0.1, store.cancel, [submission.id])
    canceller.start()

    document = store.wait(submission.id, timeout_s=30)

    canceller.join()
    assert document is not None
    assert document.status == "cancelled"


def test_waiting_in_vain_gives_the_document_as_it_stands(store: JobStore) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    document = store.wait(submission.id, timeout_s=0.05)

    assert document is not None
    assert document.status == "queued"


def test_a_behaviour_that_nobody_takes_fails_after_its_time(redis_url: str, redis_client: redis.Redis) -> None:
    settings = JobSettings(redis_url=redis_url, queue_ttl_s=60)
    store = JobStore(connect(settings), settings)
    submission = store.submit(WAVE, backend="llamacpp")
    redis_client.hincrby(keys.record(submission.id), "accepted", -61_000)

    document = store.result(submission.id)

    assert document is not None
    assert document.status == "failed"
    assert document.error is not None
    assert document.error.code == "queue.expired"
    assert [event.name for event in store.events(submission.id) if event] == ["queued", "error"]


@pytest.mark.parametrize("behavior_id", ["", "x", "0" * 32, "../../etc", "A" * 32, "é" * 32])
def test_unknown_ids_are_unknown_everywhere(store: JobStore, behavior_id: str) -> None:
    assert store.result(behavior_id) is None
    assert store.wait(behavior_id, 0.01) is None
    assert store.cancel(behavior_id) is None
    with pytest.raises(UnknownBehavior):
        next(store.events(behavior_id))


@pytest.mark.parametrize("after", ["", "1", "abc-0", "1-1-1", "9" * 30 + "-0"])
def test_a_bad_event_id_is_refused(store: JobStore, after: str) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    with pytest.raises(ValueError, match="event id"):
        next(store.events(submission.id, after=after))


def test_finished_behaviours_are_bounded_in_number(redis_url: str, redis_client: redis.Redis) -> None:
    settings = JobSettings(redis_url=redis_url, results_limit=3)
    store = JobStore(connect(settings), settings)
    ids = []
    for _ in range(5):
        ids.append(store.submit(WAVE, backend="llamacpp").id)
        store.cancel(ids[-1])
        time.sleep(0.002)  # ends are told apart by the millisecond

    assert [store.result(behavior_id) is not None for behavior_id in ids] == [False, False, True, True, True]
    assert len(redis_client.keys("rbe:e:*")) == 3


def test_an_idempotency_key_is_forgotten_with_its_behaviour(redis_url: str, redis_client: redis.Redis) -> None:
    settings = JobSettings(redis_url=redis_url, results_limit=2)
    store = JobStore(connect(settings), settings)
    for number in range(4):
        store.cancel(store.submit(WAVE, backend="llamacpp", idempotency_key=f"key-{number}").id)
        time.sleep(0.002)

    assert len(redis_client.keys("rbe:i:*")) == 2
    assert not store.submit(WAVE, backend="llamacpp", idempotency_key="key-3").created
    assert store.submit(WAVE, backend="llamacpp", idempotency_key="key-0").created


def test_an_absent_store_is_reported_and_not_waited_for(unused_tcp_port: int) -> None:
    settings = JobSettings(redis_url=f"redis://127.0.0.1:{unused_tcp_port}/0")
    store = JobStore(connect(settings), settings)

    with pytest.raises(StoreUnavailable):
        store.submit(WAVE, backend="llamacpp")


def test_a_store_that_is_out_of_memory_refuses_and_queues_nothing(store: JobStore, redis_client: redis.Redis) -> None:
    redis_client.config_set("maxmemory-policy", "noeviction")
    redis_client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(StoreUnavailable):
            store.submit(WAVE, backend="llamacpp")
    finally:
        redis_client.config_set("maxmemory", "0")
    assert store.queued() == 0


class _Holding(redis.Redis):
    """A client whose ``zcard`` is not answered before it is let go."""

    let_go = threading.Event()
    begun = threading.Semaphore(0)

    def zcard(self, name: str) -> int:
        self.begun.release()
        assert self.let_go.wait(30)
        return 0


def test_an_emergency_stop_does_not_wait_for_what_others_want_of_the_store(job_settings: JobSettings) -> None:
    client = _Holding.from_url(job_settings.redis_url, decode_responses=True)
    store = JobStore(client, job_settings)
    with ThreadPoolExecutor(10) as threads:
        crowd = [threads.submit(store.queued) for _ in range(10)]
        try:
            for _ in range(4):
                assert client.begun.acquire(timeout=10)
            assert not client.begun.acquire(timeout=0.2), "as many go to the store at once as there are clients"
            assert store.stop_robot("nao") > 0
        finally:
            client.let_go.set()
        assert [asked.result(10) for asked in crowd] == [0] * 10
