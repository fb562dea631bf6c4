"""What worker and gateway say to each other on ``/v1/execute``: one JSON object a message."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from services.behavior.schema import Action, Document, Scene, WhenBusy

MAX_MESSAGE_BYTES = 1024 * 1024

Target = Literal["simulate", "robot"]


class Begin(Document):
    """The first message: which behaviour, on which robot, and what the robot perceives."""

    type: Literal["begin"]
    behavior: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    attempt: Annotated[int, Field(ge=1)] = 1
    """Which attempt at it this is: a later one takes the place of one that waits for a worker that is no more."""
    robot: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    target: Target
    scene: Scene = Field(default_factory=Scene)
    mode: Literal["atomic", "stream"] = "stream"
    """Whether nothing begins before the whole program is there and checked."""
    when_busy: WhenBusy = "wait"
    age_s: Annotated[float, Field(ge=0)] = 0.0
    """Seconds since it was accepted: an emergency stop that is younger holds for it too."""


class StatementMessage(Document):
    """A statement that passed the static checks; ``line`` is where it begins in the program."""

    type: Literal["statement"]
    line: Annotated[int, Field(ge=1)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class End(Document):
    """The program is complete."""

    type: Literal["end"]


class Cancel(Document):
    """Stop the behaviour, whatever it does."""

    type: Literal["cancel"]


FromWorker = Annotated[Begin | StatementMessage | End | Cancel, Field(discriminator="type")]
_from_worker: TypeAdapter[Begin | StatementMessage | End | Cancel] = TypeAdapter(FromWorker)


def parse(text: str) -> Begin | StatementMessage | End | Cancel:
    """Read a message from the worker; pydantic's ValidationError if it is none."""
    return _from_worker.validate_json(text)


#: The robot is this behaviour's from now on.
ACCEPTED: dict[str, Any] = {"type": "accepted"}
# One of these is the last message of a conversation, or one of those of the functions below that say so.
DONE: dict[str, Any] = {"type": "done"}
STOPPED: dict[str, Any] = {"type": "stopped"}
#: Stands for a ``cancelled_message`` until it is known whether the robot was stopped.
CANCELLED: dict[str, Any] = {"type": "cancelled"}


def begun_message(action: Action) -> dict[str, Any]:
    """A call goes out to the robot. Its ``action_message`` follows, unless gateway or robot are lost before."""
    return {"type": "begun", **action.model_dump()}


def action_message(action: Action) -> dict[str, Any]:
    """A call has ended."""
    return {"type": "action", **action.model_dump()}


def recording_message(recording: str) -> dict[str, Any]:
    """What a simulated robot did, see ``services.picture.recording``; comes before the final message."""
    return {"type": "recording", "recording": recording}


def cancelled_message(*, still: bool) -> dict[str, Any]:
    """The last message: it was cancelled. ``still``: whether the robot has answered to being stopped."""
    return {"type": "cancelled", "still": still}


def failed_message(
    code: str,
    message: str,
    line: int | None = None,
    statement: str | None = None,
    suggestion: str | None = None,
) -> dict[str, Any]:
    """The last message: why it was not carried out to its end."""
    return {
        "type": "failed",
        "code": code,
        "message": message,
        "line": line,
        "statement": statement,
        "suggestion": suggestion,
    }


def replaced_message(by: str) -> dict[str, Any]:
    """The last message: the behaviour called ``by`` has taken the robot."""
    return {"type": "replaced", "by": by}
