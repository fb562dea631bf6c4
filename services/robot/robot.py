"""One robot, simulated or real: what it has, and how it is kept in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from services.behavior.catalogue import Catalogue
from services.behavior.methods import Call
from services.behavior.narrowing import compare, narrow
from services.behavior.scene import Pose, SceneView
from services.behavior.schema import Lacks, RobotState, Scene
from services.picture.recording import Recording
from services.robot.bridge import Bridge
from services.robot.errors import BehaviorFailed, RobotFault, RobotUnreachable
from services.robot.inspection import inspect
from services.robot.line import Line
from services.robot.protocol import Target

STOP_TIMEOUT_S = 1.0
HALT_AGAIN = 3
HALT_AGAIN_AFTER_S = 0.1
ENDINGS_S = 0.1  # those who press the stop are told that the robot was, though a behaviour has not ended yet
READ_TIMEOUT_S = 5.0
STATE_TIMEOUT_S = 1.0
RECORDING_TIMEOUT_S = 15.0  # a fall that is about to happen is waited for

log = structlog.get_logger(__name__)


class Robot:
    """A robot that is connected, or will be, with the line of behaviours that want it."""

    def __init__(self, catalogue: Catalogue, target: Target, bridge: Bridge, line: Line) -> None:
        self.name = catalogue.name
        self.target: Target = target
        self.bridge = bridge
        self.line = line
        self.catalogue = catalogue
        """What programs may call: the robot's catalogue without what this robot lacks."""
        self.lacks = Lacks()
        self.on_fall: Callable[[], None] | None = None
        """Whom to tell when the robot falls: the behaviour that has it."""
        self._control = catalogue.control

    def start(self) -> None:
        """Begin to connect."""
        self.bridge.start(self._greet, self._learn)

    async def _greet(self) -> None:
        """On each connection, before anything else: still the robot, which may go on with what a lost one began."""
        first = self._control.stop[0]
        if not await self.halt():
            raise RobotUnreachable(f"it does not hear {first.service}.{first.method}, so it could not be stopped")

    async def _learn(self) -> None:
        """See what the robot has, and offer no more than that."""
        whole = self.catalogue.whole
        lacks = compare(whole, await inspect(whole, self.bridge))
        if lacks != self.lacks:
            log.warning("robot is not as its catalogue says", robot=self.name, target=self.target, **_brief(lacks))
        self.lacks, self.catalogue = lacks, narrow(whole, lacks)
        await self._watch_for_falls()

    async def _watch_for_falls(self) -> None:
        """Hear of falls, simulated or real; a robot that does not tell of them can be used all the same."""
        if self._control.fallen is None:
            return
        try:
            await self.bridge.subscribe(self._control.fallen, self._hear_of_fall, READ_TIMEOUT_S)
        except RobotFault as error:
            log.warning("falls are not seen", robot=self.name, target=self.target, reason=error.message)

    def _hear_of_fall(self, fallen: Any = True) -> None:
        if not fallen:  # it is up again
            return
        log.warning("robot fell", robot=self.name, target=self.target, behavior=self.line.current)
        if self.on_fall is not None:
            self.on_fall()

    # --- behaviours --------------------------------------------------------------------------------------------------

    async def prepare(self, scene: Scene) -> None:
        """Let a simulated robot stand, awake, as the scene says; every simulated robot has a service for it.

        A real one is left as it is: its motors are switched on by its operator or by a program that says so
        (``ALMotion.wakeUp``, ``ALRobotPosture.goToPosture``), never unasked, because it moves when they are.
        """
        if self.bridge.clock.simulated:
            battery = -1 if scene.battery is None else scene.battery
            await self.bridge.call("SimulatedState", "prepare", [scene.posture or "", battery], READ_TIMEOUT_S)

    async def position(self) -> Pose:
        """Where the robot is by its odometry, in metres and radians; where it began, if it has none."""
        if self._control.position is None:
            return Pose()
        x, y, theta = await self._ask(self._control.position, READ_TIMEOUT_S)
        return Pose(x, y, theta)

    async def perceive(self, scene: Scene) -> SceneView:
        """What a scene says, with the posture that the robot is in, whatever the scene says of it."""
        posture = await self._read(self._control.posture)
        if isinstance(posture, str) and self.catalogue.family(posture) is not None:
            scene = scene.model_copy(update={"posture": posture})
        return SceneView(scene)

    async def settle(self) -> None:
        """End what a program left going, such as a walk, so that nobody has to run after the robot."""
        if self._control.end is not None:
            await self._ask(self._control.end, STOP_TIMEOUT_S)

    async def recording(self) -> Recording | None:
        """What a simulated robot did since it was prepared; None for a real one, and when it cannot be had."""
        if not self.bridge.connected or not self.bridge.clock.simulated:
            return None
        try:
            text = await self.bridge.call("SimulatedState", "recording", [], RECORDING_TIMEOUT_S)
            return Recording.model_validate_json(text) if text else None
        except (BehaviorFailed, ValueError) as error:
            log.warning("no recording", robot=self.name, reason=str(error))
            return None

    # --- the emergency stop ------------------------------------------------------------------------------------------

    async def halt(self) -> bool:
        """Stop everything that the robot does; return whether it could be told to."""
        if not self.bridge.linked:
            return False
        heard = await asyncio.gather(*(self._tell(call) for call in self._control.stop), self._freeze())
        return heard[0]

    async def still(self) -> bool:
        """Halt the robot after a behaviour that was cut short, until the call that it had under way has ended.

        qi hands calls to threads: one that was sent just before a stop may begin after it. Returns whether the robot
        answered to the last stop.
        """
        heard = await self.halt()
        for _ in range(HALT_AGAIN):
            if await self.bridge.quiet(HALT_AGAIN_AFTER_S):
                break
            heard = await self.halt()
        return heard

    async def stop_all(self, final: dict[str, Any]) -> tuple[list[str], bool]:
        """End the running behaviour and all in line with this final message, and still the robot.

        Returns the ids of the behaviours that were ended and whether the robot could be told.
        """
        behaviors = self.line.behaviors
        endings = [behavior.end(final) for behavior in behaviors]
        heard = await self.halt()
        if endings:
            await asyncio.wait(endings, timeout=ENDINGS_S)
        return [behavior.id for behavior in behaviors], heard

    async def _freeze(self) -> bool:
        """Still the joints; those that a walking robot stands on are left to it."""
        walking = False
        if self._control.walking is not None:
            try:
                walking = bool(await self._ask(self._control.walking, STOP_TIMEOUT_S))
            except BehaviorFailed:
                walking = True
        hold = self._control.hold_walking if walking else self._control.hold
        return hold is None or await self._tell(hold)

    async def _tell(self, call: Call) -> bool:
        try:
            await self._ask(call, STOP_TIMEOUT_S)
        except BehaviorFailed as error:
            log.warning("stop not heard", robot=self.name, call=f"{call.service}.{call.method}", reason=error.message)
            return False
        return True

    async def _ask(self, call: Call, timeout_s: float) -> Any:
        return await self.bridge.call(call.service, call.method, list(call.args), timeout_s)

    # --- what can be seen --------------------------------------------------------------------------------------------

    async def state(self) -> RobotState:
        """What is known of the robot now."""
        wanted = (self._control.posture, self._control.awake, self._control.battery)
        posture, awake, battery = await asyncio.gather(*map(self._read, wanted))
        return RobotState(
            connected=self.bridge.connected,
            posture=posture if isinstance(posture, str) else None,
            awake=awake if isinstance(awake, bool) else None,
            battery=battery if isinstance(battery, int) and 0 <= battery <= 100 else None,
            behavior=self.line.current,
            waiting=self.line.waiting,
            lacks=self.lacks,
            trouble=None if self.bridge.connected else self.bridge.trouble,
        )

    async def _read(self, call: Call | None) -> Any:
        try:
            return None if call is None else await self._ask(call, STATE_TIMEOUT_S)
        except BehaviorFailed:
            return None


def _brief(lacks: Lacks) -> dict[str, Any]:
    """The lacks for a line of the log: of names, which may be hundreds, only how many."""
    names = {kind: len(values) for kind, values in lacks.names.items()}
    found = {"methods": lacks.methods, "names": names, "joints": lacks.joints, "limits": sorted(lacks.limits)}
    return {what: value for what, value in found.items() if value}
