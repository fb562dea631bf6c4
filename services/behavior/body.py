"""The body of a robot as a catalogue describes it: joints, limits that depend on each other, and the moving base."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.behavior.arguments import Entry, Identifier


class Joint(Entry):
    """Limits of a joint in its unit (radians, or none for hands) and its top speed in that unit per second."""

    min: float
    max: float
    max_velocity: Annotated[float, Field(gt=0)]
    unit: Literal["rad", ""]
    carries: bool = False
    """The robot stands on it: moving it alone risks a fall."""


Length = Annotated[float, Field(gt=0)]


class Base(Entry):
    """How the robot moves over the ground: how fast, and how much room it needs."""

    x: Annotated[float, Field(gt=0)]
    """Full speed ahead, metres per second."""
    y: Annotated[float, Field(gt=0)]
    """Full speed aside, metres per second."""
    theta: Annotated[float, Field(gt=0)]
    """Full speed of turning, radians per second."""
    overhead: Length
    """Things that are perceived higher up than this, in metres, are not in the way; what is lower may reach down."""
    from_things: Length
    """Nearest that its middle may come to the middle of a thing, metres: its own radius and a little room."""
    from_people: Length
    """The same for a person, who takes up room too."""
    least_battery: Annotated[int, Field(ge=0, le=100)] = 0
    """Charge in per cent below which it must not set off."""


class Budget(Entry):
    """The most that one program may make the robot do, on the worst way through it and by the longest that calls take.

    ``Takes`` gives calls more time than they need, so the seconds are several times what a program really lasts.
    """

    calls: Annotated[int, Field(gt=0)]
    seconds: Annotated[float, Field(gt=0)]
    metres: Annotated[float, Field(ge=0)] = 0.0


class Coupling(Entry):
    """Limits of ``joint`` that depend on how far joint ``by`` is from zero: [distance, min, max], linear between."""

    joint: Identifier
    by: Identifier
    points: Annotated[list[tuple[float, float, float]], Field(min_length=2)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        distances = [distance for distance, _, _ in self.points]
        if distances[0] != 0 or any(after <= before for before, after in itertools.pairwise(distances)):
            raise ValueError(f"the distances of points must rise from 0: {distances}")
        if any(low >= high for _, low, high in self.points):
            raise ValueError("a point's min is not below its max")
        return self

    def limits(self, by_angle: float) -> tuple[float, float]:
        """Smallest and largest angle of ``joint`` while ``by`` is at ``by_angle``, all in radians."""
        at = abs(by_angle)
        for (x0, low0, high0), (x1, low1, high1) in itertools.pairwise(self.points):
            if at <= x1:
                share = max(0.0, (at - x0) / (x1 - x0))
                return low0 + share * (low1 - low0), high0 + share * (high1 - high0)
        return self.points[-1][1], self.points[-1][2]
