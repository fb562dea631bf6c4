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
#: Its first call goes out to the robot.
ACTING: dict[str, Any] = {"type": "acting"}
# One of these is the last message of a conversation, or a ``failed_message`` or a ``replaced_message``.
DONE: dict[str, Any] = {"type": "done"}
CANCELLED: dict[str, Any] = {"type": "cancelled"}
STOPPED: dict[str, Any] = {"type": "stopped"}


def action_message(action: Action) -> dict[str, Any]:
    return {"type": "action", **action.model_dump()}


def recording_message(recording: str) -> dict[str, Any]:
    """What a simulated robot did, see ``services.picture.recording``; comes before the final message."""
    return {"type": "recording", "recording": recording}


def failed_message(
    code: str,
    message: str,
    line: int | None = None,
    statement: str | None = None,
    suggestion: str | None = None,
) -> dict[str, Any]:
    return {
        "type": "failed",
        "code": code,
        "message": message,
        "line": line,
        "statement": statement,
        "suggestion": suggestion,
    }


def replaced_message(by: str) -> dict[str, Any]:
    """The behaviour called ``by`` has taken the robot."""
    return {"type": "replaced", "by": by}
