"""The robots that a gateway serves, with what runs and checks the programs for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.addresses import RobotAddress
from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.schema import DEFAULT_ROBOT
from services.behavior.stubs import stubs
from services.robot.bridge import Bridge
from services.robot.credentials import Credentials
from services.robot.errors import BehaviorFailed
from services.robot.line import Line
from services.robot.protocol import Target
from services.robot.robot import Robot
from services.robot.sandbox import Sandbox
from services.robot.settings import GatewaySettings
from services.robot.typecheck import TypeChecker


@dataclass(frozen=True)
class Kind:
    """The robots of one name, simulated and real, and what they share."""

    targets: dict[Target, Robot]
    sandbox: Sandbox
    types: TypeChecker


class Fleet:
    """All robots of the settings, by name."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.kinds = {name: _kind(load_catalogue(name), address, settings) for name, address in settings.robots.items()}

    @property
    def robots(self) -> list[Robot]:
        """Every robot, simulated or real."""
        return [robot for kind in self.kinds.values() for robot in kind.targets.values()]

    @property
    def ready(self) -> bool:
        """Whether all simulated robots are connected, for real ones may be off; without any, whether a real one is."""
        simulated = [robot for robot in self.robots if robot.target == "simulate"]
        if simulated:
            return all(robot.bridge.connected for robot in simulated)
        return any(robot.bridge.connected for robot in self.robots)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep the robots connected, and sandboxes and type checkers warm, for a block."""
        async with AsyncExitStack() as stack:
            for kind in self.kinds.values():
                if kind.targets:
                    await stack.enter_async_context(kind.sandbox)
                    await stack.enter_async_context(kind.types)
            for robot in self.robots:
                robot.start()
            try:
                yield
            finally:
                await asyncio.gather(*(robot.bridge.close() for robot in self.robots))

    def find(self, name: str, target: Target) -> tuple[Kind, Robot]:
        """The robot that a behaviour is for. Raises BehaviorFailed ``robot.unknown`` or ``robot.unreachable``."""
        kind = self.kinds.get(name)
        if kind is None:
            raise BehaviorFailed("robot.unknown", f"there is no robot {name!r} here; robots: {', '.join(self.kinds)}")
        robot = kind.targets.get(target)
        if robot is None:
            setting = "ROBOT_URL" if target == "robot" else "SIMULATOR_URL"
            if name != DEFAULT_ROBOT:
                setting = f"{setting.lower()} of {name} in MORE_ROBOTS"
            raise BehaviorFailed("robot.unreachable", f"no robot is configured for {target!r}; set {setting}")
        return kind, robot


def _kind(catalogue: Catalogue, address: RobotAddress, settings: GatewaySettings) -> Kind:
    targets = {
        target: Robot(catalogue, target, bridge, Line(settings.gateway_line_limit, settings.gateway_line_timeout_s))
        for target, bridge in _bridges(address)
    }
    return Kind(targets, Sandbox(catalogue.services, max(1, len(targets))), TypeChecker(stubs(catalogue)))


def _bridges(address: RobotAddress) -> Iterator[tuple[Target, Bridge]]:
    if address.simulator_url:
        yield "simulate", Bridge(address.simulator_url)
    if address.robot_url:
        password = address.robot_password_file
        yield "robot", Bridge(address.robot_url, Credentials(address.robot_user, password) if password else None)
