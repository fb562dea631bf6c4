"""The worker's event loop: everything that waits runs on it, in a thread beside Celery's consumer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import aiohttp
import redis.exceptions
import structlog

from services.backends.circuit import CircuitSettings
from services.backends.config import Backends
from services.backends.kept import KeptAnswers
from services.backends.registry import create_backend
from services.backends.routing import Routing
from services.jobs.ledger import EmergencyStop, Lease, Ledger, connect
from services.jobs.recovery import Recovery
from services.jobs.settings import JobSettings
from services.worker import metrics
from services.worker.behave import Behavior
from services.worker.engines import Engines
from services.worker.journal import Journal
from services.worker.robots import Robots
from services.worker.settings import PROBE_EVERY_S, WorkerSettings
from services.worker.tools import Tools
from services.worker.warmup import warm_up

log = structlog.get_logger("worker")

#: Argument of the messages that the worker sends to itself to prove that it consumes.
PROBE = "probe"
_WATCH_EVERY_S = 1.0
_STOOD_STILL_S = 5.0
_LOOK_AT_ROBOTS_EVERY_S = 2.0
_STORE_RETRY_S = 0.5
#: Longest that one step of the end may take, so that a worker without its store ends in time too.
_LAST_STEP_S = 0.5
#: Exit status when the queue has gone silent, so that whoever supervises the process starts it again.
EXIT_SILENT = 70


class WorkerService:
    """Runs behaviours on one long-lived event loop, in a thread of its own; Celery calls ``handover``."""

    def __init__(
        self,
        settings: WorkerSettings,
        jobs: JobSettings,
        backends: Backends,
        routing: Routing,
        circuits: CircuitSettings,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._backends = backends
        self._routing = routing
        self._circuits = circuits
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="behaviors", daemon=True)
        self._announces_again = False
        self._handovers: set[asyncio.Task[None]] = set()
        self._running: dict[str, tuple[Behavior, asyncio.Task[None]]] = {}
        self._consumed_at = self._renewed_at = self._held_back_at = self._turned_at = time.monotonic()

    def start(self) -> None:
        """Start the loop's thread and everything that runs beside behaviours."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def warm_up(self) -> None:
        """Have the default engine read the shared prompt; returns when it has, or after the time set for that."""
        if self._settings.warm_up_s:
            default = self._engines.backend(self._backends.default)
            assert default is not None  # noqa: S101 - the configuration has made sure
            reading = warm_up(default, self._settings.api_card, self._settings.warm_up_s)
            warming = asyncio.run_coroutine_threadsafe(reading, self._loop)
            try:
                warming.result()
            finally:
                warming.cancel()  # a signal ended the wait

    def watch(self) -> None:
        """From here on, end the process if it falls silent."""
        self._consumed_at = time.monotonic()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    async def _start(self) -> None:
        # First, for they may be refused, and nothing is to be closed then.
        backends = [create_backend(config) for config in self._backends.configured.values()]
        self._closing = asyncio.Event()
        self._room = asyncio.Semaphore(self._settings.worker_max_active)
        self._ledger = Ledger(connect(self._jobs), self._jobs, self._settings.worker_name)
        self._recovery = Recovery(self._ledger)
        self._journal = Journal(self._ledger)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=2.0))
        kept = KeptAnswers(
            self._settings.answers_kept, self._settings.answers_kept_bytes, self._settings.answers_kept_s
        )
        self._engines = Engines(backends, self._routing, self._circuits, kept, coalesce=self._settings.answers_shared)
        self._robots = Robots(self._http, self._settings.gateway_url)
        self._tools = Tools(
            settings=self._settings,
            engines=self._engines,
            journal=self._journal,
            robots=self._robots,
            http=self._http,
        )
        self._background = [
            asyncio.create_task(self._journal.run()),
            asyncio.create_task(self._forever(self._keep_leases, self._jobs.lease_s / 3)),
            asyncio.create_task(self._forever(self._recover, self._jobs.lease_s / 5)),
            asyncio.create_task(self._forever(self._follow_announcements, _STORE_RETRY_S)),
            asyncio.create_task(self._forever(self._robots.look, _LOOK_AT_ROBOTS_EVERY_S)),
            asyncio.create_task(self._forever(self._probe, PROBE_EVERY_S)),
            asyncio.create_task(self._forever(self._engines.check_health, _WATCH_EVERY_S)),
            asyncio.create_task(self._forever(self._turn, _WATCH_EVERY_S)),
        ]

    # Called by Celery, in the main thread

    def handover(self, arguments: Sequence[str], taken: Callable[[], None]) -> None:
        """Take a collected batch; ``taken`` is called when each behaviour is leased, or need not be."""
        metrics.BATCH.observe(len(arguments))
        self._loop.call_soon_threadsafe(self._begin_handover, arguments, taken)

    def reconnected(self) -> None:
        """Messages may have been lost with a connection: all that waits is announced again, with the next recovery."""
        self._announces_again = True

    @property
    def receptive(self) -> bool:
        """True when no batch is on its way into the worker, so that waiting for a larger one would gain nothing."""
        return not self._handovers

    def begin_shutdown(self) -> None:
        """Take no more behaviours; a batch that waits for room goes back to the queue."""
        self._loop.call_soon_threadsafe(self._closing.set)

    def stop(self) -> None:
        """Let behaviours in hand end for a while, give back or stop the others, and end the loop."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # On the loop

    def _begin_handover(self, arguments: Sequence[str], taken: Callable[[], None]) -> None:
        task = asyncio.create_task(self._handover(arguments))
        self._handovers.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._handovers.discard(task)
            if not task.cancelled() and (error := task.exception()):
                # The leases and the waiting list in Redis bring back whatever was not taken.
                log.error("a batch could not be taken over", size=len(arguments), exc_info=error)
            taken()

        task.add_done_callback(done)

    async def _handover(self, arguments: Sequence[str]) -> None:
        if PROBE in arguments:
            self._consumed_at = time.monotonic()
            with contextlib.suppress(OSError):  # the health check sees that it grows old; the batch goes on
                self._settings.worker_health_file.touch()
        # A message that was sent twice may sit twice in one batch.
        # One whose lease was lost while the store was away stays with recovery until its first attempt has stopped.
        waiting = [name for name in dict.fromkeys(arguments) if name != PROBE and name not in self._running]
        while waiting:
            count = await self._acquire_room(len(waiting))
            if count == 0:
                await self._give_back(waiting)
                return
            chunk, waiting = waiting[:count], waiting[count:]
            try:
                leases = await self._claim(chunk)
            except BaseException:
                for _ in range(count):
                    self._room.release()
                raise
            for lease in leases:
                behavior = Behavior(lease, self._tools)
                self._running[lease.id] = (behavior, asyncio.create_task(self._run(behavior)))
            metrics.ACTIVE.set(len(self._running))
            for _ in range(count - len(leases)):
                self._room.release()

    async def _acquire_room(self, wanted: int) -> int:
        """Wait for a free place, then take as many as are free, up to ``wanted``; 0 on shutdown."""
        if self._closing.is_set():
            return 0
        if self._room.locked():
            first = asyncio.ensure_future(self._room.acquire())
            closing = asyncio.ensure_future(self._closing.wait())
            await asyncio.wait({first, closing}, return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
            if not first.done():
                first.cancel()
                return 0
        else:
            await self._room.acquire()
        count = 1
        while count < wanted and not self._room.locked():
            await self._room.acquire()
            count += 1
        return count

    async def _claim(self, behavior_ids: Sequence[str]) -> list[Lease]:
        while not self._closing.is_set():
            try:
                return await self._ledger.claim(behavior_ids)
            except redis.exceptions.RedisError as error:
                log.warning("store unavailable, a batch waits", error=repr(error))
                await asyncio.sleep(_STORE_RETRY_S)
        return []

    async def _give_back(self, behavior_ids: Sequence[str]) -> None:
        try:
            await self._recovery.announce(behavior_ids)
        except redis.exceptions.RedisError as error:
            log.warning("store unavailable, recovery will announce what waits", error=repr(error))

    async def _run(self, behavior: Behavior) -> None:
        try:
            if not await behavior.run():
                await self._ledger.requeue(behavior.lease)
        except redis.exceptions.RedisError as error:
            reason = repr(error)
            log.warning("store unavailable, recovery will queue it again", behavior=behavior.lease.id, error=reason)
        finally:
            self._running.pop(behavior.lease.id, None)
            metrics.ACTIVE.set(len(self._running))
            self._room.release()

    async def _keep_leases(self) -> None:
        held = [(behavior.lease.id, behavior.lease.attempt) for behavior, _ in self._running.values()]
        try:
            attention = await self._ledger.renew(held)
        except redis.exceptions.ReadOnlyError:
            raise  # a replica: a worker that is started afresh may find the primary
        except redis.exceptions.ResponseError:
            self._consumed_at = time.monotonic()  # the store refuses to write: a fresh worker could do no more
            raise
        self._renewed_at = time.monotonic()
        await self._ledger.tell_circuits(self._engines.states())
        for behavior_id, what in attention.items():
            if behavior_id in self._running:
                self._running[behavior_id][0].interrupt("cancel" if what == "cancel" else "lost")

    async def _recover(self) -> None:
        if self._announces_again:
            self._announces_again = False
            try:
                await self._recovery.announce_waiting()
            except redis.exceptions.RedisError:
                self._announces_again = True
                raise
        # After the store was away or full, the leases of living workers have ended too: give them time to renew. They
        # do so every third of a lease. A worker that has just begun cannot know, so it waits as long.
        patience_s = self._jobs.lease_s / 2
        if time.monotonic() - self._renewed_at > patience_s:
            self._held_back_at = time.monotonic()
        steady = await self._recovery.ping_steady(patience_s)
        if not steady or time.monotonic() - self._held_back_at < patience_s:
            return
        recovered = await self._recovery.recover()
        if recovered:
            log.info("recovered behaviours that nobody worked on", count=recovered)

    async def _follow_announcements(self) -> None:
        async for announced in self._ledger.announcements():
            if isinstance(announced, EmergencyStop):
                self._stop_robot(announced)
            elif announced.behavior in self._running:
                self._running[announced.behavior][0].interrupt("cancel")

    def _stop_robot(self, stop: EmergencyStop) -> None:
        """End what would act on a stopped robot, so that nothing is generated in vain."""
        for behavior, _ in list(self._running.values()):
            lease = behavior.lease
            acts = lease.request.robot == stop.robot and lease.request.execute != "none"
            if acts and lease.accepted_ms <= stop.stopped_ms:
                behavior.interrupt("stop")

    async def _probe(self) -> None:
        if self._closing.is_set():
            return
        await self._ledger.send_probe(PROBE)

    async def _turn(self) -> None:
        self._turned_at = time.monotonic()
        if len(self._running) >= self._settings.worker_max_active:
            self._consumed_at = self._turned_at  # full, it takes nothing, and rightly so

    def _watch(self) -> None:
        """In a thread of its own, for the loop may be what hangs: end the process when it no longer does its work."""
        while not self._closing.is_set():
            began = time.monotonic()
            time.sleep(_WATCH_EVERY_S)
            if time.monotonic() - began > _WATCH_EVERY_S + _STOOD_STILL_S:
                self._consumed_at = self._turned_at = time.monotonic()  # the process was stopped: nobody could do more
            silent_s = time.monotonic() - min(self._consumed_at, self._turned_at)
            if silent_s > self._settings.worker_silence_s:
                log.error("no work is taken or done any more; ending to be started again", silent_s=round(silent_s))
                os._exit(EXIT_SILENT)

    async def _forever(self, step: Any, every_s: float) -> None:
        while True:
            try:
                await step()
            except redis.exceptions.RedisError as error:
                log.warning("store unavailable", step=step.__name__.strip("_"), error=repr(error))
            except Exception:
                log.exception("background step failed", step=step.__name__.strip("_"))
            await asyncio.sleep(every_s)

    async def _stop(self) -> None:
        self._closing.set()
        if self._handovers:
            await asyncio.wait(self._handovers, timeout=_LAST_STEP_S)
        tasks = [task for _, task in self._running.values()]
        if tasks:
            log.info("waiting for behaviours in hand", count=len(tasks))
            await asyncio.wait(tasks, timeout=self._settings.worker_grace_s)
        for behavior, _ in list(self._running.values()):
            behavior.interrupt("shutdown")
        remaining = [task for _, task in self._running.values()]
        if remaining:
            await asyncio.wait(remaining, timeout=self._settings.worker_grace_s)
        for task in self._background:
            task.cancel()
        await asyncio.wait(self._background, timeout=_LAST_STEP_S)
        await self._quietly(self._recovery.sign_off())
        await self._engines.close()
        await self._quietly(self._http.close())
        await self._quietly(self._ledger.close())

    async def _quietly(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(_LAST_STEP_S):
                await step
        except (redis.exceptions.RedisError, aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            log.warning("not cleaned up", error=repr(error))
