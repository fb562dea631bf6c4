"""No behaviour is begun twice, however its attempts meet at the gateway."""

from __future__ import annotations

import asyncio
from typing import Any

from services.robot.app import Gateway
from services.robot.errors import BehaviorFailed
from services.robot.protocol import Begin
from services.robot.settings import GatewaySettings


class Waiting:
    """An attempt that stands in line and takes a moment to end."""

    acted = False
    may_be_retried = True

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self._ended = asyncio.ensure_future(asyncio.sleep(0.01))

    def end(self, _: object) -> asyncio.Future[None]:
        return self._ended


def test_of_two_later_attempts_at_once_one_takes_the_place() -> None:
    async def attempt(gateway: Any, number: int) -> bool:
        begin = Begin(type="begin", behavior="once", attempt=number, robot="nao", target="simulate")
        try:
            await gateway._admit(begin)
        except BehaviorFailed:
            return False
        gateway._executions["once"] = Waiting(number)  # as the gateway does before it waits for anything
        return True

    async def scenario() -> list[bool]:
        gateway: Any = Gateway(GatewaySettings(simulator_url="tcp://127.0.0.1:9"))
        gateway._begun["once"] = None
        gateway._executions["once"] = Waiting(1)
        return await asyncio.gather(attempt(gateway, 2), attempt(gateway, 3))

    assert sum(asyncio.run(scenario())) == 1
