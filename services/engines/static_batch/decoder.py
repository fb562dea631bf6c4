"""Generating for one padded batch, token by token, so that each row can be answered as it goes and leave when it ends.

``model.generate`` would return when the last row ends, computing for the ended ones all the while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from tokenizers.decoders import DecodeStream
from transformers import DynamicCache

from services.engines.static_batch.grammar import constrain
from services.engines.static_batch.items import Item, Piece, StopText
from services.engines.static_batch.model import Model
from services.engines.static_batch.prefix import Prefix
from services.engines.static_batch.sampling import choose, generator_for


class Decoder:
    """Runs batches on a model, one at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._prefix = Prefix(model)

    @torch.inference_mode()
    def generate(self, items: Sequence[Item]) -> Iterator[list[tuple[Item, Piece]]]:
        """Yield what each step brings, until every row has ended or its client is gone."""
        rows = [_Row(item, self._model) for item in items]
        cache, mask, logits = self._read([row.item.prompt for row in rows])
        while True:
            logits = constrain(logits, [row.item.matcher for row in rows])
            tokens = choose(logits, [row.item.sampling for row in rows], [row.generator for row in rows])
            pieces = [(row.item, piece) for row, token in zip(rows, tokens, strict=True) if (piece := row.take(token))]
            if pieces:
                yield pieces
            staying = [number for number, row in enumerate(rows) if not (row.ended or row.item.client.gone)]
            if not staying:
                return
            if len(staying) < len(rows):
                index = torch.tensor(staying, device=self._model.device)
                cache.batch_select_indices(index)
                mask = mask[index]
            rows, tokens = [rows[number] for number in staying], [tokens[number] for number in staying]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)
            logits = self._step(torch.tensor(tokens, device=mask.device)[:, None], mask, cache)

    def _read(self, prompts: Sequence[list[int]]) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
        """Compute the prompts, padded on the left of what they do not have in common."""
        cache, common = self._prefix.cache_for(prompts)
        rests = [prompt[common:] for prompt in prompts]
        longest = max(map(len, rests))
        device = self._model.device
        ids = torch.tensor([[0] * (longest - len(rest)) + rest for rest in rests], device=device)
        mask = torch.tensor(
            [[1] * common + [0] * (longest - len(rest)) + [1] * len(rest) for rest in rests], device=device
        )
        return cache, mask, self._step(ids, mask, cache)

    def _step(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
        """The scores of each row's next token."""
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[-1] :]
        output = self._model.forward(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


class _Row:
    """One item in the batch: its text so far and whether it has ended."""

    def __init__(self, item: Item, model: Model) -> None:
        self.item = item
        self.ended = False
        self.generator = generator_for(item.sampling, model.device) if item.sampling.temperature > 0 else None
        self._model = model
        self._tokens = 0
        # The prompt's last token tells some tokenizers whether the answer begins with a space.
        self._stream = DecodeStream(item.prompt[-1:], skip_special_tokens=True)
        self._text = StopText(item.stop)

    def take(self, token: int) -> Piece | None:
        """What this token brings: nothing where it is only a part of a character or may begin a stop string."""
        self._tokens += 1
        end = token in self._model.end_tokens
        if self.item.matcher is not None and not end:
            self.item.matcher.consume_token(token)
        text = "" if end else self._text.feed(self._stream.step(self._model.tokenizer.backend_tokenizer, token) or "")
        self.ended = end or self._text.stopped or self._tokens >= self.item.max_tokens
        if not self.ended:
            return Piece(self.item.index, text) if text else None
        reason: Literal["stop", "length"] = "stop" if end or self._text.stopped else "length"
        text += self._text.flush()
        return Piece(self.item.index, text, reason, len(self.item.prompt), self._tokens)
