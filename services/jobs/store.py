"""The router's side of the queue: accept, look up, follow and cancel behaviours."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from services.behavior.schema import TERMINAL_EVENTS, TERMINAL_STATUSES, BehaviorRequest, BehaviorResult
from services.jobs import keys, scripts
from services.jobs.documents import expired_failure, result_document, stopped_failure, stored_request, terminal_event
from services.jobs.errors import IdempotencyConflict, QueueFull, StoreUnavailable, UnknownBehavior
from services.jobs.messages import envelope, list_name
from services.jobs.settings import JobSettings

_ID = re.compile(r"[0-9a-f]{32}")
_EVENT_ID = re.compile(r"\d{1,16}-\d{1,9}")
_BEGINNING = "0-0"
#: Longest that one read blocks in Redis; below the socket time-out, or a quiet stream would look like a dead server.
_BLOCK_MS = 10_000
_SOCKET_TIMEOUT_S = 15
#: How many short calls go to the store at once. More would bring no more of them to an end, since one process computes,
#: but all of their answers would be read before the next request, which may be an emergency stop …
_AT_ONCE = 4
#: … and how long one of the others waits for its turn.
_PATIENCE_S = 10.0
#: No behaviour runs as long as this after its wait in the queue.
_LONGEST_BEHAVIOR_S = 24 * 3600
#: Each client that waits or follows events holds a connection; the router's own limit on clients is lower than this.
_MAX_CONNECTIONS = 5_000


@dataclass(frozen=True)
class Submission:
    """A behaviour that is in the queue: its id and whether this call put it there (else an earlier one did)."""

    id: str
    created: bool


@dataclass(frozen=True)
class Event:
    """One event of a behaviour: growing id, name, and data as JSON text."""

    id: str
    name: str
    data: str


def connect(settings: JobSettings) -> redis.Redis:
    """Client with time-outs everywhere and a few quick retries, so that a restart of Redis is survived."""
    return redis.Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=_SOCKET_TIMEOUT_S,
        socket_connect_timeout=2,
        socket_keepalive=True,
        max_connections=_MAX_CONNECTIONS,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 4),
    )


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable(f"the store does not answer or refuses to write ({type(error).__name__})") from error


class JobStore:
    """The queue as the router sees it. Every method may raise StoreUnavailable."""

    def __init__(self, client: redis.Redis, settings: JobSettings) -> None:
        self._redis = client
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._settings = settings
        self._submit = client.register_script(scripts.SUBMIT)
        self._append = client.register_script(scripts.APPEND)
        self._cancel = client.register_script(scripts.CANCEL)
        self._stop = client.register_script(scripts.STOP)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """A turn among the short calls. What blocks in the store, and what a stop needs, does without."""
        if not self._turns.acquire(timeout=_PATIENCE_S):
            raise StoreUnavailable(f"the store did not get to this within {_PATIENCE_S:g} s")
        try:
            with _store_errors():
                yield
        finally:
            self._turns.release()

    def submit(
        self,
        request: BehaviorRequest,
        *,
        backend: str,
        principal: str = "",
        idempotency_key: str | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> Submission:
        """Accept a behaviour: once this returns it will reach exactly one terminal state.

        ``principal`` names the client, so that two clients' equal idempotency keys do not meet; ``trace`` is the
        client's trace context, which goes on to the engine.
        Raises QueueFull, IdempotencyConflict or StoreUnavailable.
        """
        behavior_id = uuid.uuid4().hex
        body = request.model_dump_json()
        idempotency = ""
        if idempotency_key is not None:
            idempotency = keys.idempotency(_digest(json.dumps([principal, idempotency_key])))
        with self._turn():
            reply = cast(
                "list[Any]",
                self._submit(
                    keys=[
                        idempotency,
                        keys.record(behavior_id),
                        keys.events(behavior_id),
                        keys.QUEUED,
                        list_name(keys.CELERY_QUEUE, request.priority),
                        keys.BYTES,
                        keys.LEASES,
                    ],
                    args=[
                        behavior_id,
                        _digest(body) if idempotency else "",
                        self._settings.queue_limit,
                        self._settings.queue_ttl_s + _LONGEST_BEHAVIOR_S + self._settings.result_ttl_s,
                        body,
                        backend,
                        request.priority,
                        envelope(keys.CELERY_QUEUE, behavior_id, request.priority),
                        self._settings.queue_max_bytes,
                        json.dumps(dict(trace or {})),
                        request.robot if request.execute != "none" else "",
                    ],
                ),
            )
        outcome = reply[0]
        if outcome == "full":
            raise QueueFull(int(reply[1]), int(reply[2]), self._settings)
        if outcome == "conflict":
            raise IdempotencyConflict(
                "this Idempotency-Key was used with another body; use a new key for a new request"
            )
        if outcome == "replayed":
            return Submission(str(reply[1]), created=False)
        return Submission(behavior_id, created=True)

    def result(self, behavior_id: str) -> BehaviorResult | None:
        """The document as it stands, or None when the id is unknown or no longer kept."""
        if not _ID.fullmatch(behavior_id):
            return None
        fields = ("status", "request", "backend", "accepted", "attempt", "owner")
        with self._turn():
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.xrange(keys.result(behavior_id), count=1)
                pipeline.hmget(keys.record(behavior_id), list(fields))
                pipeline.time()
                final, record, (seconds, microseconds) = pipeline.execute()
            if final:
                return _document_of(final)
            status, request_json, backend, accepted, attempt, owner = record
            if status is None:
                return None
            if status in TERMINAL_STATUSES or request_json is None:
                return self._final(behavior_id)  # it ended between the two reads
        request = stored_request(request_json)
        waited_ms = float(seconds * 1000 + microseconds // 1000 - int(accepted))
        if status == "queued" and waited_ms > self._settings.queue_ttl_s * 1000:
            failure = expired_failure(self._settings.queue_ttl_s)
            expired = result_document(behavior_id, request, backend, "failed", error=failure, waited_ms=waited_ms)
            if self._finish(expired, owner or "", attempt or "0"):
                return expired
            return self.result(behavior_id)
        return result_document(
            behavior_id, request, backend, status, waited_ms=waited_ms if status == "queued" else None
        )

    def recording(self, behavior_id: str) -> str | None:
        """What a simulated robot did for a behaviour that has ended, as it was told; None if there is nothing."""
        if not _ID.fullmatch(behavior_id):
            return None
        with self._turn():
            (recording,) = self._fields(behavior_id, "recording")
        return cast("str | None", recording)

    def wait(self, behavior_id: str, timeout_s: float) -> BehaviorResult | None:
        """The final document as soon as there is one, else after ``timeout_s`` seconds the document as it stands."""
        if not _ID.fullmatch(behavior_id):
            return None
        remaining_ms = round(timeout_s * 1000)
        with _store_errors():
            while remaining_ms > 0:
                block_ms = min(remaining_ms, _BLOCK_MS)
                reply = cast("Any", self._redis.xread({keys.result(behavior_id): "0"}, count=1, block=block_ms))
                if reply:
                    return _document_of(_entries(reply))
                remaining_ms -= block_ms
                if not self._redis.exists(keys.record(behavior_id)):
                    return None
        return self.result(behavior_id)

    def events(
        self, behavior_id: str, after: str = _BEGINNING, idle_s: float = 10.0, current: BehaviorResult | None = None
    ) -> Iterator[Event | None]:
        """Events after the given id, as they happen, up to the terminal one; None for each ``idle_s`` of silence.

        An id that lies ahead of all there are stands for the last of them. ``current`` is the document, for whoever
        has just looked it up.
        Raises UnknownBehavior, also when the behaviour is forgotten while it is followed; ValueError for a bad id.
        """
        if not _EVENT_ID.fullmatch(after):
            raise ValueError("an event id looks like 1700000000000-0")
        block_ms = min(max(round(idle_s * 1000), 1), _BLOCK_MS)  # 0 would be for ever
        if after != _BEGINNING:
            with self._turn():
                newest = cast("list[Any]", self._redis.xrevrange(keys.events(behavior_id), count=1))
            if newest:
                after = min(after, newest[0][0], key=_position)
        blocks = False  # not at first: mostly there is something to read, and a read that blocks takes no turn
        while True:
            current = current or self.result(behavior_id)
            if current is None:
                raise UnknownBehavior(f"no behaviour {behavior_id!r} is known; results are kept for a limited time")
            ended, current = current.status in TERMINAL_STATUSES, None
            with _store_errors() if blocks and not ended else self._turn():
                reply = cast(
                    "Any",
                    self._redis.xread(
                        {keys.events(behavior_id): after}, count=256, block=block_ms if blocks and not ended else None
                    ),
                )
            if not reply:
                if ended:
                    return
                if blocks:
                    yield None
                blocks = True
                continue
            for event_id, fields in _entries(reply):
                after = event_id
                name = fields["event"]
                if name in TERMINAL_EVENTS:
                    with self._turn():
                        final = self._final(behavior_id)
                    yield Event(event_id, name, final.model_dump_json() if final else "{}")
                    return
                yield Event(event_id, name, fields["data"])

    def cancel(self, behavior_id: str) -> BehaviorResult | None:
        """Ask that a behaviour ends as cancelled; the document as it stands after that, or None when unknown.

        One that waits ends at once; one that runs ends when its worker has stopped the engine and the robot.
        """
        current = self.result(behavior_id)
        if current is None or current.status in TERMINAL_STATUSES:
            return current
        with self._turn():
            attempt, owner, status = self._fields(behavior_id, "attempt", "owner", "status")
        if status == "queued":
            cancelled = current.model_copy(update={"status": "cancelled"})
            if self._finish(cancelled, owner or "", attempt or "0"):
                return cancelled
        with self._turn():
            self._cancel(keys=[keys.record(behavior_id)], args=[behavior_id, keys.CANCELS])
        return self.result(behavior_id)

    def stop_robot(self, robot: str, ago_s: float = 0.0) -> int:
        """Note an emergency stop, asked for so long ago: nothing accepted before that may act on the robot any more.

        The workers are told and end what they have in hand. Returns when it was, in milliseconds of the store's clock.
        """
        with _store_errors():
            return cast(
                "int",
                self._stop(
                    keys=[keys.stopped(robot)],
                    args=[self._settings.queue_ttl_s + _LONGEST_BEHAVIOR_S, keys.STOPS, robot, int(ago_s * 1000)],
                ),
            )

    def dismiss(self, robot: str, stopped_ms: int) -> int:
        """End what was accepted for a robot until then and waits in the queue; how many behaviours those were."""
        with _store_errors():
            waiting = cast("list[str]", self._redis.zrangebyscore(keys.QUEUED, "-inf", stopped_ms))
            with self._redis.pipeline(transaction=False) as pipeline:
                for behavior_id in waiting:
                    pipeline.hget(keys.record(behavior_id), "robot")
                robots = pipeline.execute()
        return sum(self._dismiss(name) for name, wanted in zip(waiting, robots, strict=True) if wanted == robot)

    def _dismiss(self, behavior_id: str) -> bool:
        """End a behaviour that waits, after an emergency stop; False when it waits no more."""
        current = self.result(behavior_id)
        with self._turn():
            attempt, owner = self._fields(behavior_id, "attempt", "owner")
        if current is None or current.status != "queued" or owner:
            return False
        ended = current.model_copy(update={"status": "cancelled", "error": stopped_failure()})
        return self._finish(ended, "", attempt or "0")

    def queued(self) -> int:
        """Behaviours that wait for a worker."""
        with self._turn():
            return int(self._redis.zcard(keys.QUEUED))

    def workers(self) -> int:
        """Workers whose heartbeat is fresh."""
        with self._turn():
            seconds, _ = self._redis.time()
            return int(self._redis.zcount(keys.WORKERS, (seconds - self._settings.lease_s) * 1000, "+inf"))

    def circuits(self) -> dict[str, dict[str, str]]:
        """The state of each backend's circuit as each worker sees it: worker name → backend name → state."""
        with self._turn():
            told = cast("dict[str, str]", self._redis.hgetall(keys.CIRCUITS))
        return {worker: json.loads(states) for worker, states in told.items()}

    def ping(self) -> bool:
        """True when the store answers."""
        with _store_errors():
            return bool(self._redis.ping())

    def _fields(self, behavior_id: str, *names: str) -> list[Any]:
        """Fields of a behaviour's record, each a str or None."""
        return cast("list[Any]", self._redis.hmget(keys.record(behavior_id), list(names)))

    def _final(self, behavior_id: str) -> BehaviorResult | None:
        entries = cast("Any", self._redis.xrange(keys.result(behavior_id), count=1))
        return _document_of(entries) if entries else None

    def _finish(self, document: BehaviorResult, owner: str, attempt: str) -> bool:
        with self._turn():
            return bool(
                self._append(
                    keys=[
                        keys.record(document.id),
                        keys.events(document.id),
                        keys.result(document.id),
                        keys.QUEUED,
                        keys.LEASES,
                        keys.FINISHED,
                        keys.BYTES,
                    ],
                    args=[
                        document.id,
                        owner,
                        attempt,
                        "",
                        document.status,
                        document.model_dump_json(),
                        "",
                        self._settings.result_ttl_s,
                        self._settings.results_limit,
                        "final",
                        "",
                        terminal_event(document.status),
                        "",
                    ],
                )
            )


def _position(event_id: str) -> tuple[int, int]:
    milliseconds, number = event_id.split("-")
    return int(milliseconds), int(number)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _entries(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """Entries of the one stream that an XREAD reply holds."""
    return cast("list[tuple[str, dict[str, str]]]", reply[0][1])


def _document_of(entries: Any) -> BehaviorResult:
    return BehaviorResult.model_validate_json(entries[0][1]["document"])
