"""The connection to one robot over qi: kept up, watched, and never waited on without a bound."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.behavior.methods import Call
from services.robot.answers import Answers, first_paragraph
from services.robot.clock import RobotClock
from services.robot.credentials import Credentials
from services.robot.errors import RobotFault, RobotSilent, RobotUnreachable
from services.robot.qi_session import new_session

CONNECT_TIMEOUT_S = 5.0
GREET_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
HEARTBEAT_S = 1.0
HEARTBEAT_TIMEOUT_S = 5.0
MAX_UNANSWERED = 1000

# What qi says of a call whose service or connection went away; the session itself may learn it a moment later.
_GONE = re.compile(r"^(Service removed|.*\b(not connected|disconnected)\b)")

log = structlog.get_logger(__name__)


class Bridge:
    """Calls a robot's services from asyncio.

    Every call goes out at once and is answered through qi's own threads, so that the event loop never waits and any
    number of calls, an emergency stop among them, can be under way.
    """

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        self.url = url
        self._credentials = credentials
        self._session = new_session()
        self._services: dict[str, Any] = {}
        self._answers = Answers()
        self._subscribed: tuple[Any, Any] | None = None  # a service and the object from it whose signal is listened to
        self.linked = False
        """Whether calls can be made: from here on the robot can be stopped, though nobody else may use it yet."""
        self.trouble: str | None = None
        """Why there is no connection, as far as that is known."""
        self._up = asyncio.Event()
        self._gone = asyncio.Event()
        self._services_changed = False
        self._keeper: asyncio.Task[None] | None = None
        self.clock = RobotClock()

    @property
    def connected(self) -> bool:
        """Whether the robot is there, stilled and known."""
        return self._up.is_set()

    def start(self, greet: Callable[[], Awaitable[None]], learn: Callable[[], Awaitable[None]]) -> None:
        """Begin to connect, and to connect again whenever the connection is lost.

        ``greet`` is awaited on each connection before anything else, then ``learn``; before both have returned nobody
        else sees the robot as connected, and what either raises ends the attempt. ``learn`` is awaited again when
        services of the robot came or went.
        """
        loop = asyncio.get_running_loop()
        self._listen(self._session.disconnected, lambda *_: self._gone.set(), loop)
        self._listen(self._session.serviceRegistered, self._note_service, loop)
        self._listen(self._session.serviceUnregistered, self._note_service, loop)
        self._keeper = asyncio.create_task(self._keep_connected(greet, learn))

    async def close(self) -> None:
        """Give the connection up for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._lose()

    async def wait_connected(self, timeout_s: float) -> None:
        """Wait for the connection. Raises RobotUnreachable when there is none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            reason = f" ({self.trouble})" if self.trouble else ""
            raise RobotUnreachable(
                f"no robot answers at {self.url}{reason}; check that it is switched on and that the address is right"
            ) from None

    async def call(self, service: str, method: str, args: list[Any], timeout_s: float) -> Any:
        """Call a method of the robot and return its answer.

        Raises:
            RobotUnreachable: not connected, or the connection was lost meanwhile.
            RobotFault: the robot answered with an error, or (RobotSilent) not within ``timeout_s`` seconds.
        """
        return await self._within(timeout_s, f"{service}.{method}", self._call(service, method, args))

    async def wait(self, seconds: float) -> None:
        """Let so much of the robot's time pass. Raises RobotUnreachable when there is no connection all the while."""
        if not self.linked:
            raise self._lost()
        try:
            async with asyncio.timeout(seconds / self.clock.speed):
                await self._gone.wait()
        except TimeoutError:
            return
        raise self._lost()

    async def subscribe(self, call: Call, heard: Callable[..., None], timeout_s: float) -> None:
        """Have ``heard`` called with the values of the signal of the object that a call answers with.

        Once for each connection, and again when the service has come back. Raises as ``call`` does.
        """
        await self._within(timeout_s, f"{call.service}.{call.method}", self._subscribe(call, heard))

    async def methods(self, service: str, timeout_s: float) -> list[tuple[str, str]]:
        """Names and parameter signatures of a service's methods. Raises as ``call`` does."""
        proxy = await self._within(timeout_s, f"the list of {service}'s methods", self._proxy(service))
        return [(method["name"], method["parametersSignature"]) for method in proxy.metaObject()["methods"].values()]

    async def services(self, timeout_s: float) -> list[str]:
        """Names of the robot's services. Raises as ``call`` does."""
        answer = self._answers.wait(self._session.services(_async=True))
        return [entry["name"] for entry in await self._within(timeout_s, "the list of services", answer)]

    async def quiet(self, timeout_s: float) -> bool:
        """Whether all calls that are under way end within that time."""
        return await self._answers.all(timeout_s)

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _within(self, timeout_s: float, what: str, answer: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._while_linked(answer)
        except TimeoutError:
            raise RobotSilent(f"{what} did not end within {timeout_s:g} s") from None

    async def _while_linked(self, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except RobotFault as error:
            if self._session.isConnected() and not _GONE.search(error.message):
                raise
            raise self._lost() from None

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        proxy = await self._proxy(service)
        try:
            future = proxy.call(method, *args, _async=True)
        except (RuntimeError, TypeError, OverflowError) as error:  # an argument that qi cannot put into a message
            raise RobotFault(f"{service}.{method}: {first_paragraph(str(error))}") from error
        return await self._answers.wait(future)

    async def _subscribe(self, call: Call, heard: Callable[..., None]) -> None:
        proxy = await self._proxy(call.service)
        if self._subscribed is not None and self._subscribed[0] is proxy:
            return
        subscriber = await self._call(call.service, call.method, call.args)
        if not hasattr(subscriber, "signal"):
            raise RobotFault(f"{call.service}.{call.method}: it answers with nothing that has a signal")
        # Asks the robot, and would hold up the loop meanwhile.
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._listen, subscriber.signal, heard, loop)
        self._subscribed = proxy, subscriber  # the signal is heard for as long as its object is kept

    async def _proxy(self, service: str) -> Any:
        if not self.linked:
            raise RobotUnreachable(f"the robot at {self.url} is not connected")
        proxy = self._services.get(service)
        if proxy is None:
            proxy = self._services[service] = await self._answers.wait(self._session.service(service, _async=True))
        return proxy

    # --- the connection ----------------------------------------------------------------------------------------------

    def _listen(self, signal: Any, callback: Callable[..., None], loop: asyncio.AbstractEventLoop) -> None:
        """Have a signal of qi's threads call ``callback`` on the event loop."""

        def heard(*args: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(callback, *args)

        signal.connect(heard)

    def _note_service(self, _: int, name: str) -> None:
        """A service came or went: one that comes back is another object than the one that was known."""
        self._services.pop(name, None)
        self._services_changed = True

    async def _keep_connected(self, greet: Callable[[], Awaitable[None]], learn: Callable[[], Awaitable[None]]) -> None:
        delay = FIRST_RETRY_S
        while True:
            try:
                await self._connect(greet, learn)
            except Exception as error:  # whatever it is, trying again later is the only remedy
                if (reason := self._explain(error)) != self.trouble:
                    log.warning("robot unreachable", url=self.url, reason=reason)
                    self.trouble = reason
                await self._lose()
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY_S)
                continue
            delay, self.trouble = FIRST_RETRY_S, None
            self._up.set()
            log.info("robot connected", url=self.url, simulated=self.clock.simulated)
            await self._watch(learn)
            log.warning("robot lost", url=self.url)
            await self._lose()

    async def _connect(self, greet: Callable[[], Awaitable[None]], learn: Callable[[], Awaitable[None]]) -> None:
        self._gone.clear()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if self._credentials is not None:
                self._session.setClientAuthenticatorFactory(self._credentials.factory())
            await self._answers.wait(self._session.connect(self.url, _async=True))
        self.linked = True
        self._services_changed = False
        async with asyncio.timeout(GREET_TIMEOUT_S):
            await greet()
            await self.clock.read(lambda method: self.call("SimulatedClock", method, [], CONNECT_TIMEOUT_S))
            await learn()

    async def _watch(self, learn: Callable[[], Awaitable[None]]) -> None:
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
                    await self._while_linked(self._call("ServiceDirectory", "machineId", []))
            except RobotFault:
                pass  # an error is an answer too
            except (TimeoutError, RobotUnreachable):
                return
            if len(self._answers) > MAX_UNANSWERED:
                log.error("robot answers no more", url=self.url, unanswered=len(self._answers))
                return
            if self._services_changed:
                self._services_changed = False
                try:
                    await learn()
                except Exception:
                    log.exception("robot not looked at again", url=self.url)

    async def _lose(self) -> None:
        self._up.clear()
        self._gone.set()
        self.linked = False
        self._services.clear()
        self._answers.fail(self._lost())
        with contextlib.suppress(TimeoutError, RobotFault):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._answers.wait(self._session.close(_async=True))

    def _lost(self) -> RobotUnreachable:
        return RobotUnreachable(f"the connection to the robot at {self.url} was lost")

    def _explain(self, error: Exception) -> str:
        reason = str(error) or "no answer in time"
        if reason != "disconnected":
            return reason
        # All that qi tells a client that the robot does not let in.
        if self._credentials is None:
            return "it ended the connection at once; if it asks for a password, set ROBOT_USER and ROBOT_PASSWORD_FILE"
        return f"it ended the connection at once; check {self._credentials}"
