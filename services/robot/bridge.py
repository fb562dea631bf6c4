"""The connection to one robot over qi: kept up, watched, and never waited on without a bound."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import Any

import structlog

from services.robot.errors import RobotFault, RobotUnreachable
from services.robot.qi_session import new_session

CONNECT_TIMEOUT_S = 5.0
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
HEARTBEAT_S = 1.0
HEARTBEAT_TIMEOUT_S = 5.0
_MAX_MESSAGE = 300

# What qi says of a call whose service or connection went away; the session itself may learn it a moment later.
_GONE = re.compile(r"^(Service removed|.*\b(not connected|disconnected)\b)")

log = structlog.get_logger(__name__)


class Bridge:
    """Calls a robot's services from asyncio.

    Every call goes out at once and is answered through qi's own threads, so that the event loop never waits and any
    number of calls, an emergency stop among them, can be under way.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = new_session()
        self._services: dict[str, Any] = {}
        self._pending: set[asyncio.Future[Any]] = set()
        self._up = asyncio.Event()
        self._gone = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._clock: tuple[float, float, float] | None = None

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    @property
    def simulated(self) -> bool:
        """Whether the robot has a clock of its own to run on; known once connected."""
        return self._clock is not None

    def now(self) -> float:
        """Return seconds on the robot's clock: the simulation's own time, else this machine's steady clock."""
        moment = time.monotonic()
        if self._clock is None:
            return moment
        simulated, real, speed = self._clock
        return simulated + (moment - real) * speed

    def start(self) -> None:
        """Begin to connect, and to connect again whenever the connection is lost."""
        loop = asyncio.get_running_loop()

        def gone(*_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._gone.set)

        self._session.disconnected.connect(gone)
        self._keeper = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._lose()
        await asyncio.to_thread(self._session.close)

    async def wait_connected(self, timeout_s: float) -> None:
        """Wait for the connection. Raises RobotUnreachable when there is none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            raise RobotUnreachable(
                f"no robot answers at {self.url}; check that it is switched on and that the address is right"
            ) from None

    async def call(self, service: str, method: str, args: list[Any], timeout_s: float) -> Any:
        """Call a method of the robot and return its answer.

        Raises:
            RobotUnreachable: not connected, or the connection was lost meanwhile.
            RobotFault: the robot answered with an error or not within ``timeout_s`` seconds.
        """
        if not self.connected:
            raise RobotUnreachable(f"the robot at {self.url} is not connected")
        try:
            async with asyncio.timeout(timeout_s):
                return await self._call(service, method, args)
        except TimeoutError:
            raise RobotFault(f"{service}.{method} did not end within {timeout_s:g} s") from None

    # --- within ------------------------------------------------------------------------------------------------------

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        try:
            return await self._send(service, method, args)
        except RobotFault as error:
            if self._session.isConnected() and not _GONE.search(error.message):
                raise
            raise RobotUnreachable(f"the connection to the robot at {self.url} was lost") from None

    async def _send(self, service: str, method: str, args: list[Any]) -> Any:
        proxy = self._services.get(service)
        if proxy is None:
            proxy = self._services[service] = await self._answer(self._session.service(service, _async=True))
        try:
            future = proxy.call(method, *args, _async=True)
        except (RuntimeError, TypeError, OverflowError) as error:  # an argument that qi cannot put into a message
            raise RobotFault(f"{service}.{method}: {_first_paragraph(str(error))}") from error
        return await self._answer(future)

    async def _answer(self, future: Any) -> Any:
        """Wait for a qi future on the event loop."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._pending.add(answer)

        def settle(error: str | None, value: Any) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(RobotFault(_first_paragraph(error)))

        def done(finished: Any) -> None:
            failed = finished.hasError(0) or finished.isCanceled()
            outcome = (
                (finished.error() if finished.hasError(0) else "cancelled", None)
                if failed
                else (None, finished.value())
            )
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, *outcome)

        future.addCallback(done)
        try:
            return await answer
        finally:
            self._pending.discard(answer)

    async def _keep_connected(self) -> None:
        delay = FIRST_RETRY_S
        while True:
            try:
                self._gone.clear()
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._answer(self._session.connect(self.url, _async=True))
                    await self._read_clock()
            except Exception as error:  # whatever it is, trying again later is the only remedy
                if delay == FIRST_RETRY_S:
                    log.warning("robot unreachable", url=self.url, reason=str(error) or "no answer in time")
                await asyncio.to_thread(self._session.close)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY_S)
                continue
            delay = FIRST_RETRY_S
            self._up.set()
            log.info("robot connected", url=self.url, simulated=self.simulated)
            await self._watch()
            log.warning("robot lost", url=self.url)
            self._lose()
            await asyncio.to_thread(self._session.close)

    async def _read_clock(self) -> None:
        try:
            speed = float(await self._call("SimulatedClock", "speed", []))
            simulated = float(await self._call("SimulatedClock", "now", []))
            self._clock = (simulated, time.monotonic(), speed)
        except RobotFault:  # a real robot has no such service
            self._clock = None

    async def _watch(self) -> None:
        """Return once the connection is gone: told by qi, or because a heartbeat stays without an answer."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._gone.wait()
                return
            except TimeoutError:
                pass
            try:
                async with asyncio.timeout(HEARTBEAT_TIMEOUT_S):
                    await self._call("ServiceDirectory", "machineId", [])
            except RobotFault:
                continue  # an error is an answer too
            except (TimeoutError, RobotUnreachable):
                return

    def _lose(self) -> None:
        self._up.clear()
        self._services.clear()
        for answer in self._pending:
            if not answer.done():
                answer.set_exception(RobotUnreachable(f"the connection to the robot at {self.url} was lost"))


def _first_paragraph(error: str) -> str:
    """Cut a remote error to what it says: services written in Python append a stack trace after an empty line."""
    return " ".join(error.split("\n\n", 1)[0].split())[:_MAX_MESSAGE] or "the robot gave no reason"
