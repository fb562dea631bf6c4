"""What a simulated NAO did, as the judge looks at it: its calls, and its body and lights over time.

Moments are seconds from the first call, angles radians (hands 0 to 1), lengths metres in the frame in which it began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.behavior.catalogue import load_catalogue
from services.behavior.scene import Pose

Rgb = tuple[int, int, int]

START = -1
"""Number of the call with which begins what was so before the first call."""
APART_S = 1e-3
"""Moments closer together are one: results tell times in whole milliseconds."""
_SAME_SPEED = 0.02
_STILL = 1e-6
_EFFECTS = {(service, method.name): method.effect for service, method in load_catalogue("nao").calls}


@dataclass(frozen=True)
class Voice:
    """How the voice is set: volume 0 to 1, speed in per cent, shift of the pitch."""

    volume: float
    speed: float
    pitch: float


@dataclass(frozen=True)
class Sentence:
    """What was spoken, without the marks for gestures, and in which language."""

    call: int
    text: str
    language: str


@dataclass(frozen=True)
class Call:
    """A call that the robot carried out."""

    number: int
    service: str
    method: str
    args: list[Any]
    begins: float
    ends: float
    moved: frozenset[str]
    """Joints that it sent along a path, even if that led nowhere else."""
    animations: tuple[str, ...]
    family: str
    """The posture family at its end."""
    awake: bool
    """Whether the motors are on at its end."""
    voice: Voice
    """The voice as it is set at its end."""

    @property
    def name(self) -> str:
        return f"{self.service}.{self.method}"

    @property
    def effect(self) -> str:
        """What kind of call it is, as in ``services.behavior.methods.Effect``."""
        return _EFFECTS.get((self.service, self.method), "")

    @property
    def takes_posture(self) -> bool:
        """Whether it changes how the whole robot stands."""
        return self.effect == "posture" or self.method in ("wakeUp", "rest")

    @property
    def drives_joints(self) -> bool:
        """Whether its own arguments say where joints go."""
        return self.service == "ALMotion" and self.effect == "motion"

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.args))})"


@dataclass(frozen=True)
class Walk:
    """What one call walked: the displacement in the frame of its beginning, the turn unwrapped, the way's length."""

    call: int
    x: float
    y: float
    turned: float
    path: float
    arrives: Pose
    """Where it led to, the heading unwrapped."""


@dataclass(frozen=True)
class Shine:
    """The colours of some LEDs at a moment at which a call had brought them there; 0 to 255."""

    call: int
    at: float
    colours: dict[str, Rgb]


@dataclass(frozen=True)
class Timeline:
    """A behaviour from its first call until nothing moves any more."""

    calls: list[Call]
    sentences: list[Sentence]
    walks: list[Walk]
    shines: list[Shine]
    dark: dict[str, Rgb]
    """The colours of all LEDs before the first call."""
    moments: list[float]
    """When something about the body turns, rising; the first is 0 and the last is the end."""
    joints: dict[str, list[float]]
    """Every joint's angle at those moments."""
    places: list[Pose]
    """Where it was at those moments."""
    began: str
    """The posture family in which it began."""
    ended: str
    """The posture family at the end."""
    awake: bool
    """Whether the motors are on at the end."""
    error: str | None
    """Why the replay did not come to its end, or the robot fell."""

    @property
    def place(self) -> Pose:
        """Where it is at the end, the heading unwrapped."""
        return self.walks[-1].arrives if self.walks else Pose()

    @property
    def last(self) -> int:
        """Index of the last moment."""
        return len(self.moments) - 1

    def index(self, moment: float) -> int:
        """Return the index of the last of the moments until this one."""
        return bisect_right(self.moments, moment + APART_S) - 1

    def rests(self, joints: Iterable[str]) -> list[int]:
        """Return the indices of the moments at which none of these joints is just passing through."""
        moving = [self.joints[name] for name in joints if name in self.travelled]
        return [i for i in range(len(self.moments)) if not any(self._passes(column, i) for column in moving)]

    @cached_property
    def travelled(self) -> frozenset[str]:
        """Joints that moved at all."""
        return frozenset(name for name, column in self.joints.items() if max(column) - min(column) > _STILL)

    def cause(self, joints: Iterable[str], index: int, or_walk: bool = False) -> int:
        """Return the number of the call that brought joints to where they are at a moment (``START``: none did).

        With ``or_walk``, where they are in the room.
        """
        wanted, before = frozenset(joints), self.moments[index] - APART_S
        for call in reversed(self.calls):
            if call.begins < before and (call.moved & wanted or (or_walk and call.effect == "walk")):
                return call.number
        return START

    def under(self, call: Call, joint: str) -> list[float]:
        """Return the joint's angles from a call that sent it somewhere on until another does, or the end."""
        later = (other.begins for other in self.calls[call.number + 1 :] if joint in other.moved)
        until = next(later, self.moments[-1])
        return self.joints[joint][self.index(call.begins) : self.index(until) + 1]

    def _passes(self, column: list[float], i: int) -> bool:
        if i in (0, self.last):
            return False
        before = (column[i] - column[i - 1]) / (self.moments[i] - self.moments[i - 1])
        after = (column[i + 1] - column[i]) / (self.moments[i + 1] - self.moments[i])
        return abs(before) > _STILL and abs(before - after) < _SAME_SPEED * abs(before)
