"""The worker's side of the queue: leases, events and final documents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import redis.asyncio as redis
from pydantic import ValidationError
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from services.behavior.schema import BehaviorRequest, BehaviorResult, Failure, Status
from services.jobs import keys, scripts
from services.jobs.documents import expired_failure, result_document, stopped_failure, stored_request, terminal_event
from services.jobs.messages import PRIORITIES, envelope, list_name
from services.jobs.settings import JobSettings

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
        self.client = client
        self.settings = settings
        self._claim = client.register_script(scripts.CLAIM)
        self._append = client.register_script(scripts.APPEND)
        self._requeue = client.register_script(scripts.REQUEUE)
        self._renew = client.register_script(scripts.RENEW)

    async def claim(self, behavior_ids: Sequence[str]) -> list[Lease]:
        """Lease the behaviours that wait among those named; the others were duplicates, cancelled or expired.

        One that somebody cancelled, or whose robot was stopped since it was accepted, is ended here, as cancelled, and
        one that waited too long, or whose request this version does not understand, as failed.
        """
        lease_ms, ttl_ms = self.settings.lease_s * 1000, self.settings.queue_ttl_s * 1000
        calls = [
            ([keys.record(behavior_id), keys.QUEUED, keys.LEASES], [behavior_id, self.worker, lease_ms, ttl_ms])
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
            if unwanted == "expired":
                await self._end_claimed(claimed, "failed", expired_failure(self.settings.queue_ttl_s))
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
        await self.append([batch])

    async def append(self, batches: Sequence[EventBatch], owner: str | None = None) -> list[Written]:
        """Write batches of events in one round trip; for each, whether it was written or why not.

        ``owner`` is the worker that had the behaviours, if it is another one, which died.
        """
        calls = [self._append_call(batch, owner if owner is not None else self.worker) for batch in batches]
        replies = await self._run(self._append, calls)
        return [_WRITTEN[int(reply)] for reply in replies]

    async def requeue(self, lease: Lease) -> bool:
        """Give a behaviour back that this worker will not finish and that has not moved a robot."""
        return await self.put_back(lease.id, self.worker, str(lease.attempt), lease.request.priority, expired=False)

    async def put_back(self, behavior_id: str, owner: str, attempt: str, priority: int, *, expired: bool) -> bool:
        """Queue a running behaviour again, for its owner or, if its lease has ``expired``, on the owner's behalf."""
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

    async def renew(self, held: Sequence[tuple[str, int]]) -> dict[str, str]:
        """Renew the heartbeat and the leases on (id, attempt) pairs; which of them are 'lost' or to 'cancel'."""
        flat = [str(part) for pair in held for part in pair]
        reply = cast(
            "list[str]",
            await self._renew(
                keys=[keys.LEASES, keys.WORKERS], args=[self.worker, self.settings.lease_s * 1000, *flat]
            ),
        )
        return dict(zip(reply[::2], reply[1::2], strict=True))

    async def announcements(self) -> AsyncIterator[Cancellation | EmergencyStop]:
        """What somebody wants ended, as it is announced; ends on a lost connection."""
        async with self.client.pubsub(ignore_subscribe_messages=True) as pubsub:
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
        if not await self.client.llen(name):
            await self.client.lpush(name, envelope(keys.probe_queue(self.worker), token, PRIORITIES[0]))

    async def tell_circuits(self, states: Mapping[str, str]) -> None:
        """Say how this worker sees the backends: backend name → state of its circuit."""
        await self.client.hset(keys.CIRCUITS, self.worker, json.dumps(states))

    async def close(self) -> None:
        """Close the connections to the store."""
        await self.client.aclose()

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
                self.settings.result_ttl_s,
                self.settings.results_limit,
                batch.number,
                batch.recording,
                *pairs,
            ],
        )

    async def _run(self, script: AsyncScript, calls: Sequence[_Call]) -> list[Any]:
        """Run one script for each call, all in one round trip. A pipeline of redis-py would need a second one."""
        while True:
            pipeline = self.client.pipeline(transaction=False)
            for names, arguments in calls:
                pipeline.evalsha(script.sha, len(names), *names, *arguments)
            try:
                return await pipeline.execute()
            except NoScriptError:  # before the first use, and after the store was started afresh
                await self.client.script_load(script.script)
