"""What is known of the robot at one point of a program, while its calls are followed one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from services.behavior.scene import Pose

Key = TypeVar("Key")


@dataclass(frozen=True)
class Walk:
    """A walk that goes on until it is stopped."""

    service: str
    """The service that began it."""
    line: int
    """The line that began it."""
    speed: float = 0.0
    """Metres per second."""
    velocity: tuple[float, float, float] | None = None
    """Metres per second ahead and to the left, radians per second to the left; None when that is not known."""
    start: Pose | None = None
    """Where it began, or None when that is not known."""
    seconds: float = 0.0
    """How long it has gone on, by the longest that calls take."""


@dataclass(frozen=True)
class Playing:
    """An animation that goes on beside the rest of the program, until it ends or is stopped."""

    line: int
    """The line that began it."""
    family: str
    """The posture family that it is made for."""
    seconds: float
    """How long it may still last, by the longest that it and the calls since take."""


@dataclass
class RobotState:
    """All that may be so on one of the ways through the program to this point.

    Where a state has a line, it is the line of the program that brought it about, 0 if it was so from the beginning.
    """

    families: dict[str | None, int]
    """The posture families that the robot may be in; None stands for one that nobody knows."""
    slack: dict[str | None, int] = field(default_factory=dict)
    """Joints whose motors may be off; None stands for all of them."""
    angles: dict[str, float] = field(default_factory=dict)
    """Joints of which the last target is known, in their unit."""
    settled: set[str] = field(default_factory=set)
    """Those of them that have come there."""
    pose: Pose | None = field(default_factory=Pose)
    """Where the robot is, or None when that is not known."""
    reach: float = 0.0
    """Metres from where it began that it may have come to, as far as its ways are known."""
    strayed: bool = False
    """Whether its place is not known because of a walk at a speed, after which it is not known at run time either."""
    walk: Walk | None = None
    playing: dict[tuple[str, str], Playing] = field(default_factory=dict)
    """Animations that may still go on, by the service that plays them and their name."""
    calls: int = 0
    seconds: float = 0.0
    metres: float = 0.0

    def copy(self) -> RobotState:
        """The same state, to be followed on another way."""
        return replace(
            self,
            families=dict(self.families),
            slack=dict(self.slack),
            angles=dict(self.angles),
            settled=set(self.settled),
            playing=dict(self.playing),
        )

    def join(self, other: RobotState) -> RobotState:
        """What may be so after one way or the other; of budgets the larger."""
        angles = {joint: angle for joint, angle in self.angles.items() if other.angles.get(joint) == angle}
        playing = dict(self.playing)
        for key, played in other.playing.items():
            playing[key] = max(playing.get(key, played), played, key=lambda one: one.seconds)
        walks = [walk for walk in (self.walk, other.walk) if walk is not None]
        return RobotState(
            families=_either(self.families, other.families),
            slack=_either(self.slack, other.slack),
            angles=angles,
            settled=self.settled & other.settled & angles.keys(),
            pose=self.pose if self.pose == other.pose else None,
            reach=max(self.reach, other.reach),
            strayed=self.strayed or other.strayed,
            walk=max(walks, key=lambda walk: walk.speed, default=None),
            playing=playing,
            calls=max(self.calls, other.calls),
            seconds=max(self.seconds, other.seconds),
            metres=max(self.metres, other.metres),
        )


def _either(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    """What may be so after either way, with the later line."""
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in {**one, **other}}


def since(line: int, otherwise: str = "from the beginning") -> str:
    """Since when something is so that a line has brought about; ``otherwise`` where none has."""
    return f"since line {line}" if line else otherwise
