"""The documents that cross the engine's boundaries: the request, its events and its result.

Every service reads and writes these shapes, so they live with the domain and import nothing of ours.
Lengths are metres and angles radians, in the robot's frame (x ahead, y left, z up), unless a name says otherwise.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Status = Literal["queued", "running", "succeeded", "refused", "failed", "cancelled"]
TERMINAL_STATUSES: frozenset[str] = frozenset({"succeeded", "refused", "failed", "cancelled"})

EventName = Literal["queued", "started", "step", "statement", "action", "done", "error", "cancelled"]
TERMINAL_EVENTS: frozenset[str] = frozenset({"done", "error", "cancelled"})

WhenBusy = Literal["wait", "replace"]

#: The robot that a request means when it names none.
DEFAULT_ROBOT = "nao"

MAX_INSTRUCTION_CHARACTERS = 2000
MAX_IMAGE_CHARACTERS = 8 * 1024 * 1024
MAX_SCENE_ITEMS = 64
#: What the recording of a simulated robot's motion may take up beside its result; a usual one takes up a thousand.
MAX_RECORDING_CHARACTERS = 24 * 1024


def _printable(text: str) -> str:
    """Reject control characters: they hide text from a reader and break line-based programs."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise ValueError(f"control character U+{ord(character):04X} is not allowed; remove it")
    return text


def fold(name: str) -> str:
    """A name as it is compared: without case and invisible characters, with one kind of width and of spaces."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(character for character in folded if unicodedata.category(character) != "Cf").split())


def _visible(text: str) -> str:
    if not fold(text):
        raise ValueError("nothing of it can be seen; say in words what the robot is to do")
    return text


# Constraints come before it, not after: pydantic applies those that follow a function to what it was given, unstripped.
PRINTABLE = AfterValidator(_printable)
Coordinate = Annotated[float, Field(ge=-100.0, le=100.0, allow_inf_nan=False)]


class Document(BaseModel):
    """Base of every boundary document: unknown fields and silent conversions are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class SceneItem(Document):
    """Something the robot perceives, by name and position [x, y, z] in metres in the robot's frame."""

    name: Annotated[
        str,
        # Names are written into the prompt, into string literals and between the bars of plan comments.
        StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r'^[^"\\\n\t<>|｜]+$'),
        PRINTABLE,
    ]
    position: Annotated[list[Coordinate], Field(min_length=3, max_length=3)]
    """[x, y, z] in metres: x ahead of the robot, y to its left, z up."""
    facing: Annotated[float, Field(ge=-6.3, le=6.3, allow_inf_nan=False)] | None = None
    """Where its front looks, in radians in the robot's frame: 0 along x, positive to the left; null: not known."""
    passable: bool = False
    """Whether the robot may walk over or through it, as over a mark on the floor or through a door that is open."""


class Scene(Document):
    """What the robot perceives and how it stands when the instruction arrives."""

    objects: Annotated[list[SceneItem], Field(max_length=MAX_SCENE_ITEMS)] = []
    """Things that the program may name."""
    people: Annotated[list[SceneItem], Field(max_length=MAX_SCENE_ITEMS)] = []
    """People that the program may name."""
    posture: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")] | None = None
    """How the robot stands, such as Stand or Sit."""
    battery: Annotated[int, Field(ge=0, le=100)] | None = None
    """Charge in per cent."""
    free_space: Annotated[float, Field(ge=0.0, le=100.0, allow_inf_nan=False)] | None = None
    """Radius in metres around the robot that is free to walk in; null: not known."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: set[str] = set()
        for item in [*self.objects, *self.people]:
            if not (name := fold(item.name)):
                raise ValueError(f"the name {item.name!r} cannot be seen; give one that can")
            if name in seen:
                raise ValueError(f"two items are called {item.name!r}; give each its own name")
            seen.add(name)
        return self


class BehaviorRequest(Document):
    """Body of ``POST /v1/behaviors``."""

    instruction: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_INSTRUCTION_CHARACTERS),
        PRINTABLE,
        AfterValidator(_visible),
    ]
    """What the robot is to do, in plain words of any language."""
    robot: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = DEFAULT_ROBOT
    """Which robot; it must have a catalogue."""
    scene: Scene = Field(default_factory=Scene)
    """What the robot perceives; a program can only go to what is in it."""
    image: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/=]+$", max_length=MAX_IMAGE_CHARACTERS
            ),
        ]
        | None
    ) = None
    """What the robot sees, as a data URL, for backends with vision; others refuse it."""
    backend: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] | None = None
    """Which LLM server writes the program; by default the one that BACKEND names."""
    execute: Literal["none", "simulate", "robot"] = "simulate"
    """Only write the program, run it on the simulated robot, or run it on the real one."""
    mode: Literal["atomic", "stream"] = "atomic"
    """Check the whole program before the first action, or act on each statement as soon as it is checked."""
    when_busy: WhenBusy = "wait"
    """While the robot carries out another behaviour: wait for its end, or stop it and take the robot. Replacing begins
    once this one is checked and could act, and does not touch those that wait."""
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    """0 is served first, 9 last."""
    max_tokens: Annotated[int, Field(ge=1, le=1024)] = 256
    """Longest program; one that is cut off fails."""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0
    """0 takes the likeliest program, more varies it."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """The same seed varies in the same way, where the engine allows."""


class PlanStep(Document):
    """One object-centric step of the plan, read from its ``# Step n:`` comment."""

    step: int
    goal: str
    target: str | None = None
    prefer: str | None = None
    avoid: str | None = None


class StatementEvent(Document):
    """A complete statement that passed the static checks."""

    line: int
    step: int | None
    source: str


class Action(Document):
    """One call that reached the robot; times are seconds on the robot's clock from the behaviour's first call."""

    service: str
    method: str
    args: list[Any]
    at_s: float
    took_s: float | None
    """None where nobody knows, because the answer did not come."""
    result: Any = None
    interrupted: bool = False
    """Whether it did not come to its end: it was stopped, its answer did not come, or the robot answered with an error.
    The robot may have carried it out in part."""


class Failure(Document):
    """Why a behaviour failed: a stable code, a sentence for people, and the place in the program if there is one."""

    code: str
    message: str
    """What is wrong."""
    line: int | None = None
    statement: str | None = None
    suggestion: str | None = None
    """How to mend it."""


class Timings(Document):
    """Milliseconds from acceptance. What did not happen has none."""

    queue_ms: float | None = None
    """To the start: the wait for a worker."""
    ttft_ms: float | None = None
    """To the first token."""
    ttfs_ms: float | None = None
    """To the first statement that is complete and checked; from here on a robot can act in stream mode."""
    ttfa_ms: float | None = None
    """To the first action: the first call of the program goes out to the robot. In atomic mode that is after the whole
    program is checked; the wait for the robot's turn is in it."""
    total_ms: float | None = None
    """To the end."""


class Usage(Document):
    """Tokens as counted by the engine."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class BehaviorResult(Document):
    """The result document of ``GET /v1/behaviors/{id}`` and of the terminal event."""

    id: str
    status: Status
    instruction: str
    robot: str
    backend: str
    model: str | None = None
    plan: list[PlanStep] = []
    code: str = ""
    actions: list[Action] = []
    refusal: str | None = None
    error: Failure | None = None
    repaired: bool = False
    """Whether the first answer of the model failed a check, and this is its second, written with that finding."""
    picture: str | None = None
    """Where to see what a simulated robot did: the path of an animated SVG."""
    timings: Timings = Field(default_factory=Timings)
    usage: Usage = Field(default_factory=Usage)


class JointLimits(Document):
    """Limits of a joint in radians (hands: 0 to 1) and its top speed in those per second."""

    min: float
    max: float
    max_velocity: float


class Lacks(Document):
    """What the catalogue has and the connected robot does not; nothing, if all is there."""

    methods: list[str] = Field(default_factory=list)
    """As in ``ALSonar.subscribe(client)``."""
    names: dict[str, list[str]] = Field(default_factory=dict)
    """Kind of name, such as animation → the names that are not installed."""
    joints: list[str] = Field(default_factory=list)
    limits: dict[str, JointLimits] = Field(default_factory=dict)
    """Joints that move less or slower than the catalogue says: what holds now, the narrower of both."""

    def __bool__(self) -> bool:
        return bool(self.methods or self.names or self.joints or self.limits)


class RobotState(Document):
    """A robot as the gateway sees it, simulated or real. What it does not tell is null."""

    connected: bool
    posture: str | None = None
    """As the robot names it, such as Stand."""
    awake: bool | None = None
    """Whether its motors are on."""
    battery: int | None = None
    """Charge in per cent."""
    behavior: str | None = None
    """Id of the behaviour that it carries out."""
    waiting: list[str] = []
    """Ids of the behaviours that wait for it, the next one first."""
    lacks: Lacks = Field(default_factory=Lacks)
    """What of its catalogue it does not have, and what programs therefore cannot use, as of its last connection."""
    trouble: str | None = None
    """Why it is not connected."""


class RobotReport(Document):
    """Answer of ``GET /v1/robots/{robot}``."""

    robot: str
    targets: dict[Literal["simulate", "robot"], RobotState]
    """The simulated robot and the real one, as far as they are configured."""
