"""The backends of one worker: which one a behaviour goes to next, their circuits, and copies for shadow traffic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

import structlog

from services.backends.base import (
    Backend,
    BackendError,
    Delta,
    Failed,
    Invalid,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.circuit import Admission, Circuit, CircuitSettings, State
from services.backends.kept import KeptAnswers
from services.backends.routing import Routing
from services.backends.sharing import Origin, SharedAnswers
from services.behavior.program import ProgramError, ProgramReader
from services.worker import metrics
from services.worker.asking import Asking

log = structlog.get_logger("worker.engines")

#: Copies in hand at once for one shadow backend; more are not made, so that a slow one costs nothing but them.
_SHADOWS_AT_ONCE = 16
_CLOSE_S = 0.5


class Attempt:
    """One admitted generation; ``origin`` is where its answer comes from."""

    def __init__(self, backend: str) -> None:
        self.origin: Origin = "engine"
        self._backend = backend

    def served(self, origin: Origin) -> None:
        """Hear where the answer that is read next comes from."""
        self.origin = origin
        if origin != "engine":
            metrics.SHARED.labels(self._backend, origin).inc()


@dataclass(frozen=True)
class Engine:
    """A backend, its answers, which equal requests share, and its circuit."""

    backend: Backend
    answers: SharedAnswers
    circuit: Circuit

    @contextmanager
    def attempt(self, admission: Admission) -> Iterator[Attempt]:
        """One admitted generation: its circuit learns how it went from the error that leaves the block, if any.

        It learns nothing from an answer that is shared: of what is followed, whoever began it tells.
        """
        attempt = Attempt(self.backend.config.name)
        try:
            yield attempt
        except BaseException as error:
            self._ended(attempt, admission, error)
            raise
        self._ended(attempt, admission, None)

    def _ended(self, attempt: Attempt, admission: Admission, error: BaseException | None) -> None:
        if attempt.origin != "engine":
            admission.abandoned()
            return
        name = self.backend.config.name
        match error:
            case Unavailable() | TimedOut() | Failed():
                outcome = error.code.removeprefix("backend.")
                before = self.circuit.state
                admission.failed(unreachable=isinstance(error, Unavailable))
                if before != "open" and self.circuit.state == "open":
                    log.error("backend is left alone for a while: it keeps failing", backend=name, reason=error.message)
            case Overloaded() | Invalid():
                outcome = error.code.removeprefix("backend.")
                admission.abandoned()
            case None | Exception():
                # A program that fails its checks, for instance: the engine did its part.
                outcome = "succeeded"
                admission.succeeded()
            case _:
                outcome = "abandoned"
                admission.abandoned()
        metrics.GENERATIONS.labels(name, outcome).inc()


class Engines:
    """All engines of the worker and the routing between them. It belongs to the worker's event loop."""

    def __init__(
        self,
        backends: Iterable[Backend],
        routing: Routing,
        settings: CircuitSettings,
        kept: KeptAnswers,
        *,
        coalesce: bool,
    ) -> None:
        """Ask nobody yet.

        Args:
            backends: the LLM servers.
            routing: which of them serves what.
            settings: of their circuits.
            kept: where answers are kept.
            coalesce: whether equal requests that come while an answer is written share it.
        """
        self._engines = {
            backend.config.name: Engine(backend, SharedAnswers(backend, kept, coalesce=coalesce), Circuit(settings))
            for backend in backends
        }
        self._routing = routing
        self._shadows: dict[str, set[asyncio.Task[None]]] = {name: set() for name in self._engines}

    def backend(self, name: str) -> Backend | None:
        """A backend by its name, or None."""
        engine = self._engines.get(name)
        return engine.backend if engine else None

    @property
    def names(self) -> list[str]:
        """Every backend's name, in order."""
        return sorted(self._engines)

    def candidates(self, first: str, *, named: bool, vision: bool) -> list[Engine]:
        """The engines that may serve a behaviour, in the order in which they are to be asked."""
        known = [self._engines[name] for name in self._routing.candidates(first, named=named) if name in self._engines]
        return [engine for engine in known if engine.backend.config.vision or not vision]

    def states(self) -> dict[str, State]:
        """The state of every backend's circuit."""
        return {name: engine.circuit.state for name, engine in self._engines.items()}

    async def check_health(self) -> None:
        """Ask the backends that could not be reached whether they are back."""
        for name, engine in self._engines.items():
            if engine.circuit.waits_for_health and await engine.backend.ready():
                engine.circuit.healthy()
            metrics.CIRCUIT.labels(name).set({"closed": 0, "half-open": 1, "open": 2}[engine.circuit.state])

    def copy_to_shadows(self, first: str, asking: Asking) -> None:
        """Have shadow backends write the same program too. It is checked and measured, and goes nowhere.

        Each copy is written anew, whatever is being written for others or was kept.
        """
        for name in self._routing.shadows(first):
            tasks = self._shadows[name]
            admission = self._engines[name].circuit.admit() if len(tasks) < _SHADOWS_AT_ONCE else None
            if admission is None:
                metrics.SHADOWS.labels(name, "skipped").inc()
                continue
            task = asyncio.create_task(self._shadow(self._engines[name], admission, asking))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def close(self) -> None:
        """End the copies and close every connection."""
        tasks = [task for running in self._shadows.values() for task in running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for engine in self._engines.values():
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await engine.backend.close()
            except OSError as error:  # a TimeoutError is an OSError
                log.warning("not closed in time", backend=engine.backend.config.name, error=repr(error))

    @staticmethod
    async def _shadow(engine: Engine, admission: Admission, asking: Asking) -> None:
        name = engine.backend.config.name
        request = asking.of(engine.backend.config)
        reader = ProgramReader(asking.catalogue, asking.request.scene)
        began = time.monotonic()
        outcome = "valid"
        try:
            with engine.attempt(admission):
                async with aclosing(engine.backend.stream(request)) as stream:
                    first = True
                    async for item in stream:
                        if isinstance(item, Delta):
                            if first:
                                metrics.SHADOW_TTFT.labels(name).observe(time.monotonic() - began)
                                first = False
                            reader.feed(item.text)
                reader.close()
        except ProgramError:
            outcome = "invalid"
        except BackendError as error:
            outcome = error.code.removeprefix("backend.")
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            metrics.SHADOWS.labels(name, outcome).inc()
            metrics.SHADOW_TOTAL.labels(name).observe(time.monotonic() - began)
