"""What each view promises, said beside the view; ``/openapi.json`` is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE = "__operation__"


@dataclass(frozen=True)
class Media:
    """An answer or a body that is not one of our documents: its content types and what it holds."""

    types: tuple[str, ...]
    description: str
    schema: dict[str, Any] | None = None


EVENTS: Final = Media(
    ("text/event-stream",),
    "Events queued, started, step, statement, action and, as the last one, done, error or cancelled, whose data is "
    "the result document. With a second started what was shown before counts no more: another backend writes, or the "
    "same once more, to mend what its repairs tells. Reconnect with Last-Event-ID to go on where a stream broke off.",
    {"type": "string"},
)
ANY_JSON: Final = Media(("application/json",), "A JSON object.", {"type": "object"})


@dataclass(frozen=True)
class Operation:
    """One method of one route: what it takes, and what it answers by status (None: no content)."""

    summary: str
    answers: dict[int, type[BaseModel] | Media | None]
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | Media | None = None
    #: Query parameters and header fields, by the names under which ``openapi`` describes them.
    parameters: tuple[str, ...] = ()
    #: The shape of the router's own errors: problem documents, or what the API's clients read.
    errors: Literal["problem", "openai", "tgi"] = "problem"


def describes(operation: Operation) -> Callable[[View], View]:
    """Attach its description to a view."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """The description of a view, or None when it has none."""
    return getattr(view, _ATTRIBUTE, None)
