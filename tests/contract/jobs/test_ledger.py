"""The worker's side of the queue on a real store: leases, fencing and recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import redis

from services.behavior.schema import Action, BehaviorRequest
from services.jobs import keys
from services.jobs.documents import result_document
from services.jobs.ledger import Cancellation, EmergencyStop, EventBatch, Lease, Ledger, Written, connect
from services.jobs.messages import argument, list_name
from services.jobs.recovery import Recovery
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore

T = TypeVar("T")
WAVE = BehaviorRequest(instruction="Wave and say hello")
CELERY_LIST = list_name(keys.CELERY_QUEUE, WAVE.priority)


@pytest.fixture
def use(job_settings: JobSettings) -> Callable[..., T]:
    """Run steps as one worker: ``use(steps, worker="a")`` awaits ``steps(ledger)``."""

    def run(steps: Callable[[Ledger], Awaitable[T]], worker: str = "a") -> T:
        async def main() -> T:
            ledger = Ledger(connect(job_settings), job_settings, worker)
            try:
                return await steps(ledger)
            finally:
                await ledger.close()

        return asyncio.run(main())

    return run


def finish(lease: Lease, number: int = 9) -> EventBatch:
    document = result_document(lease.id, lease.request, lease.backend, "succeeded", waited_ms=1.0)
    return EventBatch(lease.id, lease.attempt, number, [("step", "{}")], document=document)


def names(store: JobStore, behavior_id: str) -> list[str]:
    return [event.name for event in store.events(behavior_id) if event]


def test_a_behaviour_is_leased_once_however_often_its_message_comes(store: JobStore, use: Callable[..., T]) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    async def claim(ledger: Ledger) -> list[Lease]:
        return await ledger.claim([submission.id, submission.id, "unknown"])

    (lease,) = use(claim, worker="a")
    assert (lease.id, lease.request, lease.backend, lease.attempt) == (submission.id, WAVE, "llamacpp", 1)
    assert use(claim, worker="b") == []
    assert store.queued() == 0
    assert store.result(submission.id).status == "running"  # type: ignore[union-attr]


def test_the_end_is_written_once_even_when_its_answer_was_lost(store: JobStore, use: Callable[..., T]) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    async def work(ledger: Ledger) -> list[list[Written]]:
        (lease,) = await ledger.claim([submission.id])
        return [
            await ledger.append([finish(lease)]),
            await ledger.append([finish(lease)]),
            await ledger.append([finish(lease, number=10)]),
        ]

    assert use(work) == [["written"], ["written"], ["lost"]]
    assert names(store, submission.id) == ["queued", "step", "done"]


def test_a_recording_is_kept_as_long_as_its_result(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    async def steps(ledger: Ledger) -> None:
        (lease,) = await ledger.claim([submission.id])
        assert store.recording(submission.id) is None
        batch = finish(lease)
        batch.recording = "what it did"
        assert await ledger.append([batch]) == ["written"]

    use(steps)
    assert store.recording(submission.id) == "what it did"
    kept_s = redis_client.ttl(keys.result(submission.id))
    assert 0 < redis_client.ttl(keys.record(submission.id)) <= kept_s
    assert names(store, submission.id) == ["queued", "step", "done"]
    assert store.recording("nonsense") is None
    assert store.recording("0" * 32) is None


def test_an_expired_lease_is_queued_again_and_its_old_owner_is_shut_out(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    async def claim(ledger: Ledger) -> Lease:
        (lease,) = await ledger.claim([submission.id])
        return lease

    dead = use(claim, worker="dead")
    redis_client.delete(CELERY_LIST)
    redis_client.zadd(keys.LEASES, {submission.id: 1})

    assert use(lambda ledger: Recovery(ledger).recover(), worker="b") == 1
    assert store.queued() == 1
    assert redis_client.llen(CELERY_LIST) == 1
    second = use(claim, worker="b")
    assert second.attempt == 2
    assert use(lambda ledger: ledger.append([finish(dead)]), worker="dead") == ["lost"]
    assert use(lambda ledger: ledger.renew([(dead.id, 1)]), worker="dead") == {dead.id: "lost"}
    assert use(lambda ledger: ledger.append([finish(second)]), worker="b") == ["written"]
    assert names(store, submission.id) == ["queued", "step", "done"]


def test_a_lease_in_force_is_left_alone(store: JobStore, use: Callable[..., T]) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    use(lambda ledger: ledger.claim([submission.id]), worker="a")

    assert use(lambda ledger: Recovery(ledger).recover(), worker="b") == 0
    assert store.result(submission.id).status == "running"  # type: ignore[union-attr]


def test_a_behaviour_whose_robot_began_to_act_is_never_started_again(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    action = Action(service="ALTextToSpeech", method="say", args=["Hello"], at_s=0.0, took_s=1.0)

    async def act(ledger: Ledger) -> Lease:
        (lease,) = await ledger.claim([submission.id])
        assert await ledger.append([EventBatch(lease.id, lease.attempt, 1, [], acting_robot="nao")]) == ["written"]
        told = EventBatch(lease.id, lease.attempt, 2, [("action", action.model_dump_json())])
        assert await ledger.append([told]) == ["written"]
        return lease

    lease = use(act, worker="dead")
    assert use(lambda ledger: ledger.requeue(lease), worker="dead") is False
    redis_client.zadd(keys.LEASES, {submission.id: 1})
    assert use(lambda ledger: Recovery(ledger).recover(), worker="b") == 1

    document = store.result(submission.id)
    assert document is not None
    assert document.status == "failed"
    assert document.error is not None
    assert document.error.code == "worker.lost"
    assert document.actions == [action], "what the robot did before its worker died is told"
    assert names(store, submission.id) == ["queued", "action", "error"]


def test_a_behaviour_that_kills_its_workers_fails_in_the_end(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis, job_settings: JobSettings
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    for attempt in range(1, job_settings.max_attempts + 1):
        (lease,) = use(lambda ledger: ledger.claim([submission.id]), worker=f"dead-{attempt}")
        assert lease.attempt == attempt
        redis_client.zadd(keys.LEASES, {submission.id: 1})
        assert use(lambda ledger: Recovery(ledger).recover()) == 1

    document = store.result(submission.id)
    assert document is not None
    assert (document.status, document.error and document.error.code) == ("failed", "worker.lost")


def test_a_cancelled_behaviour_of_a_dead_worker_ends_as_cancelled(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    (lease,) = use(lambda ledger: ledger.claim([submission.id]), worker="dead")
    assert store.cancel(submission.id).status == "running"  # type: ignore[union-attr]
    assert use(lambda ledger: ledger.renew([(lease.id, lease.attempt)]), worker="dead") == {lease.id: "cancel"}
    redis_client.zadd(keys.LEASES, {submission.id: 1})

    assert use(lambda ledger: Recovery(ledger).recover()) == 1
    assert names(store, submission.id) == ["queued", "cancelled"]


def test_what_waited_too_long_is_ended_instead_of_leased(
    store: JobStore, use: Callable[..., T], job_settings: JobSettings, redis_client: redis.Redis
) -> None:
    old, fresh = (store.submit(WAVE, backend="llamacpp").id for _ in range(2))
    redis_client.hincrby(keys.record(old), "accepted", -(job_settings.queue_ttl_s * 1000 + 1000))

    leases = use(lambda ledger: ledger.claim([old, fresh]))

    assert [lease.id for lease in leases] == [fresh]
    document = store.result(old)
    assert document is not None
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "queue.expired")
    assert names(store, old) == ["queued", "error"]


def test_a_cancellation_outlives_the_attempt_that_was_asked(store: JobStore, use: Callable[..., T]) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    (lease,) = use(lambda ledger: ledger.claim([submission.id]), worker="a")
    store.cancel(submission.id)
    assert use(lambda ledger: ledger.requeue(lease), worker="a"), "it had not heard of it when it gave it back"

    assert use(lambda ledger: ledger.claim([submission.id]), worker="b") == []
    assert names(store, submission.id) == ["queued", "cancelled"]


def test_a_behaviour_given_back_while_it_is_cancelled_ends_as_cancelled(
    store: JobStore, use: Callable[..., T], monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    (lease,) = use(lambda ledger: ledger.claim([submission.id]), worker="a")
    looked = store.result

    def look_and_give_back(behavior_id: str) -> Any:
        document = looked(behavior_id)
        use(lambda ledger: ledger.requeue(lease), worker="a")
        return document

    with monkeypatch.context() as patch:
        patch.setattr(store, "_finish", lambda *_: False)  # as if it had been running until then
        patch.setattr(store, "result", look_and_give_back)
        store.cancel(submission.id)
    assert use(lambda ledger: ledger.claim([submission.id]), worker="b") == []
    assert names(store, submission.id) == ["queued", "cancelled"]


def test_a_lost_message_is_sent_again_while_others_wait(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    lost, waiting = (store.submit(WAVE, backend="llamacpp").id for _ in range(2))
    redis_client.rpop(CELERY_LIST)
    redis_client.lpush(CELERY_LIST, "a message of somebody else")
    redis_client.zincrby(keys.QUEUED, -31_000, lost)
    redis_client.zincrby(keys.QUEUED, -31_000, waiting)

    assert use(lambda ledger: Recovery(ledger).recover()) == 1
    waiting_in_turn = [argument(message) for message in redis_client.lrange(CELERY_LIST, 0, -1)[::-1]]
    assert waiting_in_turn == [lost, waiting, None], "it goes before what has waited less long"
    redis_client.rpop(CELERY_LIST)
    assert use(lambda ledger: Recovery(ledger).recover()) == 0, "a worker may have it in hand: not again for a while"


def test_a_lost_message_is_sent_again(store: JobStore, use: Callable[..., T], redis_client: redis.Redis) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    redis_client.delete(CELERY_LIST)
    assert use(lambda ledger: Recovery(ledger).recover()) == 0, "a message may be on its way for a moment"
    redis_client.zincrby(keys.QUEUED, -6_000, submission.id)

    assert use(lambda ledger: Recovery(ledger).recover()) == 1
    assert redis_client.llen(CELERY_LIST) == 1
    assert use(lambda ledger: Recovery(ledger).recover()) == 0, "it is not sent a third time while the second one waits"


def test_what_waited_too_long_fails(store: JobStore, use: Callable[..., T], redis_client: redis.Redis) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    redis_client.zadd(keys.QUEUED, {submission.id: 1})

    assert use(lambda ledger: Recovery(ledger).recover()) == 1
    assert names(store, submission.id) == ["queued", "error"]
    assert store.queued() == 0


def test_a_given_back_behaviour_keeps_its_place_in_time(
    store: JobStore, use: Callable[..., T], redis_client: redis.Redis
) -> None:
    submission = store.submit(WAVE, backend="llamacpp")
    accepted = redis_client.zscore(keys.QUEUED, submission.id)

    async def give_back(ledger: Ledger) -> bool:
        (lease,) = await ledger.claim([submission.id])
        return await ledger.requeue(lease)

    assert use(give_back) is True
    assert redis_client.zscore(keys.QUEUED, submission.id) == accepted


def test_workers_are_counted_while_they_renew_and_forgotten_when_they_sign_off(
    store: JobStore, use: Callable[..., T]
) -> None:
    use(lambda ledger: ledger.renew([]), worker="a")
    use(lambda ledger: ledger.renew([]), worker="b")
    assert store.workers() == 2
    use(lambda ledger: Recovery(ledger).sign_off(), worker="b")
    assert store.workers() == 1


def test_dead_workers_leave_nothing_behind(store: JobStore, use: Callable[..., T], redis_client: redis.Redis) -> None:
    use(lambda ledger: ledger.send_probe("probe"), worker="dead")
    use(lambda ledger: ledger.renew([]), worker="dead")
    redis_client.zadd(keys.WORKERS, {"dead": 1})

    use(lambda ledger: Recovery(ledger).recover())

    assert redis_client.keys("*") == []


def test_probes_do_not_pile_up(use: Callable[..., T], redis_client: redis.Redis) -> None:
    for _ in range(3):
        use(lambda ledger: ledger.send_probe("probe"), worker="slow")
    assert redis_client.llen(list_name(keys.probe_queue("slow"), 0)) == 1


def announced(store_call: Callable[[], object], wanted: type) -> Callable[[Ledger], Coroutine[Any, Any, Any]]:
    """What a worker hears of something that is announced again and again until it listens."""

    async def follow(ledger: Ledger) -> Any:
        announcements = ledger.announcements()
        heard = asyncio.ensure_future(anext(announcements))
        while not heard.done():
            await asyncio.to_thread(store_call)
            await asyncio.wait({heard}, timeout=0.1)
        await announcements.aclose()  # type: ignore[attr-defined]
        assert isinstance(heard.result(), wanted)
        return heard.result()

    return follow


def test_a_cancellation_is_announced_to_running_workers(store: JobStore, use: Callable[..., T]) -> None:
    submission = store.submit(WAVE, backend="llamacpp")

    async def follow(ledger: Ledger) -> Cancellation:
        await ledger.claim([submission.id])
        heard: Cancellation = await announced(lambda: store.cancel(submission.id), Cancellation)(ledger)
        return heard

    assert use(follow) == Cancellation(submission.id)


def test_an_emergency_stop_is_announced_to_the_workers(store: JobStore, use: Callable[..., T]) -> None:
    stops: list[int] = []
    heard = use(announced(lambda: stops.append(store.stop_robot("nao")), EmergencyStop))
    assert (heard.robot, heard.stopped_ms in stops) == ("nao", True)


def test_after_an_emergency_stop_nothing_accepted_before_begins_to_act(store: JobStore, use: Callable[..., T]) -> None:
    before = store.submit(WAVE, backend="llamacpp")

    async def act(ledger: Ledger, behavior_id: str, stop: bool = False) -> list[Written]:
        (lease,) = await ledger.claim([behavior_id])
        if stop:
            await asyncio.to_thread(store.stop_robot, "nao")
        return await ledger.append([EventBatch(lease.id, lease.attempt, 1, [], acting_robot="nao")])

    assert use(lambda ledger: act(ledger, before.id, stop=True)) == ["stopped"]
    time.sleep(0.002)  # accepted in a later millisecond
    after = store.submit(WAVE, backend="llamacpp")
    assert use(lambda ledger: act(ledger, after.id)) == ["written"]


def test_what_waits_when_its_robot_is_stopped_is_not_worked_on(store: JobStore, use: Callable[..., T]) -> None:
    stopped = store.submit(WAVE, backend="llamacpp")
    written = store.submit(WAVE.model_copy(update={"execute": "none"}), backend="llamacpp")
    store.stop_robot("nao")

    leases = use(lambda ledger: ledger.claim([stopped.id, written.id]))

    assert [lease.id for lease in leases] == [written.id]
    document = store.result(stopped.id)
    assert document is not None
    assert document.error is not None
    assert (document.status, document.error.code) == ("cancelled", "robot.stopped")
    assert names(store, stopped.id) == ["queued", "cancelled"]


def test_an_emergency_stop_empties_the_queue_for_its_robot(store: JobStore, use: Callable[..., T]) -> None:
    waiting = [store.submit(WAVE, backend="llamacpp") for _ in range(3)]
    other = [
        store.submit(WAVE.model_copy(update=fields), backend="llamacpp")
        for fields in ({"execute": "none"}, {"robot": "another"})
    ]
    claimed = store.submit(WAVE, backend="llamacpp")
    use(lambda ledger: ledger.claim([claimed.id]))
    stopped_ms = store.stop_robot("nao")
    time.sleep(0.002)
    later = store.submit(WAVE, backend="llamacpp")

    assert store.dismiss("nao", stopped_ms) == 3

    statuses = [store.result(one.id).status for one in (*waiting, *other, claimed, later)]  # type: ignore[union-attr]
    assert statuses == ["cancelled"] * 3 + ["queued"] * 2 + ["running", "queued"]
    assert store.queued() == 3


def test_an_emergency_stop_that_is_noted_late_holds_from_when_it_was_asked_for(store: JobStore) -> None:
    before = store.submit(WAVE, backend="llamacpp")
    time.sleep(0.1)
    asked = time.monotonic()
    time.sleep(0.1)
    after = store.submit(WAVE, backend="llamacpp")

    stopped_ms = store.stop_robot("nao", time.monotonic() - asked)

    assert store.dismiss("nao", stopped_ms) == 1
    statuses = [store.result(one.id).status for one in (before, after)]  # type: ignore[union-attr]
    assert statuses == ["cancelled", "queued"]
    later_ms = store.stop_robot("nao")
    assert store.stop_robot("nao", 60.0) == later_ms, "an older one takes nothing back"


def test_a_lease_carries_the_clients_trace_context(store: JobStore, use: Callable[..., T]) -> None:
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "lab=1"}
    traced, plain = store.submit(WAVE, backend="llamacpp", trace=trace), store.submit(WAVE, backend="llamacpp")

    leases = use(lambda ledger: ledger.claim([traced.id, plain.id]))

    assert [dict(lease.trace) for lease in leases] == [trace, {}]


@pytest.fixture
def unreadable(store: JobStore, redis_client: redis.Redis) -> str:
    """A waiting behaviour that a later version accepted."""
    submission = store.submit(WAVE, backend="llamacpp")
    later = '{"instruction": "Wave and say hello", "robot": "nao", "mood": "cheerful"}'
    redis_client.hset(keys.record(submission.id), "request", later)
    return submission.id


def test_a_request_of_another_version_ends_as_failed_and_harms_no_other(
    store: JobStore, use: Callable[..., T], unreadable: str
) -> None:
    good = store.submit(WAVE, backend="llamacpp")
    before = store.result(unreadable)
    assert before is not None
    assert (before.status, before.instruction) == ("queued", WAVE.instruction)
    leases = use(lambda ledger: ledger.claim([unreadable, good.id]))
    assert [lease.id for lease in leases] == [good.id]
    document = store.result(unreadable)
    assert document is not None
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "request.unreadable")
    assert names(store, unreadable)[-1] == "error"


def test_recovery_ends_a_request_of_another_version_too(
    store: JobStore, use: Callable[..., T], unreadable: str, redis_client: redis.Redis
) -> None:
    redis_client.hset(keys.record(unreadable), mapping={"status": "running", "owner": "gone", "attempt": 3})
    redis_client.zrem(keys.QUEUED, unreadable)
    redis_client.zadd(keys.LEASES, {unreadable: 1})
    assert use(lambda ledger: Recovery(ledger).recover()) == 1
    document = store.result(unreadable)
    assert document is not None
    assert document.error is not None
    assert document.error.code == "worker.lost"
