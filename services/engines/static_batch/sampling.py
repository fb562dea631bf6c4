"""Choosing the next token of each row of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from services.engines.static_batch.items import Sampling


def generator_for(sampling: Sampling, device: torch.device) -> torch.Generator:
    """The row's own random numbers: with a seed they do not depend on who else is in the batch."""
    generator = torch.Generator(device)
    if sampling.seed is None:
        generator.seed()
    else:
        generator.manual_seed(sampling.seed)
    return generator


def choose(
    logits: torch.Tensor, samplings: Sequence[Sampling], generators: Sequence[torch.Generator | None]
) -> list[int]:
    """One token for each row of ``logits`` (rows × vocabulary). Rows with a temperature need a generator."""
    tokens = logits.argmax(-1)
    rows = [row for row, sampling in enumerate(samplings) if sampling.temperature > 0]
    if rows:
        tokens[rows] = _sample(
            logits[rows].float(), [samplings[row] for row in rows], [generators[row] for row in rows]
        )
    chosen: list[int] = tokens.tolist()
    return chosen


def _sample(
    logits: torch.Tensor, samplings: Sequence[Sampling], generators: Sequence[torch.Generator | None]
) -> torch.Tensor:
    logits = logits / logits.new_tensor([sampling.temperature for sampling in samplings])[:, None]
    if any(sampling.top_k or sampling.top_p < 1 for sampling in samplings):
        logits = _restrict(logits, samplings)
    noise = torch.stack([torch.empty_like(logits[0]).exponential_(generator=generator) for generator in generators])
    # The likeliest of probability / exponential noise is a draw from the probabilities.
    return (logits.softmax(-1) / noise).argmax(-1)


def _restrict(logits: torch.Tensor, samplings: Sequence[Sampling]) -> torch.Tensor:
    """Rule out all but the ``top_k`` likeliest tokens, and of these all but the fewest that make up ``top_p``."""
    vocabulary = logits.shape[-1]
    ordered, order = logits.sort(-1, descending=True)
    ranks = torch.arange(vocabulary, device=logits.device)
    top_k = torch.tensor([sampling.top_k or vocabulary for sampling in samplings], device=logits.device)
    ordered = ordered.masked_fill(ranks >= top_k[:, None], -torch.inf)
    shares = ordered.softmax(-1)
    before = shares.cumsum(-1) - shares
    top_p = logits.new_tensor([sampling.top_p for sampling in samplings])
    # The first always stays. Sums of rounded shares can exceed 1: a top_p of 1 rules out nothing.
    out = (before >= top_p[:, None]) & (ranks > 0) & (top_p < 1)[:, None]
    return torch.empty_like(logits).scatter_(-1, order, ordered.masked_fill(out, -torch.inf))
