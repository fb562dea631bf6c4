"""The beginning that prompts have in common, computed once for a batch and kept for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from services.engines.static_batch.items import common_length
from services.engines.static_batch.model import Model

# A shorter beginning is not worth a pass of its own through the model.
_WORTH_TOKENS = 32


class Prefix:
    """Keys and values of one beginning: the last that was worth computing. Its memory is that of one prompt."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tokens: list[int] = []
        self._layers: list[tuple[Any, Any]] = []
        # Layers that forget (sliding windows) or keep a state cannot be cut to a shorter beginning.
        self._can_be_cut = all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)

    def cache_for(self, prompts: Sequence[list[int]]) -> tuple[DynamicCache, int]:
        """A cache for a batch of these prompts that holds their beginning, and how many tokens of each that is.

        It leaves at least one token of each prompt to compute, whose scores are those of the first answered token.
        """
        common = min(common_length(prompts), min(map(len, prompts)) - 1)
        if not self._can_be_cut or common < _WORTH_TOKENS:
            return DynamicCache(config=self._model.config), 0
        kept = common_length([self._tokens, prompts[0][:common]])
        if kept < common / 2:
            self._compute(prompts[0][:common])
            kept = common
        rows = len(prompts)
        return DynamicCache(
            [(keys[..., :kept, :].expand(rows, -1, -1, -1), values[..., :kept, :].expand(rows, -1, -1, -1))
             for keys, values in self._layers],
            config=self._model.config,
        ), kept  # fmt: skip

    def _compute(self, tokens: list[int]) -> None:
        self._tokens, self._layers = [], []  # freed before the new ones are made, and gone if that fails
        cache = DynamicCache(config=self._model.config)
        ids = torch.tensor([tokens], device=self._model.device)
        self._model.forward(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._layers = [(layer.keys, layer.values) for layer in cache.layers if isinstance(layer, DynamicLayer)]
        self._tokens = tokens
