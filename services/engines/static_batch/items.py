"""What is asked of the engine and what it answers, one prompt at a time; nothing here needs a model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from llguidance import LLMatcher

# Prompts shorter than this count as this long: padding them costs next to nothing.
_SHORT_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. ``temperature`` 0 takes the likeliest; ``top_k`` 0 and ``top_p`` 1 leave all in."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What one step brought for prompt ``index`` of a request; the last one tells why it ended."""

    index: int
    text: str
    finish_reason: Literal["stop", "length"] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Client(Protocol):
    """Who asked."""

    #: Read before each step: nothing is computed for those who are.
    gone: bool

    def deliver(self, pieces: Sequence[Piece | Exception]) -> None:
        """Take what one step brought, or why there will be no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One prompt of a request, in tokens, and what is wanted of its answer."""

    client: Client
    index: int
    prompt: list[int]
    max_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    stop: list[str] = field(default_factory=list)
    #: Follows the answer through its grammar, where it has one.
    matcher: LLMatcher | None = None


def next_batch(waiting: Sequence[Item], most: int, factor: float) -> list[Item]:
    """Who runs together: the one that waits longest, and in their order those whose prompts are about as long.

    The longest prompt of the batch has at most ``factor`` times the tokens of the shortest, since the shorter ones
    are padded to it.
    """
    batch: list[Item] = []
    shortest = longest = _length(waiting[0])
    for item in waiting:
        low, high = min(shortest, _length(item)), max(longest, _length(item))
        if high <= factor * low:
            batch.append(item)
            shortest, longest = low, high
            if len(batch) == most:
                break
    return batch


def _length(item: Item) -> int:
    return max(len(item.prompt), _SHORT_TOKENS)


def common_length(sequences: Sequence[Sequence[int]]) -> int:
    """How many tokens all the sequences begin with."""
    columns = zip(*sequences, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))


class StopText:
    """Hands text on up to the first stop string, holding back what may become one with the next tokens."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that is safe to hand on; ``stopped`` is true once a stop string came, which is not handed on."""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            safe, self._held = self._held[: min(found)], ""
            return safe
        cut = len(self._held) - max((self._overlap(stop) for stop in self._stops), default=0)
        safe, self._held = self._held[:cut], self._held[cut:]
        return safe

    def flush(self) -> str:
        """What was held back, when no more tokens come."""
        safe, self._held = self._held, ""
        return safe

    def _overlap(self, stop: str) -> int:
        """The most characters at the end of the text that begin ``stop``."""
        longest = min(len(stop) - 1, len(self._held))
        return next((size for size in range(longest, 0, -1) if self._held.endswith(stop[:size])), 0)
