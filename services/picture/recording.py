"""What a simulated robot did, small enough to be kept with every result: its state at the moments at which it turned.

Between two moments everything passes in straight lines, so that a few moments tell a behaviour exactly.
"""

from __future__ import annotations

import base64
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.behavior.schema import MAX_RECORDING_CHARACTERS, Scene

MAX_MOMENTS = 400
MAX_SENTENCES = 40
MAX_SENTENCE_CHARACTERS = 160
MAX_ITEMS = 32
_MAX_JSON_BYTES = 512 * 1024

JOINTS_AND_MORE = 40  # columns at most: the joints of a robot and how it stands
_Number = Annotated[int, Field(ge=-(2**31), le=2**31)]
_Column = Annotated[list[_Number], Field(min_length=1, max_length=MAX_MOMENTS)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Spoken(_Part):
    """A sentence, with the milliseconds at which it begins and ends."""

    begins: _Number
    ends: _Number
    text: Annotated[str, Field(max_length=MAX_SENTENCE_CHARACTERS)]


class Item(_Part):
    """A thing or a person of the scene: millimetres ahead and to the left of where the robot began."""

    name: Annotated[str, Field(max_length=80)]
    x: _Number
    y: _Number
    person: bool = False


class Fallen(_Part):
    """A fall, with the milliseconds at which it began."""

    at: _Number
    why: Annotated[str, Field(max_length=200)]


@dataclass(frozen=True)
class State:
    """The robot at a moment: joints and angles in radians, lengths in metres from where it began."""

    angles: dict[str, float]
    on_feet: float
    """1 while its feet carry it, 0 when it sits or lies."""
    lean: float
    """How far the torso leans ahead when its feet do not carry it."""
    x: float
    y: float
    theta: float
    steps: float
    """How many steps it has made."""
    leds: dict[str, tuple[int, int, int]]
    """Red, green and blue, 0 to 255, of each group."""


class Recording(_Part):
    """The motion of one behaviour, in whole thousandths of seconds, radians and metres.

    A column holds a number for each moment, or one alone if it stays the same.
    """

    robot: Literal["nao"]
    moments: _Column
    joints: Annotated[dict[Annotated[str, Field(max_length=40)], _Column], Field(max_length=JOINTS_AND_MORE)]
    on_feet: _Column
    lean: _Column
    x: _Column
    y: _Column
    theta: _Column
    steps: _Column
    leds: Annotated[dict[Annotated[str, Field(max_length=40)], _Column], Field(max_length=JOINTS_AND_MORE)]
    """Colours as 0x00RRGGBB."""
    spoken: Annotated[list[Spoken], Field(max_length=MAX_SENTENCES)] = []
    items: Annotated[list[Item], Field(max_length=MAX_ITEMS)] = []
    fallen: Fallen | None = None

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if any(b <= a for a, b in zip(self.moments, self.moments[1:], strict=False)):
            raise ValueError("moments must rise")
        for column in self._columns():
            if len(column) not in (1, len(self.moments)):
                raise ValueError("a column has one number, or one for each moment")
        return self

    def _columns(self) -> list[list[int]]:
        plain = [self.on_feet, self.lean, self.x, self.y, self.theta, self.steps]
        return [*plain, *self.joints.values(), *self.leds.values()]

    @property
    def seconds(self) -> float:
        """How long the behaviour lasted."""
        return (self.moments[-1] - self.moments[0]) / 1000

    @property
    def way(self) -> list[tuple[float, float]]:
        """Where the robot was at each moment: metres ahead and to the left of where it began."""
        xs, ys = (column * (1 if len(column) > 1 else len(self.moments)) for column in (self.x, self.y))
        return [(x / 1000, y / 1000) for x, y in zip(xs, ys, strict=True)]

    def at(self, seconds: float) -> State:
        """Return the robot so many seconds after the behaviour began."""
        moment = self.moments[0] + seconds * 1000
        index = bisect_right(self.moments, moment)
        if index == 0 or index == len(self.moments):
            before = after = min(index, len(self.moments) - 1)
            share = 0.0
        else:
            before, after = index - 1, index
            share = (moment - self.moments[before]) / (self.moments[after] - self.moments[before])

        def value(column: list[int]) -> float:
            if len(column) == 1:
                return column[0] / 1000
            return (column[before] + (column[after] - column[before]) * share) / 1000

        def colour(column: list[int]) -> tuple[int, int, int]:
            first, last = (column[0], column[0]) if len(column) == 1 else (column[before], column[after])
            red, green, blue = (
                round((first >> shift & 255) + ((last >> shift & 255) - (first >> shift & 255)) * share)
                for shift in (16, 8, 0)
            )
            return red, green, blue

        return State(
            {name: value(column) for name, column in self.joints.items()},
            value(self.on_feet),
            value(self.lean),
            value(self.x),
            value(self.y),
            value(self.theta),
            value(self.steps),
            {name: colour(column) for name, column in self.leds.items()},
        )

    def packed(self) -> str | None:
        """Return it as the store keeps it, printable; None if it does not fit."""
        packed = base64.b85encode(zlib.compress(self.model_dump_json(exclude_defaults=True).encode(), 9)).decode()
        return packed if len(packed) <= MAX_RECORDING_CHARACTERS else None

    @classmethod
    def unpacked(cls, packed: str) -> Recording:
        """Return the recording that ``packed`` made the text of. Raises ValueError if it is none."""
        try:
            unzip = zlib.decompressobj()
            text = unzip.decompress(base64.b85decode(packed), _MAX_JSON_BYTES)
            if not unzip.eof:
                raise ValueError("it is cut off, or larger than any")
            return cls.model_validate_json(text)
        except (ValueError, zlib.error) as error:
            raise ValueError("not a recording of this version") from error


def scene_items(scene: Scene) -> list[Item]:
    """Return what there is room for of a scene, as a recording has it."""
    found = [(item, False) for item in scene.objects] + [(item, True) for item in scene.people]
    return [
        Item(name=item.name, x=round(item.position[0] * 1000), y=round(item.position[1] * 1000), person=person)
        for item, person in found[:MAX_ITEMS]
    ]


def column(values: Sequence[float], scale: float = 1000.0) -> list[int]:
    """Return a column of a recording: the values times ``scale``, or one alone if all are the same."""
    whole = [round(value * scale) for value in values]
    return whole[:1] if len(set(whole)) == 1 else whole


def columns(rows: Sequence[Mapping[str, float]], scale: float = 1000.0) -> dict[str, list[int]]:
    """Return a column for every key of the rows."""
    return {name: column([row[name] for row in rows], scale) for name in rows[0]}
