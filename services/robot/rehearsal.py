"""Carries a program out on a simulated NAO at once: its time passes as fast as it can be computed.

The program is checked and runs in the sandbox as the gateway would have it. Without qi, threads and waiting the same
program gives the same recording every time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from services.behavior.catalogue import load_catalogue
from services.behavior.check import CallChecker
from services.behavior.program import ProgramReader, Refusal, Statement
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Scene
from services.picture.recording import Recording, scene_items
from services.robot.errors import BehaviorFailed, RobotFault
from services.robot.sandbox import SCENE, Sandbox
from services.robot.simulator.clock import Activity, SteppedClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.recorder import record
from services.robot.simulator.server import SERVICES
from services.robot.simulator.surface.base import plain_methods


class Rehearsal:
    """A simulated NAO in a scene, and the calls of one program."""

    def __init__(self, scene: Scene) -> None:
        self._clock = SteppedClock()
        self._nao = Nao(self._clock)
        self._nao.prepare(scene.posture or "", -1 if scene.battery is None else scene.battery)
        self._catalogue = load_catalogue("nao")
        self._scene = scene
        self._view = SceneView(scene)
        self._checker = CallChecker(self._catalogue, self._view)
        self._line = 0
        self._services = {kind.__name__: (kind(self._nao), plain_methods(kind)) for kind in SERVICES}

    async def run(self, program: str) -> Recording:
        """Carry a program out and return what the robot did.

        Raises:
            ProgramError, CheckError, BehaviorFailed: the program is not right, or did not run to its end.
        """
        reader = ProgramReader(self._catalogue, self._scene)
        found = [*reader.feed(program), *reader.close()]
        async with Sandbox(self._catalogue.services, 1) as sandbox, sandbox.program(self._call) as running:
            for part in found:
                if isinstance(part, Refusal):
                    raise BehaviorFailed("program.refused", f"the program refuses: {part.reason}")
                if isinstance(part, Statement):
                    self._line = part.line
                    await running.run(part.source)
        return self.recording()

    def recording(self) -> Recording:
        """Return what the robot did until now, and what is still under way."""
        self._nao.motion.halt()
        self._clock.wait_for(self._nao.settled())
        recording = record(self._nao, 0.0)
        recording.items = scene_items(self._scene)
        return recording

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        if service == SCENE:
            here = self._nao.motion.pose()
            return self._view.call(method, args, Pose(here.x, here.y, here.theta))
        checked = self._checker.check(service, method, args, self._line)
        entry, methods = self._services[service]
        function, tells = methods[method, len(checked)]
        try:
            answer = function(entry, *checked)
        except (ValueError, TypeError, RuntimeError) as error:
            raise RobotFault(f"{service}::{method}: {error}") from error
        if not isinstance(answer, Activity):
            return answer
        self._clock.wait_for(answer)
        if answer.error is not None:
            raise RobotFault(f"{service}::{method}: {answer.error}")
        return answer.completed if tells else None


def rehearse(program: str, scene: Scene | None = None) -> Recording:
    """Carry a program out on a simulated NAO and return what it did; see ``Rehearsal.run`` for the errors."""
    return asyncio.run(Rehearsal(scene or Scene()).run(program))
