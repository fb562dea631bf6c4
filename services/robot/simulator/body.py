"""Where the simulated robot's body is: its joints, how the floor carries it, and its place, over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.picture.balance import balance
from services.robot.simulator.anatomy import JOINTS, LEGS
from services.robot.simulator.clock import Clock
from services.robot.simulator.joints import Joints
from services.robot.simulator.postures import POSTURES, Posture
from services.robot.simulator.track import Track, linear
from services.robot.simulator.walk import Odometry, Pose

_RECOGNISED_RAD = 0.2  # legs further than this from a posture's table are in no named posture
_LYING_RAD = 0.8  # a torso that leans further lies
_LOOK_S = 0.1  # how close together the moments are at which a motion of the legs is examined
_MOST_LOOKS = 60


@dataclass(frozen=True)
class Stance:
    """The whole body at a moment: joints in radians, whether its feet carry it (1 to 0), lean in radians, place."""

    angles: dict[str, float]
    on_feet: float
    lean: float
    pose: Pose
    steps: float


class Body:
    """Joints, how far the feet carry the robot and how far its torso leans when they do not, and its place.

    Not thread-safe: its owner serialises the calls.
    """

    def __init__(self, clock: Clock, posture: str) -> None:
        self._clock = clock
        self.joints = Joints(POSTURES[posture].angles)
        self.on_feet = Track(float(POSTURES[posture].on_feet), linear)
        self.lean = Track(POSTURES[posture].lean, linear)
        self.odometry = Odometry()
        self.meant = posture
        """The posture that it was last told to take."""

    # --- now ---------------------------------------------------------------------------------------------------------

    def stands(self) -> bool:
        """Whether its feet carry it."""
        return self.on_feet.at(self._clock.now()) == 1.0

    def lies(self) -> bool:
        return abs(self.lean.at(self._clock.now())) > _LYING_RAD

    def posture(self) -> str:
        """Return the posture that legs and torso are in, or "Unknown"."""
        far = {name: self._far_from(POSTURES[name]) for name in POSTURES}
        nearest = min(far, key=lambda name: (far[name] > _RECOGNISED_RAD, name != self.meant, far[name]))
        return nearest if far[nearest] <= _RECOGNISED_RAD else "Unknown"

    def family(self) -> str:
        posture = self.posture()
        return POSTURES[posture].family if posture in POSTURES else "Unknown"

    def nearest(self) -> str:
        """Return the posture that it is in, or else next to."""
        if (posture := self.posture()) != "Unknown":
            return posture
        if self.stands():
            return "Stand"
        if not self.lies():
            return "Sit"
        return "LyingBelly" if self.lean.at(self._clock.now()) > 0.0 else "LyingBack"

    def is_in(self, posture: str) -> bool:
        """Whether every joint is as the posture's table says."""
        now, table = self._clock.now(), POSTURES[posture].angles
        return self.posture() == posture and all(abs(self.joints.angle(j, now) - table[j]) < 0.01 for j in JOINTS)

    def tipping(self) -> tuple[float, bool] | None:
        """Look ahead along the joints' paths: when the robot cannot stand any more, and whether it then tips ahead."""
        now = self._clock.now()
        last, legs_last = self.joints.end(JOINTS), self.joints.end(LEGS)
        looks = min(max(math.ceil((legs_last - now) / _LOOK_S), 0), _MOST_LOOKS)
        for moment in [*(now + (legs_last - now) * (look + 1) / looks for look in range(looks)), max(last, now)]:
            found = balance(self.joints.angles(moment))
            if found.floor is None:
                return moment, found.ahead >= 0.0
        return None

    # --- moving ------------------------------------------------------------------------------------------------------

    def pass_through(self, stations: list[tuple[float, str]]) -> None:
        """Be carried and lean as postures say, each reached at so many seconds from now; the last is what is meant."""
        now = self._clock.now()
        self.on_feet.go(now, [(now + after, float(POSTURES[posture].on_feet)) for after, posture in stations])
        self.lean.go(now, [(now + after, POSTURES[posture].lean) for after, posture in stations])
        self.meant = stations[-1][1]

    def put(self, posture: str) -> None:
        """Be in a posture at once, as if a hand had put it there."""
        now, table = self._clock.now(), POSTURES[posture]
        self.joints.put(table.angles, now)
        self.on_feet.put(now, float(table.on_feet))
        self.lean.put(now, table.lean)
        self.meant = posture

    # --- past --------------------------------------------------------------------------------------------------------

    def stance(self, moment: float) -> Stance:
        """Return the whole body at a moment, past ones too as far as they are kept."""
        return Stance(
            self.joints.angles(moment),
            self.on_feet.at(moment),
            self.lean.at(moment),
            self.odometry.pose(moment),
            self.odometry.steps(moment),
        )

    def end(self) -> float:
        """Return the moment from which on the joints and the torso do not move any more."""
        return max(self.joints.end(JOINTS), self.on_feet.end, self.lean.end)

    def moments(self, since: float, until: float) -> set[float]:
        """Return the moments between the two at which the motion changes."""
        found = self.joints.moments(since, until) | self.odometry.moments(since, until)
        return found.union(self.on_feet.moments(since, until), self.lean.moments(since, until))

    def forget(self, before: float) -> None:
        """Drop the past before a moment."""
        self.joints.forget(before)
        self.on_feet.forget(before)
        self.lean.forget(before)
        self.odometry.forget(before)

    def _far_from(self, posture: Posture) -> float:
        """By how many radians the joint of a leg, or the torso, is from the posture's table at most."""
        now = self._clock.now()
        if self.on_feet.at(now) != float(posture.on_feet):
            return math.inf
        joints = [abs(self.joints.angle(joint, now) - posture.angles[joint]) for joint in LEGS]
        return max(*joints, abs(self.lean.at(now) - posture.lean))
