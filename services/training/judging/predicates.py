"""The predicates by which an item of a suite says what a behaviour must show.

Angles are in degrees and lengths in metres; positive is left, up and anticlockwise, as people see it. What each
predicate means is said where it is decided: ``speech.py``, ``walking.py`` and so on.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from services.behavior.catalogue import load_catalogue
from services.behavior.schema import Document
from services.behavior.words import did_you_mean
from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.voice import LANGUAGES


def _ordered(limits: list[float | None]) -> list[float | None]:
    low, high = limits
    if low is None and high is None:
        raise ValueError("one end of a range must be a number")
    if low is not None and high is not None and low > high:
        raise ValueError(f"a range goes from low to high, not from {low:g} to {high:g}")
    return limits


def _one_of(what: str, known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"{name!r} is no {what}; {did_you_mean(name, known)}")
        return name

    return AfterValidator(check)


_CALLS = tuple(dict.fromkeys(f"{service}.{method.name}" for service, method in load_catalogue("nao").calls))

Range = Annotated[list[float | None], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
"""[low, high], both inclusive; null: no limit on that side."""
Phrases = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
Target = Annotated[str, Field(min_length=1)]
Within = Annotated[float, Field(gt=0.0)]
Side = Literal["left", "right", "both", "either"]
Family = Literal["Standing", "Crouching", "Sitting", "LyingBelly", "LyingBack"]


class Says(Document):
    """Without any of these: that it speaks at all."""

    any: Phrases | None = None
    all: Phrases | None = None
    length: Range | None = None


class Voice(Document):
    """How the voice is set during the behaviour, or the language of a sentence."""

    volume: Range | None = None
    speed: Range | None = None
    pitch: Range | None = None
    language: Annotated[str, _one_of("language", LANGUAGES)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        _require_one_of(self, "volume", "speed", "pitch", "language")
        return self


class Walks(Document):
    distance: Range | None = None
    bearing: Range | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        _require_one_of(self, "distance", "bearing")
        return self


class Turns(Document):
    degrees: Range


class Walked(Document):
    path: Range


class Toward(Document):
    """``near`` (metres) and ``faces`` (degrees)."""

    target: Target
    within: Within


class Looks(Document):
    yaw: Range | None = None
    pitch: Range | None = None
    end: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        _require_one_of(self, "yaw", "pitch")
        return self


class LooksAt(Document):
    target: Target
    within: Within
    end: bool = False


class PointsAt(Document):
    target: Target
    arm: Literal["left", "right", "either"] = "either"
    within: Within
    end: bool = False


class Arm(Document):
    side: Side
    raised: Range
    end: bool = False


class Hand(Document):
    side: Side
    state: Literal["open", "closed"]
    end: bool = False


class Joint(Document):
    name: Annotated[str, _one_of("joint", tuple(name for name in JOINTS if not name.endswith("Hand")))]
    degrees: Range
    end: bool = False


class Posture(Document):
    family: Family
    end: bool = False


class Lights(Document):
    group: Literal["eyes", "ears", "chest", "feet", "brain", "any"]
    colour: Literal[
        "white", "red", "green", "blue", "yellow", "magenta", "cyan", "orange", "purple", "pink", "off", "on", "any"
    ]


class Calls(Document):
    method: Annotated[str, _one_of("call of this robot", _CALLS)]
    times: Range = Field(default_factory=lambda: [1.0, None])


class Times(Document):
    of: Predicate
    count: Range

    @model_validator(mode="after")
    def _counts_events(self) -> Self:
        self.of.require_event("times")
        return self


Gesture = Literal[
    "wave", "nod", "shake_head", "bow", "applaud", "shrug", "think", "happy", "sad", "excited", "calm", "point_self",
    "point_you", "explain", "give", "dance",
]  # fmt: skip
Predicates = Annotated[list["Predicate"], Field(min_length=1)]


class Predicate(Document):
    """An object with one key, which says what kind of predicate it is."""

    says: Says | None = None
    voice: Voice | None = None
    walks: Walks | None = None
    turns: Turns | None = None
    near: Toward | None = None
    faces: Toward | None = None
    walked: Walked | None = None
    looks: Looks | None = None
    looks_at: LooksAt | None = None
    points_at: PointsAt | None = None
    arm: Arm | None = None
    hand: Hand | None = None
    joint: Joint | None = None
    posture: Annotated[Posture, BeforeValidator(lambda v: {"family": v} if isinstance(v, str) else v)] | None = None
    motors: Literal["on", "off"] | None = None
    gesture: Gesture | None = None
    lights: Lights | None = None
    sound: Literal["tone", "file", "any"] | None = None
    reads: Literal["battery", "sonar", "touch", "posture", "angles", "any"] | None = None
    moves: Literal["walk", "head", "arms", "hands", "posture", "any"] | None = None
    lasts: Range | None = None
    calls: Calls | None = None
    times: Times | None = None
    any_of: Predicates | None = None
    all_of: Predicates | None = None
    not_: Annotated[Predicate | None, Field(alias="not")] = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a predicate has one key, not {len(self.model_fields_set)}")
        if self.value is None:
            raise ValueError(f"{self.key!r} must not be null")
        return self

    @property
    def field(self) -> str:
        """Name of the field that is set."""
        (name,) = self.model_fields_set
        return name

    @property
    def key(self) -> str:
        """The key as it is written."""
        return self.field.rstrip("_")

    @property
    def value(self) -> Any:
        """What stands behind the key."""
        return getattr(self, self.field)

    @property
    def parts(self) -> list[Predicate]:
        """The predicates that this one is made of."""
        match self.value:
            case Times() as times:
                return [times.of]
            case Predicate() as part:
                return [part]
            case [*parts] if all(isinstance(part, Predicate) for part in parts):
                return parts
        return []

    @property
    def targets(self) -> list[str]:
        """What in the scene it is about."""
        own = getattr(self.value, "target", None)
        return [*([own] if own is not None else []), *(name for part in self.parts for name in part.targets)]

    def require_event(self, where: str) -> None:
        """Raise ValueError if it, or one that it is made of, is nothing that begins at some call."""
        if self.field in ("lasts", "not_"):
            raise ValueError(f"{self.key!r} is no event, so it cannot stand in {where!r}")
        for part in self.parts:
            part.require_event(where)

    def __str__(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_unset=True)


def _require_one_of(document: Document, *names: str) -> None:
    if all(getattr(document, name) is None for name in names):
        raise ValueError(f"give one of {', '.join(names)}")
