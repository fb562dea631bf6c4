"""Carries out the actions of a result again, on a simulated NAO whose time takes no time, and tells what it did."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from services.behavior.scene import Pose
from services.behavior.schema import Action, Scene
from services.robot.errors import RobotFault
from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.clock import Activity
from services.robot.simulator.lights import GROUPS, LEDS
from services.robot.simulator.stepped import SteppedNao
from services.training.judging.timeline import APART_S, Call, Rgb, Sentence, Shine, Timeline, Voice, Walk

_LONGEST_PAUSE_S = 60.0  # before a call, or in one that was stopped: no behaviour needs more
_AFTER_S = 0.002  # what falls due at the end has happened then
_LOOK_S = 0.5  # a NAO turns by a fifth of a radian meanwhile, so headings can be told apart and arcs measured


def replay(actions: Sequence[Action], scene: Scene) -> Timeline:
    """Return what a NAO that begins as a scene says does when it is called so.

    A call begins when it did, unless the one before takes longer here, and one that was interrupted is stopped. A call
    that the robot answers with an error ends the replay, and so does a posture of the scene that it does not have; why
    is ``Timeline.error``.
    """
    try:
        robot = SteppedNao(scene)
    except ValueError as error:
        return _Replay(SteppedNao(Scene())).timeline(f"the scene: {error}")
    run = _Replay(robot)
    for action in actions:
        try:
            run.carry_out(action)
        except RobotFault as error:
            return run.timeline(f"call {len(run.calls) + 1}, {action.service}.{action.method}: {error.message}")
    return run.timeline(None)


class _Replay:
    """One replay, and what is noted of it on the way."""

    def __init__(self, robot: SteppedNao) -> None:
        self.calls: list[Call] = []
        self._robot, self._nao, self._clock = robot, robot.nao, robot.clock
        self._sentences: list[Sentence] = []
        self._shines: list[Shine] = []
        self._dark = self._colours(LEDS, 0.0)
        self._began = self._nao.motion.body.family()

    def carry_out(self, action: Action) -> None:
        """Carry out the next action. Raises RobotFault if the robot answers with an error."""
        nao, number = self._nao, len(self.calls)
        pause = action.at_s - self._clock.now()
        if pause > 0.0:
            self._clock.advance(min(pause, _LONGEST_PAUSE_S))
        begins, ends, playing = self._clock.now(), self._joint_ends(), nao.playing()
        begun = self._robot.begin(action.service, action.method, action.args)
        moved = frozenset(name for name, end in self._joint_ends().items() if end != ends[name])
        animations = tuple(path for path in nao.playing() if path not in playing)
        language = (
            action.args[1] if action.service == "ALTextToSpeech" and len(action.args) == 2 else nao.voice.language
        )
        if action.interrupted:
            self._clock.advance(min(action.took_s or 0.0, _LONGEST_PAUSE_S))
            nao.stop_everything()
        else:
            self._robot.end(begun)
        call = Call(
            number,
            action.service,
            action.method,
            action.args,
            begins,
            self._clock.now(),
            moved,
            animations,
            nao.motion.body.family(),
            nao.motion.motors.awake(),
            Voice(nao.voice.volume, nao.voice.parameters["speed"], nao.voice.parameters["pitchShift"]),
        )
        self.calls.append(call)
        if call.effect == "speech" and isinstance(begun.answer, Activity):
            self._sentences += [Sentence(number, text, language) for _, _, text in nao.voice.spoken(begins)]
        elif call.effect == "light":
            self._look_at_lights(call)

    def timeline(self, error: str | None) -> Timeline:
        """Let the body come to rest, and return what it did."""
        nao, clock = self._nao, self._clock
        nao.motion.halt()
        clock.advance(max(nao.motion.body.end() - clock.now(), 0.0) + _AFTER_S)
        fall = nao.motion.last_fall
        if fall is not None:
            clock.advance(max(nao.motion.body.end() - clock.now(), 0.0))
            error = f"the robot fell, because {fall.why}"
        body, end = nao.motion.body, clock.now()
        moments = _apart([0.0, *sorted(body.moments(0.0, end)), end])
        moved = frozenset().union(*(call.moved for call in self.calls), JOINTS if fall else ("HeadPitch",))
        return Timeline(
            self.calls,
            self._sentences,
            self._walks(),
            self._shines,
            self._dark,
            moments,
            {name: self._column(name, moments, name in moved) for name in JOINTS},
            [self._place(moment) for moment in moments],
            self._began,
            body.family(),
            nao.motion.motors.awake(),
            error,
        )

    # --- within ------------------------------------------------------------------------------------------------------

    def _joint_ends(self) -> dict[str, float]:
        """When each joint's path ends: a call that sends a joint somewhere changes that."""
        return {name: self._nao.motion.body.joints.end((name,)) for name in JOINTS}

    def _column(self, joint: str, moments: Sequence[float], moved: bool) -> list[float]:
        joints = self._nao.motion.body.joints
        if not moved:
            return [joints.angle(joint, 0.0)] * len(moments)
        return [joints.angle(joint, moment) for moment in moments]

    def _place(self, moment: float) -> Pose:
        pose = self._nao.motion.body.odometry.pose(moment)
        return Pose(pose.x, pose.y, pose.theta)

    def _walks(self) -> list[Walk]:
        """What each call that walks has walked: until the next one does, or the end."""
        walking = [call for call in self.calls if call.effect == "walk"]
        untils = [*(call.begins for call in walking[1:]), self._clock.now()]
        walks: list[Walk] = []
        heading = 0.0
        for call, until in zip(walking, untils, strict=False):
            looks = max(math.ceil((until - call.begins) / _LOOK_S), 1)
            way = [self._place(call.begins + (until - call.begins) * look / looks) for look in range(looks + 1)]
            turned, path = 0.0, 0.0
            for one, other in itertools.pairwise(way):
                turned += math.remainder(other.theta - one.theta, math.tau)
                path += math.hypot(other.x - one.x, other.y - one.y)
            heading += turned
            start, goal = way[0], way[-1]
            dx, dy, cos, sin = goal.x - start.x, goal.y - start.y, math.cos(start.theta), math.sin(start.theta)
            arrives = Pose(goal.x, goal.y, heading)
            walks.append(Walk(call.number, cos * dx + sin * dy, cos * dy - sin * dx, turned, path, arrives))
        return walks

    def _look_at_lights(self, call: Call) -> None:
        """Note the colours to which a call that has ended has led, one after the other."""
        leds = GROUPS[call.args[0]] if call.args and call.args[0] in GROUPS else GROUPS["FaceLeds"]
        for moment in [*sorted(self._nao.lights.moments(call.begins, call.ends)), call.ends]:
            self._shines.append(Shine(call.number, moment, self._colours(leds, moment)))

    def _colours(self, leds: Sequence[str], moment: float) -> dict[str, Rgb]:
        colours = {led: self._nao.lights.colour(led, moment) for led in leds}
        return {led: (colour >> 16, colour >> 8 & 255, colour & 255) for led, colour in colours.items()}


def _apart(moments: Sequence[float]) -> list[float]:
    """Rising moments without those that are one with the moment before."""
    apart = [moments[0]]
    for moment in moments[1:]:
        if moment - apart[-1] > APART_S:
            apart.append(moment)
    return apart
