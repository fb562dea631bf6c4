"""What every dialect offers, and the errors that servers of all dialects share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic_core import from_json, to_json

from services.backends.base import BackendError, Failed, Finish, GenerationRequest, Invalid, Overloaded, Unavailable
from services.backends.config import BackendConfig

_ERROR_KINDS: dict[int, type[BackendError]] = {
    400: Invalid,
    413: Invalid,
    422: Invalid,
    429: Overloaded,
    502: Unavailable,
    503: Overloaded,
    504: Unavailable,
}
_MAX_CHARACTERS = 300
T = TypeVar("T")


class Call(NamedTuple):
    """One request to the server: POST, JSON, answered with an event stream."""

    path: str
    body: bytes


class Answer(Protocol):
    """What an event stream has said so far."""

    #: Whether the answer is complete: what may follow is of no interest.
    ended: bool

    def feed(self, chunk: bytes) -> str:
        """Take the next bytes (empty: the end) and return the text that they bring. Raises the error that they bring.

        What arrived together is handed on together: the engine's pace is kept, and each hand-over costs.
        """

    def finish(self) -> Finish:
        """How the answer ended. Raises a BackendError if it did not end well."""


class Dialect(Protocol):
    """How one kind of server is spoken to."""

    def encode(self, request: GenerationRequest) -> Call:
        """The call that makes the server generate. Raises Invalid for what the server cannot do."""

    def answer(self, request: GenerationRequest) -> Answer:
        """A reader for the answer to that call."""

    def refusal(self, status: int, body: bytes) -> BackendError:
        """The error that an answer with a status other than 200 stands for."""

    def cancel(self, call: Call) -> Call | None:
        """The call that ends a generation, or None where closing the connection does."""


def refusal(config: BackendConfig, status: int, body: bytes | str) -> BackendError:
    """The error that a status other than 200, and the body that came with it, stand for."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        document: object = from_json(text)
    except ValueError:
        document = text
    hint = f"; check the key in {config.name.upper()}_API_KEY_FILE" if status in (401, 403) else ""
    return _ERROR_KINDS.get(status, Failed)(f"{config.name} answered {status}: {_message(document)}{hint}")


def broken_off(config: BackendConfig, error: object) -> BackendError:
    """The error that came on a stream begun with 200: an error document, or an event that is none at all."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(error, dict) and code is None:
        code = error.get("http_status_code")
    kind = _ERROR_KINDS.get(code, Failed) if isinstance(code, int) else Failed
    return kind(f"{config.name} broke off its answer: {_message(error)}")


def understood(config: BackendConfig, step: Callable[[], T]) -> T:
    """Take a step in an answer; whatever a server should not have said is a failure of the server."""
    try:
        return step()
    except BackendError:
        raise
    except Exception as error:
        raise Failed(f"{config.name} sent what cannot be understood: {str(error)[:_MAX_CHARACTERS]!r}") from error


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON as servers get it."""
    return to_json(body)


def _message(document: object) -> str:
    """Find the sentence for people in an error document: servers disagree on where it is."""
    while isinstance(document, dict):
        document = next((document[key] for key in ("error", "message", "detail") if document.get(key)), str(document))
    text = " ".join(str(document).split()) or "no reason given"
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"
