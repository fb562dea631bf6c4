"""A program as far as an engine has written it."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.backends.base import Finish
from services.behavior.program import Statement
from services.behavior.schema import PlanStep, Usage

_CHARACTERS_OF_A_TOKEN = 4


@dataclass
class Draft:
    """What was read and checked of one answer; times are milliseconds from the acceptance of its behaviour."""

    plan: list[PlanStep] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    refusal: str | None = None
    code: str = ""
    finish: Finish | None = None
    pieces: int = 0
    repaired: bool = False
    ttft_ms: float | None = None
    ttfs_ms: float | None = None

    @property
    def usage(self) -> Usage:
        """The tokens that the engine counted; none before its answer has ended."""
        if self.finish is None:
            return Usage()
        return Usage(prompt_tokens=self.finish.prompt_tokens, completion_tokens=self.finish.completion_tokens)

    def took(self, text: str) -> Usage:
        """The tokens of an answer that may have been broken off, and then never tells what it took.

        Args:
            text: what was read of it. Each piece of it is a token or several that came together.
        """
        if self.finish is not None:
            return self.usage
        return Usage(completion_tokens=max(self.pieces, len(text) // _CHARACTERS_OF_A_TOKEN))
