"""What becomes of behaviours that nobody works on any more: their workers died, or their messages were lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any, cast

import redis.asyncio as redis
from pydantic import ValidationError

from services.behavior.schema import Action, Failure
from services.jobs import keys
from services.jobs.documents import expired_failure, result_document, stored_request
from services.jobs.ledger import EventBatch, Ledger
from services.jobs.messages import PRIORITIES, argument, envelope, list_name

#: Behaviours that one round looks at, so that a round is short whatever piled up.
_ROUND = 200
#: Milliseconds that a waiting behaviour's message may be missing from Celery's lists before it is sent again.
_MISSING_AFTER_MS = 5_000
#: The same while there are messages in the lists: what a busy worker has taken out of them waits in its memory, and to
#: search the lists costs more. They are searched once in this time.
_MISSING_UNDER_LOAD_MS = 30_000


class Recovery:
    """What every worker does for all of them. Methods raise redis.RedisError while the store is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._redis = ledger.client
        self._settings = ledger.settings
        self._reached_since: float | None = None

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
            failure = expired_failure(self._settings.queue_ttl_s)
            changed += await self._end(behavior_id, "failed", failure, expired=False)
        changed += await self._send_lost_messages_again(now_ms)
        await self._bury_dead_workers(now_ms)
        return changed

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

    async def announce_waiting(self) -> None:
        """Send the messages of all waiting behaviours again, those that have waited longest first."""
        await self.announce(cast("list[str]", await self._redis.zrange(keys.QUEUED, 0, -1)))

    async def sign_off(self) -> None:
        """This worker ends: announce what it had taken out of Celery's lists and remove its traces."""
        await self._redis.zrem(keys.WORKERS, self._ledger.worker)
        await self._forget(self._ledger.worker)
        await self.announce_waiting()

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
            return await self._fail_lost(behavior_id, reason)
        if cancelled:
            return await self._end(behavior_id, "cancelled", None, expired=True)
        if int(attempt) >= self._settings.max_attempts:
            reason = f"its worker stopped {attempt} times while it had this behaviour"
            return await self._fail_lost(behavior_id, reason)
        return await self._ledger.put_back(behavior_id, owner, attempt, int(priority), expired=True)

    async def _send_lost_messages_again(self, now_ms: int) -> int:
        """Announce again what has waited long and has no message in Celery's lists: it was lost with a connection.

        It goes before what has waited less long.
        """
        lists = [list_name(keys.CELERY_QUEUE, priority) for priority in PRIORITIES]
        announced: set[str | None] = set()
        patience_ms = _MISSING_AFTER_MS
        if await self._redis.exists(*lists):
            if not await self._redis.set(keys.SEARCHED, self._ledger.worker, nx=True, px=_MISSING_UNDER_LOAD_MS):
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

    async def _forget(self, worker: str) -> None:
        queue = keys.probe_queue(worker)
        await self._redis.delete(list_name(queue, PRIORITIES[0]), f"_kombu.binding.{queue}")
        await self._redis.hdel(keys.CIRCUITS, worker)

    async def _fail_lost(self, behavior_id: str, message: str) -> bool:
        return await self._end(behavior_id, "failed", Failure(code="worker.lost", message=message), expired=True)

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
        return await self._ledger.append([batch], owner) == ["written"]

    async def _recorded_actions(self, behavior_id: str) -> list[Action]:
        """What the robot did, as far as the worker that is gone had told."""
        entries = cast("list[tuple[str, dict[str, str]]]", await self._redis.xrange(keys.events(behavior_id)))
        actions = []
        for _, fields in entries:
            if fields["event"] == "action":
                with contextlib.suppress(ValidationError):  # written by another version
                    actions.append(Action.model_validate_json(fields["data"]))
        return actions

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
