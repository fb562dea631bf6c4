"""What a robot can be called to do, as a catalogue describes it: services, methods, what they change and take."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from services.behavior.arguments import Argument, Entry, Identifier, Line

ReturnType = Literal["none", "any", "bool", "int", "float", "str", "list[float]", "list[str]"]

Effect = Literal[
    "speech",  # says something, or sets how the robot speaks; all that is allowed after a refusal
    "sound",  # plays a sound, or sets how
    "light",
    "motion",  # moves joints while the robot stays where it is
    "posture",  # changes how the whole robot stands
    "walk",  # moves the robot over the ground, so that positions seen before no longer hold
    "power",  # switches motors on or off
    "perception",  # switches a sense on or off, or sets what it looks for
    "setting",  # sets how the robot acts by itself
    "stop",  # ends what is under way
    "read",  # changes nothing
    "wait",  # lets time pass
]

CardSize = Literal["small", "medium", "full"]
"""How much of the API a prompt shows: the few calls that a very small model can use, the usual ones, or all."""


class State(Entry):
    """What is known of a robot's state: what a call needs, or what it leads to. None says nothing about it."""

    motors: bool | None = None
    """Whether the motors hold the joints (are stiff)."""
    family: Identifier | None = None
    """The posture family, such as Standing: one of those in some ``Enum.families``."""


class Takes(Entry):
    """How long a call lasts and how far it goes at the very most. What does not block lasts as long beside the rest.

    The seconds of a call are the sum of: ``seconds`` (divided by the value of ``fraction``, if given), the value of
    ``argument`` (its largest number, if it is a list), ``per_character`` for each character of its texts, and, where
    its arguments move joints or the base, the way there: the largest of |angle| over ``Joint.max_velocity`` times the
    value of ``fraction``, or of |displacement| over ``Catalogue.base``.
    """

    seconds: Annotated[float, Field(ge=0)] = 0.0
    argument: Identifier | None = None
    """Number argument in seconds."""
    fraction: Identifier | None = None
    """Number argument that is the fraction of full speed at which it happens."""
    per_character: Annotated[float, Field(ge=0)] = 0.0
    metres: Annotated[float, Field(ge=0)] = 0.0
    """How far the base moves, where no argument with an ``axis`` says."""
    until_stopped: bool = False
    """Goes on after the call until a call of effect ``stop``, or the next call of its service with the same effect."""


class Method(Entry):
    """One callable form of a method; several with one name are overloads."""

    name: Identifier
    doc: Line
    blocking: bool
    """Whether the call returns only when what it began has ended."""
    effect: Effect
    args: list[Argument]
    returns: ReturnType = "none"
    values: Identifier | None = None
    """The enum of which a returned text is a value, or each of the returned texts."""
    needs: State = State()
    leads_to: State = State()
    takes: Takes = Takes()
    whole_body: bool = False
    """Whether it moves the whole body, with the joints that carry the robot, as animations do."""
    card: CardSize = "full"
    """The smallest API card that shows it."""

    @property
    def speech(self) -> bool:
        """Whether it is allowed after a refusal."""
        return self.effect == "speech"

    @property
    def walks(self) -> bool:
        """Whether it moves the robot, so that positions seen before no longer hold."""
        return self.effect == "walk"


class Service(Entry):
    """A service of the robot."""

    doc: Line
    methods: list[Method]

    @cached_property
    def by_name(self) -> dict[str, tuple[Method, ...]]:
        """Overloads of each method."""
        names = dict.fromkeys(method.name for method in self.methods)
        return {name: tuple(method for method in self.methods if method.name == name) for name in names}


class Call(Entry):
    """A call that the robot gateway makes on its own account; programs need not be offered it."""

    service: Identifier
    method: Identifier
    args: list[Any] = Field(default_factory=list)


class Control(Entry):
    """How the gateway keeps a robot in hand. Where a call is None, the robot has nothing of the kind."""

    stop: Annotated[list[Call], Field(min_length=1)]
    """Silence and still the robot, all sent at once. Whether the first was heard says whether the robot could be told;
    services that a robot lacks are passed over."""
    walking: Call | None = None
    """Whether the base is moving: True or False."""
    hold: Call | None = None
    """Stills all joints of a robot that does not walk."""
    hold_walking: Call | None = None
    """Stills the joints that a walking robot does not stand on."""
    end: Call | None = None
    """Sent when a behaviour has ended, so that nothing goes on that it left going, such as a walk."""
    wake: Call | None = None
    """Switches the motors on, for the suggestion to a program that forgot it."""
    position: Call | None = None
    """Odometry: [x, y, theta] in metres and radians."""
    limits: Call | None = None
    """With a joint's name as one more argument: [[min, max, top speed, …]] in that joint's unit."""
    posture: Call | None = None
    """The name of the posture that the robot is in."""
    awake: Call | None = None
    """Whether its motors are on."""
    battery: Call | None = None
    """Its charge in per cent."""
    fallen: Call | None = None
    """An object whose ``signal`` says that the robot has fallen."""
