"""How the simulated robot moves: joints, postures, walking, the motors' stiffness, and how it falls."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence

from services.robot.simulator import anatomy
from services.robot.simulator.anatomy import JOINTS, LEGS
from services.robot.simulator.arguments import fraction_of_speed, one_each, timed_keys
from services.robot.simulator.body import Body
from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.falling import Fall, FallenError
from services.robot.simulator.joints import require_finite
from services.robot.simulator.motors import Motors
from services.robot.simulator.postures import POSTURES, route
from services.robot.simulator.walk import MAX_THETA, MAX_X, MAX_Y, Pose

Names = str | list[str]
FALL_S = 0.8  # from losing its balance to lying on the floor


class Motion:
    """Joints, postures and walking. Not thread-safe: its owner holds ``lock`` around the calls."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self.body = Body(clock, "Stand")
        self.motors = Motors()
        self._tasks: list[tuple[Activity, frozenset[str]]] = []
        self._walking: Activity | None = None
        self._balanced_until = 0.0  # until then it moves as its makers planned and tested it
        self._foreseen: object = None
        self._tips_at: float | None = None
        self.fall: Fall | None = None
        """The fall from which it has not got up yet."""
        self.last_fall: Fall | None = None
        self.on_fall: Callable[[], None] = lambda: None
        """Called when it falls."""

    # --- reading -----------------------------------------------------------------------------------------------------

    def angles(self, names: Names) -> list[float]:
        now = self._clock.now()
        return [self.body.joints.angle(name, now) for name in anatomy.resolve(names)]

    def joints(self) -> dict[str, float]:
        return self.body.joints.angles(self._clock.now())

    def pose(self) -> Pose:
        return self.body.odometry.pose(self._clock.now())

    def walking(self) -> bool:
        return self.body.odometry.moving(self._clock.now())

    # --- joints ------------------------------------------------------------------------------------------------------

    def set_stiffnesses(self, names: Names, values: float | Sequence[float]) -> None:
        """Set the motors' stiffness (0 to 1); a robot on its feet falls when its legs go slack."""
        self.motors.set(anatomy.resolve(names), values)
        carried = self.fall is not None or not self.body.stands() or self.body.family() == "Crouching"
        if not carried and not self.motors.carry():
            self._fall(True, "the motors of its legs were switched off while it stood")

    def set_angles(self, names: Names, angles: float | Sequence[float], fraction: float) -> Activity:
        """Start towards the angles at a fraction (0–1] of each joint's highest speed."""
        joints = anatomy.resolve(names)
        return self._towards(joints, one_each(joints, angles, "angles"), fraction)

    def change_angles(self, names: Names, changes: float | Sequence[float], fraction: float) -> Activity:
        joints = anatomy.resolve(names)
        now = self._clock.now()
        deltas = one_each(joints, changes, "changes")
        absolute = [self.body.joints.angle(name, now) + delta for name, delta in zip(joints, deltas, strict=True)]
        return self._towards(joints, absolute, fraction)

    def interpolate(self, names: Names, angles: object, times: object, absolute: bool) -> Activity:
        """Follow one list of angles (rad) at one list of times (s, rising) for each joint."""
        now = self._clock.now()
        base = {} if absolute else self.body.joints.angles(now)
        return self._perform(timed_keys(anatomy.resolve(names), angles, times, base))

    def interpolate_bezier(self, names: list[str], times: object, points: Sequence[Sequence[object]]) -> Activity:
        """Follow the control points' angles; the curve between them is drawn straight."""
        angles = [[point[0] if isinstance(point, list | tuple) else point for point in row] for row in points]
        return self.interpolate(names, angles, times, True)

    def play(self, keys: dict[str, list[tuple[float, float]]], lasts_s: float) -> Activity:
        """Play an animation's keyframes: (seconds from now, angle) for each joint; it lasts ``lasts_s`` at least."""
        self._require_motors(keys)
        self._balanced_until = max(self._balanced_until, self._clock.now() + lasts_s)
        return self._perform(keys, at_least=lasts_s)

    def hold(self, names: Iterable[str]) -> None:
        """Stop these joints where they are and end the tasks that move any of them; nothing holds up a fall."""
        if self.fall is not None:
            return
        held, now = set(names), self._clock.now()
        for task, joints in self._tasks:
            if joints & held:
                task.stop()
        for name in held:
            self.body.joints.hold(name, now)
        if held.issuperset(LEGS):
            self.body.on_feet.hold(now)
            self.body.lean.hold(now)
        self._foreseen = None

    # --- postures ----------------------------------------------------------------------------------------------------

    def go_to_posture(self, name: str, fraction: float) -> Activity:
        """Change posture at a fraction (0–1] of full speed, by way of others if need be; it gets up from a fall.

        As on the robot, this switches the motors on.
        """
        if name not in POSTURES:
            raise ValueError(f"{name!r} is no posture of this robot; postures: {', '.join(POSTURES)}")
        speed, now = fraction_of_speed(fraction), self._clock.now()
        self.halt()
        self.motors.switch(True)
        self.fall = None
        if self.body.is_in(name):
            return Activity(self._clock, now)
        way = route(self.body.nearest(), name)
        times = [seconds / speed for seconds in itertools.accumulate(seconds for _, seconds in way)]
        stations = [(after, station) for after, (station, _) in zip(times, way, strict=True)]
        self.body.pass_through(stations)
        self._balanced_until = now + times[-1]
        return self._perform(
            {joint: [(after, POSTURES[at].angles[joint]) for after, at in stations] for joint in JOINTS}
        )

    def wake_up(self) -> Activity:
        """Switch the motors on and stand."""
        if self.motors.awake() and self.body.family() == "Standing":
            return Activity(self._clock, self._clock.now())
        return self.go_to_posture("Stand", 1.0)

    def rest(self) -> Activity:
        """Crouch, then switch the motors off."""
        activity = self.go_to_posture("Crouch", 1.0)
        activity.when_done(self._switch_off)
        return activity

    def place(self, posture: str) -> None:
        """Put the robot awake into a posture at once, still and with nothing under way."""
        if posture not in POSTURES:
            raise ValueError(f"{posture!r} is no posture of this robot; postures: {', '.join(POSTURES)}")
        self.fall = None
        self.halt()
        self.hold(JOINTS)
        self.motors.switch(True)
        self.body.put(posture)

    # --- walking -----------------------------------------------------------------------------------------------------

    def walk_to(self, x: float, y: float, theta: float) -> Activity:
        """Walk a displacement (m, m, rad) in the robot's own frame, out of a crouch too."""
        require_finite([x, y, theta], "x, y and theta")
        begins = self._ready_to_walk()
        self._walking = Activity(self._clock, self.body.odometry.displace(x, y, theta, begins))
        return self._walking

    def walk_at(self, vx: float, vy: float, omega: float) -> None:
        """Walk at a velocity (m/s, m/s, rad/s) until told otherwise; all zero stands still."""
        require_finite([vx, vy, omega], "velocities")
        if not any((vx, vy, omega)):
            self.halt()
            return
        begins = self._ready_to_walk()
        self.body.odometry.drive(vx, vy, omega, begins)

    def walk_toward(self, x: float, y: float, theta: float) -> None:
        """Walk at fractions (−1 to 1) of the highest velocities."""
        fractions = [min(max(value, -1.0), 1.0) for value in require_finite([x, y, theta], "fractions")]
        self.walk_at(fractions[0] * MAX_X, fractions[1] * MAX_Y, fractions[2] * MAX_THETA)

    def halt(self, error: str | None = None) -> None:
        """Stop walking where the robot is; ``error`` is what the call that it walked for fails with."""
        self.body.odometry.halt(self._clock.now())
        if self._walking is not None:
            self._walking.stop(error)
            self._walking = None

    # --- within ------------------------------------------------------------------------------------------------------

    def _ready_to_walk(self) -> float:
        """End the walk under way, stand up if need be, and return the moment at which walking can begin."""
        self._require_motors(LEGS)
        self.halt()
        if not self.body.stands():
            if self.body.lies():
                raise RuntimeError("the robot lies on the floor: call ALRobotPosture.goToPosture to stand up first")
            self._fall(False, "it was asked to walk while it sat")
            self._require_motors(LEGS)
        if self.body.family() == "Standing":
            return self._clock.now()
        return self.go_to_posture("StandInit", 1.0).ends

    def _towards(self, joints: list[str], angles: list[float], fraction: float) -> Activity:
        share, now = fraction_of_speed(fraction), self._clock.now()
        keys = {
            name: [(abs(angle - self.body.joints.angle(name, now)) / (JOINTS[name].speed * share), angle)]
            for name, angle in zip(joints, angles, strict=True)
        }
        return self._perform(keys)

    def _perform(self, keys: dict[str, list[tuple[float, float]]], at_least: float = 0.0) -> Activity:
        self._require_motors(keys)
        now = self._clock.now()
        takes = max([at_least, *(self.body.joints.follow(name, path, now) for name, path in keys.items())])
        activity = Activity(self._clock, now + takes)
        self._tasks = [task for task in self._tasks if task[0].completed is None]
        self._tasks.append((activity, frozenset(keys)))
        self._foresee()
        return activity

    def _require_motors(self, joints: Iterable[str]) -> None:
        if self.fall is not None:
            get_up = "call ALMotion.wakeUp() or ALRobotPosture.goToPosture first"
            raise FallenError(f"the robot has fallen, because {self.fall.why}: {get_up}")
        self.motors.require(joints)

    def _switch_off(self, completed: bool) -> None:
        if completed:
            with self._lock:
                self.motors.switch(False)

    # --- falling -----------------------------------------------------------------------------------------------------

    def falls_at(self) -> float | None:
        """Return the moment at which it will fall unless its joints are told otherwise, or None."""
        return self._tips_at if self._foreseen is not None else None

    def _foresee(self) -> None:
        """Look ahead along the joints' paths, and let the robot fall at the first moment at which it cannot stand."""
        self._foreseen, self._tips_at, now = None, None, self._clock.now()
        if not self.body.stands():
            return
        token = object()
        balanced_until = max(self._balanced_until, self._walking.ends if self._walking else 0.0)
        if balanced_until > now:
            self._foreseen = token
            self._clock.call_at(balanced_until, lambda: self._look_again(token))
        elif not self.walking() and (tipping := self.body.tipping()) is not None:
            self._tips_at, ahead = tipping
            self._foreseen = token
            self._clock.call_at(self._tips_at, lambda: self._tip(token, ahead))

    def _look_again(self, token: object) -> None:
        with self._lock:
            if token is self._foreseen:
                self._foresee()

    def _tip(self, token: object, ahead: bool) -> None:
        with self._lock:
            if token is self._foreseen:
                self._fall(ahead, "its centre of mass left the support of its feet")

    def _fall(self, ahead: bool, why: str) -> None:
        """Fall on the belly or the back, with the motors off, and end every call that moves it with an error."""
        now, error = self._clock.now(), f"the robot fell, because {why}"
        self._foreseen = None
        self.fall = self.last_fall = Fall(now, why)
        self.halt(error)
        for task, _ in self._tasks:
            task.stop(error)
        self.motors.switch(False)
        lying = "LyingBelly" if ahead else "LyingBack"
        for joint, angle in POSTURES[lying].angles.items():
            self.body.joints.follow(joint, [(FALL_S, angle)], now)
        self.body.pass_through([(FALL_S, lying)])
        self.on_fall()
