"""Writes the events of all behaviours in hand: one round trip to Redis carries whatever has piled up meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis.exceptions
import structlog
from pydantic import BaseModel

from services.behavior.schema import BehaviorResult
from services.jobs.ledger import EventBatch, Lease, Ledger, Written

log = structlog.get_logger("worker.journal")
_RETRY_S = 0.2
#: Too short for a person to notice, long enough to save most round trips.
_COLLECT_S = 0.005


class LeaseLost(Exception):
    """The behaviour is no longer ours: another worker has it, or it was ended. Nothing more may be done for it."""


class EmergencyStopped(Exception):
    """The robot was stopped since the behaviour was accepted, so it must not begin to move for it."""


class Page:
    """The part of the journal that belongs to one attempt at one behaviour."""

    def __init__(self, journal: Journal, lease: Lease, on_lost: Callable[[], None]) -> None:
        self._journal = journal
        self._on_lost = on_lost
        self.lease = lease
        self._number = 0
        self._events: list[tuple[str, str]] = []
        self._document: BehaviorResult | None = None
        self._recording = ""
        self._acting_robot: str | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self.lost = False

    def emit(self, name: str, data: BaseModel | str) -> None:
        """Add an event; it is written within ``_COLLECT_S``, in order, with whatever comes meanwhile."""
        self._events.append((name, data if isinstance(data, str) else data.model_dump_json()))
        self._journal.write_soon(self)

    async def declare_acting(self) -> None:
        """Return once the store knows that the robot is about to move. Raises LeaseLost or EmergencyStopped."""
        self._acting_robot = self.lease.request.robot
        await self._written()

    async def finish(self, document: BehaviorResult, recording: str = "") -> None:
        """Return once the terminal event and the final document are written. Raises LeaseLost.

        ``recording`` is the motion of the simulated robot, to be kept with the document.
        """
        self._document, self._recording = document, recording
        await self._written()

    async def _written(self) -> None:
        if self.lost:
            raise LeaseLost
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._journal.write_now(self)
        await waiter

    def take(self) -> tuple[EventBatch, list[asyncio.Future[None]]]:
        """What has piled up, and who waits for it to be written."""
        self._number += 1
        batch = EventBatch(
            self.lease.id,
            self.lease.attempt,
            self._number,
            self._events,
            document=self._document,
            recording=self._recording,
            acting_robot=self._acting_robot,
        )
        waiters = self._waiters
        self._events, self._document, self._acting_robot, self._waiters = [], None, None, []
        return batch, waiters

    def settle(self, batch: EventBatch, waiters: list[asyncio.Future[None]], written: Written) -> None:
        """Tell those who wait; a lost lease also tells the behaviour to stop."""
        if written == "lost" and not self.lost:
            self.lost = True
            self._on_lost()
        if written == "stopped":
            self._events = batch.events + self._events  # they were not written with the declaration that was refused
        for waiter in waiters:
            if not waiter.done():
                if written == "written":
                    waiter.set_result(None)
                else:
                    waiter.set_exception(LeaseLost() if written == "lost" else EmergencyStopped())


class Journal:
    """One writer for all pages, so that the busier the worker is the fewer round trips an event costs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._dirty: dict[str, Page] = {}
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def page(self, lease: Lease, on_lost: Callable[[], None]) -> Page:
        """Open a page; ``on_lost`` is called once if the lease turns out to be lost."""
        return Page(self, lease, on_lost)

    def write_soon(self, page: Page) -> None:
        """Have a page written, together with what else comes within a moment."""
        if not page.lost:
            self._dirty[page.lease.id] = page
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_COLLECT_S, self._wake.set)

    def write_now(self, page: Page) -> None:
        """Have a page written at once."""
        if not page.lost:
            self._dirty[page.lease.id] = page
            self._wake.set()

    async def run(self) -> None:
        """Write until cancelled. While the store is away the same batches are tried again: none is dropped."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            pages = list(self._dirty.values())
            self._dirty.clear()
            taken = [page.take() for page in pages]
            written = await self._append([batch for batch, _ in taken])
            for page, (batch, waiters), outcome in zip(pages, taken, written, strict=True):
                page.settle(batch, waiters, outcome)

    async def _append(self, batches: list[EventBatch]) -> list[Written]:
        while True:
            try:
                return await self._ledger.append(batches)
            except redis.exceptions.RedisError as error:
                log.warning("store unavailable, events wait", error=repr(error), batches=len(batches))
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # One that cannot be written must not take the others with it: written singly, it alone counts as lost.
                if len(batches) > 1:
                    return [outcome for batch in batches for outcome in await self._append([batch])]
                log.exception("events cannot be written", behavior=batches[0].id)
                return ["lost"]
