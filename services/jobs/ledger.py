"""The worker's side of the queue: leases, events, final documents, and the recovery of what dead workers held."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import redis.asyncio as redis
from pydantic import ValidationError
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from services.behavior.schema import Action, BehaviorRequest, BehaviorResult, Failure, Status
from services.jobs import keys, scripts
from services.jobs.documents import result_document, stopped_failure, stored_request, terminal_event
from services.jobs.messages import PRIORITIES, argument, envelope, list_name
from services.jobs.settings import JobSettings

#: Behaviours that one recovery round looks at, so that a round is short whatever piled up.
_ROUND = 200
#: Milliseconds that a waiting behaviour's message may be missing from Celery's lists before it is sent again.
_MISSING_AFTER_MS = 5_000
#: The same while there are messages in the lists: what a busy worker has taken out of them waits in its memory, and to
#: search the lists costs more. They are searched once in this time.
_MISSING_UNDER_LOAD_MS = 30_000

Written = Literal["written", "lost", "stopped"]
"""What became of events: written; refused because the lease is lost; refused because of an emergency stop."""
_WRITTEN: dict[int, Written] = {1: "written", 0: "lost", -1: "stopped"}
#: Keys and arguments of one run of a script.
_Call = tuple[list[str], list[Any]]


@dataclass(frozen=True)
class Lease:
    """One attempt at one behaviour, owned by this worker until the lease ends without renewal."""

    id: str
    request: BehaviorRequest
    backend: str
    attempt: int
    waited_ms: float
    #: When it was accepted, by the store's clock.
    accepted_ms: int
    #: W3C trace context of the client that sent it: traceparent and tracestate, if it has one.
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancellation:
    """A running behaviour is to be cancelled."""

    behavior: str


@dataclass(frozen=True)
class EmergencyStop:
    """Whatever was accepted for a robot until then, by the store's clock, is to be cancelled."""

    robot: str
    stopped_ms: int


def connect(settings: JobSettings) -> redis.Redis:
    """Client that retries for a while, so that a restart of Redis delays a running behaviour and does not end it."""
    return redis.Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 8),
    )


@dataclass(frozen=True)
class _Claimed:
    """A behaviour as the store gives it out."""

    id: str
    request: str
    backend: str
    attempt: int
    waited_ms: float


class Ledger:
    """What one worker reads and writes about behaviours. Methods raise redis.RedisError while the store is away."""

    def __init__(self, client: redis.Redis, settings: JobSettings, worker: str) -> None:
        self.worker = worker
        self._redis = client
        self._settings = settings
        self._reached_since: float | None = None
        self._claim = client.register_script(scripts.CLAIM)
        self._append = client.register_script(scripts.APPEND)
        self._requeue = client.register_script(scripts.REQUEUE)
        self._renew = client.register_script(scripts.RENEW)

    async def claim(self, behavior_ids: Sequence[str]) -> list[Lease]:
        """Lease the behaviours that wait among those named; the others were duplicates, cancelled or expired.

        One that somebody cancelled, or whose robot was stopped since it was accepted, is ended here, as cancelled, and
        one whose request this version does not understand, as failed.
        """
        lease_ms = self._settings.lease_s * 1000
        calls = [
            ([keys.record(behavior_id), keys.QUEUED, keys.LEASES], [behavior_id, self.worker, lease_ms])
            for behavior_id in behavior_ids
        ]
        replies = await self._run(self._claim, calls)
        leases = []
        for behavior_id, reply in zip(behavior_ids, replies, strict=True):
            if reply is None:
                continue
            text, backend, attempt, waited_ms, trace, accepted_ms, unwanted = reply
            claimed = _Claimed(behavior_id, text, backend, int(attempt), float(waited_ms))
            try:
                request = BehaviorRequest.model_validate_json(text)
            except ValidationError:
                message = "this worker's version does not understand its request; update the worker and send it again"
                await self._end_claimed(claimed, "failed", Failure(code="request.unreadable", message=message))
                continue
            if unwanted:
                await self._end_claimed(claimed, "cancelled", stopped_failure() if unwanted == "stopped" else None)
                continue
            leases.append(
                Lease(
                    behavior_id,
                    request,
                    backend,
                    claimed.attempt,
                    claimed.waited_ms,
                    int(accepted_ms),
                    json.loads(trace),
                )
            )
        return leases

    async def _end_claimed(self, claimed: _Claimed, status: Status, failure: Failure | None) -> None:
        """End a behaviour that was leased a moment ago and is not to be worked on."""
        document = result_document(
            claimed.id,
            stored_request(claimed.request),
            claimed.backend,
            status,
            error=failure,
            waited_ms=claimed.waited_ms,
        )
        batch = EventBatch(claimed.id, claimed.attempt, "final", [], document=document)
        await self._run(self._append, [self._append_call(batch, self.worker)])

    async def append(self, batches: Sequence[EventBatch]) -> list[Written]:
        """Write batches of events in one round trip; for each, whether it was written or why not."""
        calls = [self._append_call(batch, self.worker) for batch in batches]
        replies = await self._run(self._append, calls)
        return [_WRITTEN[int(reply)] for reply in replies]

    async def requeue(self, lease: Lease) -> bool:
        """Give a behaviour back that this worker will not finish and that has not moved a robot."""
        return await self._put_back(lease.id, self.worker, str(lease.attempt), lease.request.priority, expired=False)

    async def announce(self, behavior_ids: Sequence[str], *, first: bool = False) -> None:
        """Send the Celery messages of waiting behaviours again; a message too many does no harm.

        Each goes behind what waits with its priority, or with ``first`` before all of it.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for behavior_id in behavior_ids:
            pipeline.hget(keys.record(behavior_id), "priority")
        priorities = [int(priority or PRIORITIES[-1]) for priority in await pipeline.execute()]
        push = pipeline.rpush if first else pipeline.lpush
        for behavior_id, priority in zip(behavior_ids, priorities, strict=True):
            push(list_name(keys.CELERY_QUEUE, priority), envelope(keys.CELERY_QUEUE, behavior_id, priority))
        await pipeline.execute()

    async def renew(self, held: Sequence[tuple[str, int]]) -> dict[str, str]:
        """Renew the heartbeat and the leases on (id, attempt) pairs; which of them are 'lost' or to 'cancel'."""
        flat = [str(part) for pair in held for part in pair]
        reply = cast(
            "list[str]",
            await self._renew(
                keys=[keys.LEASES, keys.WORKERS], args=[self.worker, self._settings.lease_s * 1000, *flat]
            ),
        )
        return dict(zip(reply[::2], reply[1::2], strict=True))

    async def announcements(self) -> AsyncIterator[Cancellation | EmergencyStop]:
        """What somebody wants ended, as it is announced; ends on a lost connection."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(keys.CANCELS, keys.STOPS)
            while True:
                message = await pubsub.get_message(timeout=1.0)
                if message is None:
                    continue
                if message["channel"] == keys.STOPS:
                    stopped_ms, _, robot = str(message["data"]).partition(" ")
                    yield EmergencyStop(robot, int(stopped_ms))
                else:
                    yield Cancellation(str(message["data"]))

    async def send_probe(self, token: str) -> None:
        """Put a message in this worker's own Celery queue, unless an earlier one is still there."""
        name = list_name(keys.probe_queue(self.worker), PRIORITIES[0])
        if not await self._redis.llen(name):
            await self._redis.lpush(name, envelope(keys.probe_queue(self.worker), token, PRIORITIES[0]))

    async def tell_circuits(self, states: Mapping[str, str]) -> None:
        """Say how this worker sees the backends: backend name → state of its circuit."""
        await self._redis.hset(keys.CIRCUITS, self.worker, json.dumps(states))

    async def sign_off(self) -> None:
        """This worker ends: announce what it had taken out of Celery's lists and remove its traces."""
        await self._redis.zrem(keys.WORKERS, self.worker)
        await self._forget(self.worker)
        await self.announce_waiting()

    async def recover(self) -> int:
        """Bring back or end what nobody works on any more; how many behaviours that concerned.

        Three cases: a lease ended because its worker died; a behaviour waited too long; the message of a waiting one
        was lost between Redis and a worker that died. A behaviour whose robot had begun to move is never started
        again: what it did cannot be undone.
        """
        now_ms = await self._now_ms()
        changed = 0
        for behavior_id in await self._due(keys.LEASES, now_ms):
            changed += await self._recover_expired_lease(behavior_id)
        overdue_ms = now_ms - self._settings.queue_ttl_s * 1000
        for behavior_id in await self._due(keys.QUEUED, overdue_ms):
            waited = f"no worker took it within {self._settings.queue_ttl_s} s; add workers or send it again later"
            changed += await self._fail(behavior_id, "queue.expired", waited, expired=False)
        changed += await self._send_lost_messages_again(now_ms)
        await self._bury_dead_workers(now_ms)
        return changed

    async def ping_steady(self, seconds: float) -> bool:
        """True when the store has run, and this process has reached it, for this long without a break."""
        now = time.monotonic()
        try:
            server = await self._redis.info("server")
        except redis.RedisError:
            self._reached_since = None
            raise
        if self._reached_since is None:
            self._reached_since = now
        return now - self._reached_since >= seconds and int(server["uptime_in_seconds"]) >= seconds

    async def close(self) -> None:
        """Close the connections to the store."""
        await self._redis.aclose()

    async def _recover_expired_lease(self, behavior_id: str) -> bool:
        state = await self._fields(behavior_id, "status", "owner", "attempt", "acting", "cancel", "priority")
        status, owner, attempt, acting, cancelled, priority = state
        if status != "running":
            await self._redis.zrem(keys.LEASES, behavior_id)
            return False
        if acting:
            reason = (
                "its worker stopped while the robot was acting; the gateway stops the robot, and nothing is repeated"
            )
            return await self._fail(behavior_id, "worker.lost", reason, expired=True)
        if cancelled:
            return await self._end(behavior_id, "cancelled", None, expired=True)
        if int(attempt) >= self._settings.max_attempts:
            reason = f"its worker stopped {attempt} times while it had this behaviour"
            return await self._fail(behavior_id, "worker.lost", reason, expired=True)
        return await self._put_back(behavior_id, owner, attempt, int(priority), expired=True)

    async def _send_lost_messages_again(self, now_ms: int) -> int:
        """Announce again what has waited long and has no message in Celery's lists: it was lost with a connection.

        It goes before what has waited less long.
        """
        lists = [list_name(keys.CELERY_QUEUE, priority) for priority in PRIORITIES]
        announced: set[str | None] = set()
        patience_ms = _MISSING_AFTER_MS
        if await self._redis.exists(*lists):
            if not await self._redis.set(keys.SEARCHED, self.worker, nx=True, px=_MISSING_UNDER_LOAD_MS):
                return 0
            patience_ms = _MISSING_UNDER_LOAD_MS
            # At most the queue's limit of them, and those that were sent twice: a few hundred kilobytes.
            for name in lists:
                announced.update(map(argument, cast("list[str]", await self._redis.lrange(name, 0, -1))))
        waiting = await self._due(keys.QUEUED, now_ms - patience_ms)
        missing = [behavior_id for behavior_id in waiting if behavior_id not in announced]
        await self.announce(missing[::-1], first=True)
        return len(missing)

    async def _bury_dead_workers(self, now_ms: int) -> None:
        """Announce what dead workers had taken out of Celery's lists and not leased, and remove their traces.

        Whatever waits may be among it, so all of it is announced: once for each death, at most the queue's limit.
        """
        for worker in await self._due(keys.WORKERS, now_ms - self._settings.lease_s * 1000):
            if await self._redis.zrem(keys.WORKERS, worker):  # else another worker has seen to it
                await self._forget(worker)
                await self.announce_waiting()

    async def announce_waiting(self) -> None:
        """Send the messages of all waiting behaviours again, those that have waited longest first."""
        await self.announce(cast("list[str]", await self._redis.zrange(keys.QUEUED, 0, -1)))

    async def _forget(self, worker: str) -> None:
        queue = keys.probe_queue(worker)
        await self._redis.delete(list_name(queue, PRIORITIES[0]), f"_kombu.binding.{queue}")
        await self._redis.hdel(keys.CIRCUITS, worker)

    async def _put_back(self, behavior_id: str, owner: str, attempt: str, priority: int, *, expired: bool) -> bool:
        reply = await self._requeue(
            keys=[keys.record(behavior_id), keys.QUEUED, keys.LEASES, list_name(keys.CELERY_QUEUE, priority)],
            args=[
                behavior_id,
                owner,
                attempt,
                "expired" if expired else "",
                envelope(keys.CELERY_QUEUE, behavior_id, priority),
            ],
        )
        return bool(reply)

    async def _fail(self, behavior_id: str, code: str, message: str, *, expired: bool) -> bool:
        return await self._end(behavior_id, "failed", Failure(code=code, message=message), expired=expired)

    async def _end(self, behavior_id: str, status: Any, error: Failure | None, *, expired: bool) -> bool:
        fields = await self._fields(behavior_id, "status", "request", "backend", "accepted", "owner", "attempt")
        status_now, request_json, backend, accepted, owner, attempt = fields
        if status_now != ("running" if expired else "queued"):
            if status_now is None:  # somebody deleted its record
                await self._redis.zrem(keys.QUEUED, behavior_id)
            return False  # else it moved on since it was looked up
        waited_ms = float(await self._now_ms() - int(accepted))
        request = stored_request(request_json)
        document = result_document(behavior_id, request, backend, status, error=error, waited_ms=waited_ms)
        document.actions = await self._recorded_actions(behavior_id)
        batch = EventBatch(behavior_id, int(attempt), "final", [], document=document, expired=expired)
        return bool((await self._run(self._append, [self._append_call(batch, owner)]))[0] == 1)

    async def _recorded_actions(self, behavior_id: str) -> list[Action]:
        """What the robot did, as far as the worker that is gone had told."""
        entries = cast("list[tuple[str, dict[str, str]]]", await self._redis.xrange(keys.events(behavior_id)))
        actions = []
        for _, fields in entries:
            if fields["event"] == "action":
                with contextlib.suppress(ValidationError):  # written by another version
                    actions.append(Action.model_validate_json(fields["data"]))
        return actions

    def _append_call(self, batch: EventBatch, owner: str) -> _Call:
        document = batch.document
        pairs = [text for event in batch.events for text in event]
        if document is not None:
            pairs += [terminal_event(document.status), ""]
        return (
            [
                keys.record(batch.id),
                keys.events(batch.id),
                keys.result(batch.id),
                keys.QUEUED,
                keys.LEASES,
                keys.FINISHED,
                keys.BYTES,
            ],
            [
                batch.id,
                owner,
                batch.attempt,
                "expired" if batch.expired else "",
                document.status if document else "",
                document.model_dump_json() if document else "",
                keys.stopped(batch.acting_robot) if batch.acting_robot else "",
                self._settings.result_ttl_s,
                self._settings.results_limit,
                batch.number,
                batch.recording,
                *pairs,
            ],
        )

    async def _run(self, script: AsyncScript, calls: Sequence[_Call]) -> list[Any]:
        """Run one script for each call, all in one round trip. A pipeline of redis-py would need a second one."""
        while True:
            pipeline = self._redis.pipeline(transaction=False)
            for names, arguments in calls:
                pipeline.evalsha(script.sha, len(names), *names, *arguments)
            try:
                return await pipeline.execute()
            except NoScriptError:  # before the first use, and after the store was started afresh
                await self._redis.script_load(script.script)

    async def _due(self, sorted_set: str, now_ms: int) -> list[str]:
        """Members whose time has come, the longest overdue first, at most a round of them."""
        members = await self._redis.zrangebyscore(sorted_set, "-inf", now_ms, start=0, num=_ROUND)
        return cast("list[str]", members)

    async def _fields(self, behavior_id: str, *names: str) -> list[Any]:
        """Fields of a behaviour's record, each a str or None."""
        return cast("list[Any]", await self._redis.hmget(keys.record(behavior_id), list(names)))

    async def _now_ms(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


@dataclass
class EventBatch:
    """Events of one attempt that are written together, with the final document if they end the behaviour."""

    id: str
    attempt: int
    number: int | str
    #: Pairs of event name and data as JSON text.
    events: list[tuple[str, str]]
    document: BehaviorResult | None = None
    #: The motion of a simulated robot, kept with the final document; empty if there is none.
    recording: str = ""
    #: The robot that is about to move, or none: from here on the behaviour is never started again.
    acting_robot: str | None = None
    #: Only if the lease has ended (written on behalf of a worker that died).
    expired: bool = False
