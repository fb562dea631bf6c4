"""How the simulated robot moves: joints, postures, walking and the motors' stiffness."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from services.robot.simulator import anatomy
from services.robot.simulator.anatomy import JOINTS, LEGS, POSTURES
from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.joints import Joints, require_finite
from services.robot.simulator.walk import MAX_THETA, MAX_X, MAX_Y, Odometry, Pose

Names = str | list[str]
_RECOGNISED_RAD = 0.2  # legs further than this from a posture's table are in no named posture


class MotorsOffError(RuntimeError):
    """A motion was asked of joints whose motors are off."""


class Motion:
    """Joints, postures and walking. Not thread-safe: its owner serialises the calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._joints = Joints(POSTURES["Stand"].angles)
        self._odometry = Odometry()
        self._stiffness = dict.fromkeys(JOINTS, 1.0)
        self._posture = "Stand"
        self._tasks: list[tuple[Activity, frozenset[str]]] = []
        self._walking: Activity | None = None
        self.breathing: set[str] = set()

    # --- reading -----------------------------------------------------------------------------------------------------

    def angles(self, names: Names) -> list[float]:
        now = self._clock.now()
        return [self._joints.angle(name, now) for name in anatomy.resolve(names)]

    def joints(self) -> dict[str, float]:
        now = self._clock.now()
        return {name: self._joints.angle(name, now) for name in JOINTS}

    def pose(self) -> Pose:
        return self._odometry.pose(self._clock.now())

    def walking(self) -> bool:
        return self._odometry.moving(self._clock.now())

    def awake(self) -> bool:
        return all(self._stiffness[name] > 0 for name in LEGS)

    def stiffness(self, names: Names) -> list[float]:
        return [self._stiffness[name] for name in anatomy.resolve(names)]

    def posture(self) -> str:
        """Return the posture that the legs are in, or "Unknown"."""
        now = self._clock.now()
        table = POSTURES[self._posture].angles
        near = all(abs(self._joints.angle(name, now) - table[name]) <= _RECOGNISED_RAD for name in LEGS)
        return self._posture if near else "Unknown"

    def family(self) -> str:
        posture = self.posture()
        return POSTURES[posture].family if posture in POSTURES else "Unknown"

    # --- joints ------------------------------------------------------------------------------------------------------

    def set_stiffnesses(self, names: Names, values: float | Sequence[float]) -> None:
        joints = anatomy.resolve(names)
        for name, value in zip(joints, _one_each(joints, values, "stiffness"), strict=True):
            self._stiffness[name] = min(max(value, 0.0), 1.0)

    def set_angles(self, names: Names, angles: float | Sequence[float], fraction: float) -> Activity:
        """Start towards the angles at a fraction (0–1] of each joint's highest speed."""
        joints = anatomy.resolve(names)
        return self._towards(joints, _one_each(joints, angles, "angles"), fraction)

    def change_angles(self, names: Names, changes: float | Sequence[float], fraction: float) -> Activity:
        joints = anatomy.resolve(names)
        now = self._clock.now()
        deltas = _one_each(joints, changes, "changes")
        absolute = [self._joints.angle(name, now) + delta for name, delta in zip(joints, deltas, strict=True)]
        return self._towards(joints, absolute, fraction)

    def interpolate(self, names: Names, angles: object, times: object, absolute: bool) -> Activity:
        """Follow one list of angles (rad) at one list of times (s, rising) for each joint."""
        joints = anatomy.resolve(names)
        angle_lists, time_lists = _timelines(joints, angles, "angles"), _timelines(joints, times, "times")
        now = self._clock.now()
        keys: dict[str, list[tuple[float, float]]] = {}
        for name, values, moments in zip(joints, angle_lists, time_lists, strict=True):
            if len(values) != len(moments):
                raise ValueError(f"{name} has {len(values)} angles but {len(moments)} times; give one time per angle")
            if moments[0] <= 0 or any(b <= a for a, b in itertools.pairwise(moments)):
                raise ValueError(f"the times of {name} must be positive and rising, not {moments}")
            base = 0.0 if absolute else self._joints.angle(name, now)
            keys[name] = [(moment, base + value) for moment, value in zip(moments, values, strict=True)]
        return self._perform(keys)

    def interpolate_bezier(self, names: list[str], times: object, points: Sequence[Sequence[object]]) -> Activity:
        """Follow the control points' angles; the curve between them is drawn straight."""
        angles = [[point[0] if isinstance(point, list | tuple) else point for point in row] for row in points]
        return self.interpolate(names, angles, times, True)

    def play(self, keys: dict[str, list[tuple[float, float]]], lasts_s: float) -> Activity:
        """Play an animation's keyframes: (seconds from now, angle) for each joint; it lasts ``lasts_s`` at least."""
        return self._perform(keys, at_least=lasts_s)

    def hold(self, names: Iterable[str]) -> None:
        """Stop these joints where they are and end the tasks that move any of them."""
        held, now = set(names), self._clock.now()
        for task, joints in self._tasks:
            if joints & held:
                task.stop()
        for name in held:
            self._joints.hold(name, now)

    def set_breathing(self, chain: str, enabled: bool) -> None:
        """Note whether a chain breathes; the joints stay still."""
        if chain not in ("Body", "Arms", "LArm", "RArm", "Legs", "Head"):
            raise ValueError(f"{chain!r} cannot breathe; chains: Body, Arms, LArm, RArm, Legs, Head")
        if enabled:
            self.breathing.add(chain)
        else:
            self.breathing.discard(chain)

    # --- postures ----------------------------------------------------------------------------------------------------

    def go_to_posture(self, name: str, fraction: float) -> Activity:
        """Change posture at a fraction (0–1] of full speed. As on the robot, this switches the motors on."""
        if name not in POSTURES:
            raise ValueError(f"{name!r} is no posture of this robot; postures: {', '.join(POSTURES)}")
        takes = anatomy.transition_s(self.family(), POSTURES[name].family) / _speed(fraction)
        now, angles = self._clock.now(), POSTURES[name].angles
        if all(abs(self._joints.angle(joint, now) - angle) < 0.01 for joint, angle in angles.items()):
            takes = 0.0
        self.halt()
        self._stiffness = dict.fromkeys(JOINTS, 1.0)
        self._posture = name
        return self._perform({joint: [(takes, angle)] for joint, angle in angles.items()})

    def wake_up(self) -> Activity:
        """Switch the motors on and stand."""
        if self.awake() and self.family() == "Standing":
            return Activity(self._clock, self._clock.now())
        return self.go_to_posture("Stand", 1.0)

    def rest(self) -> Activity:
        """Crouch, then switch the motors off."""
        activity = self.go_to_posture("Crouch", 1.0)
        activity.when_done(lambda completed: self._switch_off() if completed else None)
        return activity

    def place(self, posture: str) -> None:
        """Put the robot awake into a posture at once, still and with nothing under way."""
        if posture not in POSTURES:
            raise ValueError(f"{posture!r} is no posture of this robot; postures: {', '.join(POSTURES)}")
        self.halt()
        self.hold(JOINTS)
        self._stiffness = dict.fromkeys(JOINTS, 1.0)
        self._posture = posture
        self._joints.put(POSTURES[posture].angles, self._clock.now())

    # --- walking -----------------------------------------------------------------------------------------------------

    def walk_to(self, x: float, y: float, theta: float) -> Activity:
        """Walk a displacement (m, m, rad) in the robot's own frame, standing up first if need be."""
        require_finite([x, y, theta], "x, y and theta")
        begins = self._ready_to_walk()
        self._walking = Activity(self._clock, self._odometry.displace(x, y, theta, begins))
        return self._walking

    def walk_at(self, vx: float, vy: float, omega: float) -> None:
        """Walk at a velocity (m/s, m/s, rad/s) until told otherwise; all zero stands still."""
        require_finite([vx, vy, omega], "velocities")
        if not any((vx, vy, omega)):
            self.halt()
            return
        begins = self._ready_to_walk()
        self._odometry.drive(vx, vy, omega, begins)

    def walk_toward(self, x: float, y: float, theta: float) -> None:
        """Walk at fractions (−1 to 1) of the highest velocities."""
        fractions = [min(max(value, -1.0), 1.0) for value in require_finite([x, y, theta], "fractions")]
        self.walk_at(fractions[0] * MAX_X, fractions[1] * MAX_Y, fractions[2] * MAX_THETA)

    def halt(self) -> None:
        """Stop walking where the robot is."""
        self._odometry.halt(self._clock.now())
        if self._walking is not None:
            self._walking.stop()
            self._walking = None

    # --- within ------------------------------------------------------------------------------------------------------

    def _ready_to_walk(self) -> float:
        """End the walk under way, stand up if need be, and return the moment at which walking can begin."""
        self._require_motors(LEGS)
        self.halt()
        if self.family() == "Standing":
            return self._clock.now()
        return self.go_to_posture("StandInit", 1.0).ends

    def _towards(self, joints: list[str], angles: list[float], fraction: float) -> Activity:
        share, now = _speed(fraction), self._clock.now()
        keys = {
            name: [(abs(angle - self._joints.angle(name, now)) / (JOINTS[name].speed * share), angle)]
            for name, angle in zip(joints, angles, strict=True)
        }
        return self._perform(keys)

    def _perform(self, keys: dict[str, list[tuple[float, float]]], at_least: float = 0.0) -> Activity:
        self._require_motors(keys)
        now = self._clock.now()
        takes = max([at_least, *(self._joints.follow(name, path, now) for name, path in keys.items())])
        activity = Activity(self._clock, now + takes)
        self._tasks = [task for task in self._tasks if task[0].completed is None]
        self._tasks.append((activity, frozenset(keys)))
        return activity

    def _require_motors(self, joints: Iterable[str]) -> None:
        if off := [name for name in joints if self._stiffness[name] <= 0]:
            raise MotorsOffError(f"the motors are off ({off[0]}): call ALMotion.wakeUp() first")

    def _switch_off(self) -> None:
        self._stiffness = dict.fromkeys(JOINTS, 0.0)


def _speed(fraction: float) -> float:
    (share,) = require_finite([fraction], "the speed fraction")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"the speed fraction must be above 0 and at most 1, not {share}")
    return share


def _one_each(joints: list[str], values: float | Sequence[float], what: str) -> list[float]:
    """Return one number per joint; a single number stands for all of them."""
    numbers = require_finite(values if isinstance(values, list | tuple) else [values] * len(joints), what)
    if len(numbers) != len(joints):
        raise ValueError(f"{len(joints)} joints need {len(joints)} {what}, not {len(numbers)}")
    return numbers


def _timelines(joints: list[str], values: object, what: str) -> list[list[float]]:
    """Return one list of numbers per joint from the shapes that NAOqi takes: n, [n, …] or [[n, …], …]."""
    rows: list[object] = list(values) if isinstance(values, list | tuple) else [values]
    if not rows:
        raise ValueError(f"{what} must not be empty")
    if any(isinstance(row, list | tuple) for row in rows):
        lists = [list(row) if isinstance(row, list | tuple) else [row] for row in rows]
    elif len(joints) == 1:
        lists = [rows]
    elif len(rows) == 1:
        lists = [rows] * len(joints)
    else:
        lists = [[row] for row in rows]
    if len(lists) != len(joints) or not all(lists):
        raise ValueError(f"{len(joints)} joints need {len(joints)} lists of {what}, not {len(lists)}")
    return [require_finite(row, what) for row in lists]
