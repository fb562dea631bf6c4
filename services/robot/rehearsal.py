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
from services.behavior.schema import Action, Scene
from services.picture.recording import Recording, scene_items
from services.robot.errors import BehaviorFailed
from services.robot.plain import plain_result
from services.robot.sandbox import SCENE, Sandbox
from services.robot.simulator.recorder import record
from services.robot.simulator.stepped import SteppedNao


class Rehearsal:
    """A simulated NAO in a scene, and the calls of one program.

    Raises ValueError for a scene with a posture that NAO does not have.
    """

    def __init__(self, scene: Scene) -> None:
        self.actions: list[Action] = []
        """The calls that the robot has carried out, as a result document has them."""
        self._robot = SteppedNao(scene)
        self._catalogue = load_catalogue("nao")
        self._scene = scene
        self._view = SceneView(scene)
        self._checker = CallChecker(self._catalogue, self._view)
        self._line = 0

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
        nao, clock = self._robot.nao, self._robot.clock
        nao.motion.halt()
        clock.wait_for(nao.settled())
        recording = record(nao, 0.0)
        recording.items = scene_items(self._scene)
        return recording

    async def _call(self, service: str, method: str, args: list[Any]) -> Any:
        if service == SCENE:
            here = self._robot.nao.motion.pose()
            return self._view.call(method, args, Pose(here.x, here.y, here.theta))
        clock = self._robot.clock
        at = clock.now()
        _, checked = self._checker.check(service, method, args, self._line, at)
        result = plain_result(self._robot.end(self._robot.begin(service, method, checked)))
        took = round(clock.now() - at, 3)
        self.actions.append(
            Action(service=service, method=method, args=checked, at_s=round(at, 3), took_s=took, result=result)
        )
        return result


def rehearse(program: str, scene: Scene | None = None) -> Recording:
    """Carry a program out on a simulated NAO and return what it did; see ``Rehearsal.run`` for the errors."""
    return asyncio.run(Rehearsal(scene or Scene()).run(program))
