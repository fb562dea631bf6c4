"""What every backend offers, and the errors that it may raise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from services.backends.config import BackendConfig


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One generation: chat ``messages`` in OpenAI's shape, or the text of a ``prompt``, and how to sample the answer.

    At temperature 0 the likeliest token is taken each time. ``grammar`` is GBNF text that the answer must match, and
    ``regex`` a regular expression for servers that take none but those; a backend leaves out what it cannot tell its
    server. ``adapter`` is the name of a LoRA of the server. ``trace`` is W3C trace context (traceparent, tracestate),
    which goes to the server as header fields.
    """

    messages: list[dict[str, Any]]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    stop: list[str] = field(default_factory=list)
    grammar: str | None = None
    regex: str | None = None
    prompt: str | None = None
    top_p: float | None = None
    top_k: int | None = None
    adapter: str | None = None
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer: never empty, one token or as many as arrived together."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is complete. Tokens are as the engine counted them, 0 where it does not tell."""

    reason: Literal["stop", "length"]
    model: str
    prompt_tokens: int
    completion_tokens: int

    def __post_init__(self) -> None:
        """Raises TypeError for what a server should not have said, before it reaches a document."""
        counts = (self.prompt_tokens, self.completion_tokens)
        if not isinstance(self.model, str) or any(type(count) is not int or count < 0 for count in counts):
            raise TypeError(f"no model and usage: {self.model!r}, {counts!r}")


class Backend(Protocol):
    """An LLM server. It belongs to the event loop in which it is first used."""

    config: BackendConfig

    async def ready(self) -> bool:
        """True if the server answers that it can generate now; never raises for a server that is away."""

    def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        """Yield deltas as they arrive and one ``Finish`` last.

        Closing the generator (``contextlib.aclosing``) or cancelling its task ends the generation in the server too.
        Raises a ``BackendError``; the deltas yielded before it are then an incomplete answer.
        """

    async def close(self) -> None:
        """Close every connection. Closing twice is allowed."""


class BackendError(Exception):
    """A generation failed. ``code`` is stable and for programs; ``message`` is a sentence for people."""

    code: ClassVar[str] = "backend.failed"

    def __init__(self, message: str) -> None:
        # What a server says may hold half a character, which nothing can write down.
        self.message = message.encode(errors="replace").decode()
        super().__init__(self.message)


class Overloaded(BackendError):
    """The server, or our cap on its concurrency, has no room now: worth another try later."""

    code = "backend.overloaded"


class Invalid(BackendError):
    """The server says that the request itself is wrong: another try would fail alike."""

    code = "backend.invalid"


class Unavailable(BackendError):
    """The server cannot be reached, or the connection to it was lost: worth another try."""

    code = "backend.unavailable"


class Failed(BackendError):
    """The server took the request and failed at it."""

    code = "backend.failed"


class TimedOut(BackendError):
    """No connection, no first token or no next token came in time."""

    code = "backend.timeout"
