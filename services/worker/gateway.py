"""Client of the robot gateway: sends checked statements, receives the actions that the robot carried out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from services.behavior.schema import MAX_RECORDING_CHARACTERS, Action, BehaviorRequest, Failure

#: How long a gateway may be away before a behaviour of which nothing has moved fails: long enough for it to restart.
_AWAY_S = 15.0
_RETRY_S = 0.5
#: How often the connection may be lost before the robot's turn has come.
_LOST_IN_LINE = 3
_CANCEL_WAIT_S = 3.0
_LAST_WORD_S = 1.0


class ExecutionFailed(Exception):
    """The program was not carried out to its end; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class _Lost(ExecutionFailed):
    """The connection ended without a word of how the behaviour did."""

    def __init__(self) -> None:
        message = "the connection to the robot gateway was lost; it stops the robot, at the latest when it is back"
        super().__init__(Failure(code="robot.unreachable", message=message))


class RobotStopped(Exception):
    """The emergency stop ended the behaviour."""


class RobotReplaced(Exception):
    """The behaviour called ``by`` took the robot."""

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(by)


@dataclass(frozen=True)
class Listener:
    """Who is told what comes from the gateway, as it comes."""

    #: The first call of the program goes out to the robot.
    acting: Callable[[], None]
    #: A call has ended, or will not be heard of any more.
    action: Callable[[Action], None]
    #: The gateway has ended a behaviour that had the robot before its program did, for this reason.
    broken_off: Callable[[BaseException], None]


class Execution:
    """One behaviour on the robot, over one WebSocket. Dropping the connection stops the robot."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, listener: Listener) -> None:
        self._socket = socket
        self._listener = listener
        self.recording = ""
        """What the simulated robot did, for its picture; empty if that was not told."""
        self._accepted = asyncio.get_running_loop().create_future()
        self._acts = False
        self._begun: Action | None = None
        self._still = False
        self._receiver = asyncio.create_task(self._receive())
        self._receiver.add_done_callback(self._over)

    @classmethod
    async def begin(
        cls,
        http: aiohttp.ClientSession,
        gateway_url: str,
        behavior_id: str,
        request: BehaviorRequest,
        listener: Listener,
        *,
        attempt: int,
        age_s: float,
    ) -> Execution:
        """Wait in line for the robot and return when this behaviour owns it.

        Raises ExecutionFailed, RobotStopped or RobotReplaced.

        ``attempt`` is the lease's: where an earlier one still stands in line, this takes its place.
        ``age_s`` is how long ago it was accepted: a stop that is younger holds for it too.
        """
        begin = {
            "type": "begin",
            "behavior": behavior_id,
            "attempt": attempt,
            "robot": request.robot,
            "target": request.execute,
            "scene": request.scene.model_dump(),
            "mode": request.mode,
            "when_busy": request.when_busy,
        }
        asked = time.monotonic()
        for lost in range(1, _LOST_IN_LINE + 1):
            execution = cls(await cls._connect(http, gateway_url), listener)
            try:
                await execution._stand_in_line(begin | {"age_s": age_s + time.monotonic() - asked})
                return execution
            except BaseException as error:
                await execution.close()
                if not isinstance(error, _Lost) or lost == _LOST_IN_LINE:
                    raise
            await asyncio.sleep(_RETRY_S)  # a gateway that lives lets go of the earlier one by then
        raise AssertionError("unreachable")

    async def _stand_in_line(self, begin: dict[str, Any]) -> None:
        """Return when the robot's turn has come. Raises what the gateway says instead, _Lost if it went away."""
        await self._send(begin)
        await asyncio.wait({self._accepted, self._receiver}, return_when=asyncio.FIRST_COMPLETED)
        if not self._accepted.done():
            self._receiver.result()
            raise _Lost

    @staticmethod
    async def _connect(http: aiohttp.ClientSession, gateway_url: str) -> aiohttp.ClientWebSocketResponse:
        give_up = time.monotonic() + _AWAY_S
        while True:
            try:
                return await http.ws_connect(f"{gateway_url}/v1/execute", heartbeat=5.0, max_msg_size=1 << 20)
            except (aiohttp.ClientError, OSError) as error:
                if time.monotonic() > give_up:
                    raise ExecutionFailed(
                        Failure(
                            code="robot.unreachable",
                            message=f"the robot gateway at {gateway_url} cannot be reached ({type(error).__name__}); "
                            "check that it runs",
                        )
                    ) from error
                await asyncio.sleep(_RETRY_S)

    async def send(self, line: int, source: str) -> None:
        """Have one checked statement carried out after those before it. Raises what the gateway reported meanwhile."""
        if self._receiver.done():
            self._receiver.result()
            raise _Lost
        await self._send({"type": "statement", "line": line, "source": source})

    async def end(self) -> None:
        """Return when everything sent was carried out. Raises ExecutionFailed, RobotStopped or RobotReplaced."""
        await self._send({"type": "end"})
        await asyncio.shield(self._receiver)  # being cancelled here must not stop listening

    async def cancel(self) -> Failure | None:
        """Stop the robot and wait a little for the gateway to confirm it.

        Returns what is to be said when it does not; the closed connection tells the gateway to stop the robot all the
        same, as soon as it can.
        """
        try:
            await self._send({"type": "cancel"})
            await asyncio.wait_for(asyncio.shield(self._receiver), _CANCEL_WAIT_S)
        except TimeoutError:
            return _unconfirmed(f"the robot gateway did not confirm within {_CANCEL_WAIT_S:g} s that the robot stopped")
        except ExecutionFailed as error:  # before it was told, or it is away
            return _unconfirmed(error.failure.message) if error.failure.code == "robot.unreachable" else None
        except (RobotStopped, RobotReplaced):
            return None
        finally:
            await self.close()
        return None if self._still else _unconfirmed("the robot did not answer to being stopped")

    async def close(self) -> None:
        """Close the connection; the robot is stopped if it still acts."""
        self._receiver.cancel()
        await asyncio.gather(self._receiver, return_exceptions=True)
        await self._socket.close()

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._socket.send_json(message)
        except (ConnectionError, aiohttp.ClientError) as error:
            # The gateway says how it ended before it hangs up, and that may be here and not read yet.
            await asyncio.wait({self._receiver}, timeout=_LAST_WORD_S)
            if self._receiver.done():
                self._receiver.result()
            raise _Lost from error

    async def _receive(self) -> None:
        try:
            await self._hear()
        finally:
            if self._begun is not None:
                self._begun.interrupted = True
                self._listener.action(self._begun)

    async def _hear(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            body = json.loads(message.data)
            kind = body.pop("type")
            if kind == "action":
                self._begun = None
                self._listener.action(Action.model_validate(body))
            elif kind == "begun":
                self._begun = Action.model_validate(body)
                if not self._acts:
                    self._acts = True
                    self._listener.acting()
            elif kind == "accepted":
                self._accepted.set_result(None)
            elif kind == "recording":
                if len(body["recording"]) <= MAX_RECORDING_CHARACTERS:
                    self.recording = body["recording"]
            elif kind in ("done", "cancelled"):
                self._still = body.get("still", True)
                return
            elif kind == "stopped":
                raise RobotStopped
            elif kind == "replaced":
                raise RobotReplaced(body["by"])
            elif kind == "failed":
                raise ExecutionFailed(Failure.model_validate(body))
        raise _Lost

    def _over(self, receiver: asyncio.Task[None]) -> None:
        error = None if receiver.cancelled() else receiver.exception()
        if error is not None and self._accepted.done():
            self._listener.broken_off(error)


def _unconfirmed(why: str) -> Failure:
    return Failure(
        code="robot.unconfirmed",
        message=f"{why}; it may still move",
        suggestion="look at the robot, and stop it by the emergency stop or by hand if it does",
    )
