"""Does to the queue what a worker does, step by step as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.behavior.schema import BehaviorResult, Status
from services.jobs.documents import picture_path, result_document
from services.jobs.ledger import EventBatch, Lease, Ledger, connect
from services.jobs.settings import JobSettings


class ActingWorker:
    """Leases behaviours and writes their events through the worker's own ledger."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self._leases: dict[str, Lease] = {}
        self._batches = 0

    def sign_on(self) -> None:
        """Give a sign of life."""

        async def sign_on(ledger: Ledger) -> None:
            await ledger.renew([])

        self._run(sign_on)

    def start(self, behavior_id: str) -> None:
        """Lease a behaviour and say that it started."""

        async def start(ledger: Ledger) -> None:
            (self._leases[behavior_id],) = await ledger.claim([behavior_id])

        self._run(start)
        self.emit(behavior_id, "started", '{"backend":"llamacpp","model":"m","attempt":1}')

    def emit(self, behavior_id: str, name: str, data: str) -> None:
        """Write one event."""
        self._append(behavior_id, [(name, data)], None)

    def finish(self, behavior_id: str, status: Status = "succeeded", recording: str = "") -> None:
        """Write the final document, and what a simulated robot did."""
        lease = self._leases[behavior_id]
        document = result_document(behavior_id, lease.request, lease.backend, status, waited_ms=lease.waited_ms)
        document.picture = picture_path(behavior_id) if recording else None
        self._append(behavior_id, [], document, recording)

    def _append(
        self, behavior_id: str, events: list[tuple[str, str]], document: BehaviorResult | None, recording: str = ""
    ) -> None:
        self._batches += 1
        attempt = self._leases[behavior_id].attempt
        batch = EventBatch(behavior_id, attempt, self._batches, events, document=document, recording=recording)

        async def append(ledger: Ledger) -> None:
            assert await ledger.append([batch]) == ["written"]

        self._run(append)

    def _run(self, step: Callable[[Ledger], Awaitable[None]]) -> None:
        async def run() -> None:
            ledger = Ledger(connect(self._settings), self._settings, "acting")
            try:
                await step(ledger)
            finally:
                await ledger.close()

        asyncio.run(run())
