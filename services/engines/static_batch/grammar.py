"""Holding answers to a grammar, each row of a batch to its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from llguidance import LLMatcher, grammar_from
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from services.engines.static_batch.request import BadRequest


class Grammars:
    """Makes matchers for one model's vocabulary. A grammar is ready in milliseconds, and needs no cache."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self._tokenizer = from_tokenizer(tokenizer, max(vocabulary, len(tokenizer)))

    def matcher(self, grammar: str) -> LLMatcher:
        """What follows one answer to ``grammar``, in the notation of llama.cpp (GBNF) or Lark.

        Raises:
            BadRequest: it is neither.
        """
        try:
            matcher = LLMatcher(self._tokenizer, grammar_from("grammar", grammar))
        except ValueError as error:
            raise BadRequest(f"grammar: {error}") from None
        if problem := matcher.get_error():
            raise BadRequest(f"grammar: {problem}")
        return matcher


def constrain(logits: torch.Tensor, matchers: Sequence[LLMatcher | None]) -> torch.Tensor:
    """Rule out, in the rows that have a matcher, every token with which the answer would leave the grammar."""
    held = [(row, matcher) for row, matcher in enumerate(matchers) if matcher is not None]
    if not held:
        return logits
    words = allocate_token_bitmask(len(held), logits.shape[-1])
    for place, (_, matcher) in enumerate(held):
        fill_next_token_bitmask(matcher, words, place)
    bits = torch.from_numpy(words).to(logits.device)[:, :, None] >> torch.arange(32, device=logits.device)
    allowed = (bits & 1).bool().flatten(1)[:, : logits.shape[-1]]
    rows = [row for row, _ in held]
    logits = logits.clone()
    logits[rows] = logits[rows].masked_fill(~allowed, -torch.inf)
    return logits
