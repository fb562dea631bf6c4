"""What a fall leaves behind."""

from __future__ import annotations

from dataclasses import dataclass


class FallenError(RuntimeError):
    """A motion was asked of a robot that lies where it fell, or makes it fall."""


@dataclass(frozen=True)
class Fall:
    """When the robot lost its balance, in simulated seconds, and why."""

    at: float
    why: str
