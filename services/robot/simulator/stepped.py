"""A simulated NAO whose time passes as fast as it can be computed: without qi, threads and waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.behavior.schema import Scene
from services.behavior.waiting import SLEEP, TIME
from services.robot.errors import RobotFault
from services.robot.simulator.clock import Activity, SteppedClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.server import SERVICES
from services.robot.simulator.surface.base import plain_methods

_METHODS = {kind: plain_methods(kind) for kind in SERVICES}


@dataclass(frozen=True)
class Begun:
    """A call that the robot has taken and that may not have ended yet."""

    called: str
    answer: Any
    """An ``Activity`` while it may last, else what it returned."""
    tells: bool
    """Whether it answers, once its activity has ended, whether that ran its course."""


class SteppedNao:
    """A NAO that stands as a scene says, and its clock, which moves only while a call lasts.

    Raises ValueError for a scene with a posture that the robot does not have.
    """

    def __init__(self, scene: Scene) -> None:
        self.clock = SteppedClock()
        self.nao = Nao(self.clock)
        self.nao.prepare(scene.posture or "", -1 if scene.battery is None else scene.battery)
        self._services = {kind.__name__: (kind(self.nao), methods) for kind, methods in _METHODS.items()}

    def begin(self, service: str, method: str, args: list[Any]) -> Begun:
        """Let the robot begin a call; no time passes. Raises RobotFault if it will not, or has no such method.

        To wait is a call too, of which the robot knows nothing.
        """
        called = f"{service}::{method}"
        if (service, method) == (TIME, SLEEP):
            return Begun(called, Activity(self.clock, self.clock.now() + args[0]), False)
        entry, methods = self._services.get(service, (None, {}))
        if (method, len(args)) not in methods:
            raise RobotFault(f"{called}: the robot has no such method for {len(args)} arguments")
        function, tells = methods[method, len(args)]
        try:
            return Begun(called, function(entry, *args), tells)
        except Exception as error:  # whatever it is, qi makes an answer of it
            raise RobotFault(f"{called}: {error}") from error

    def end(self, begun: Begun) -> Any:
        """Let time pass until the call has ended, and return its answer. Raises RobotFault if that is an error."""
        activity = begun.answer
        if not isinstance(activity, Activity):
            return activity
        self.clock.wait_for(activity)
        if activity.error is not None:
            raise RobotFault(f"{begun.called}: {activity.error}")
        return activity.completed if begun.tells else None
