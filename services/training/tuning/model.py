"""The model while it is trained, in bfloat16 where that is fast; the optimiser keeps exact copies of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from services.training.tuning.examples import Row

#: The weights that LoRA can stand for: every linear layer but the one that shares its weights with the embedding.
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def precision(device: str) -> torch.dtype:
    """What a device computes in: bfloat16, as good with exact copies, unless its processor has to imitate it."""
    knows = device != "cpu" or any(able for name, able in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
    return torch.bfloat16 if knows else torch.float32


def load(folder: Path, device: str) -> Any:
    """The model in a folder, of which only the linear layers learn."""
    disable_progress_bar()  # of the two seconds that this takes
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=precision(device), attn_implementation="sdpa").to(device)
    for name, weight in model.named_parameters():
        weight.requires_grad_(any(f".{part}." in name for part in LINEAR))
    model.train()
    return model


def compile_layers(model: Any) -> None:
    """Have the layers compiled when they are first used: all of them are one program, which takes less than the whole.

    A shape that has not been seen is another program: see ``as_they_are``.
    """
    for layer in model.model.layers:
        layer.compile()


def as_they_are() -> Any:
    """A context in which nothing is compiled, for shapes that come seldom."""
    return torch.compiler.set_stance("force_eager")


def losses(model: Any, rows: Sequence[Row]) -> Iterator[torch.Tensor]:
    """Sums that add up to the mean cross-entropy, in nats, of the tokens of the rows that are to be learnt.

    There is one for the rows of each length; who wants gradients goes back from each before the next one is made.
    Logits are made for the tokens to be learnt alone: with a vocabulary of 49,152 they cost a fifth of the model.
    """
    learnt = learnt_tokens(rows)
    for length in sorted({len(row.tokens) for row in rows}):
        yield _summed(model, [row for row in rows if len(row.tokens) == length]) / learnt


def learnt_tokens(rows: Sequence[Row]) -> int:
    """How many tokens of the rows are to be learnt."""
    return sum(row.learnt for row in rows)


def _summed(model: Any, rows: Sequence[Row]) -> torch.Tensor:
    numbers = torch.from_numpy(np.stack([row.numbers for row in rows], axis=1))  # [3, rows, length]
    wanted = numbers[2, :, 1:].flatten()
    places = (wanted != -100).nonzero().flatten()  # here, since a GPU would have to tell how many there are
    tokens, positions = numbers[:2].to(model.device, non_blocking=True)
    hidden = model.model(input_ids=tokens, position_ids=positions, use_cache=False).last_hidden_state[:, :-1]
    logits = model.lm_head(hidden.flatten(0, 1)[places.to(model.device)])
    return cross_entropy(logits.float(), wanted[places].to(model.device), reduction="sum")


class Optimizer:
    """AdamW on exact copies of the weights that learn."""

    def __init__(self, model: Any, *, weight_decay: float) -> None:
        learning = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self._names = list(learning)
        self._weights = list(learning.values())
        self._copies = [weight.detach().float().clone() for weight in self._weights]
        self._adam = torch.optim.AdamW(
            self._copies,
            lr=0.0,
            betas=(0.9, 0.98),
            weight_decay=weight_decay,
            fused=True if self._copies[0].is_cuda else None,
        )

    def step(self, learning_rate: float, largest_norm: float = 1.0) -> torch.Tensor:
        """Take a step with the gradients of the model, which are used up; returns their norm before it was cut."""
        for group in self._adam.param_groups:
            group["lr"] = learning_rate
        for weight, copy in zip(self._weights, self._copies, strict=True):
            copy.grad = weight.grad.float() if weight.grad is not None else None
            weight.grad = None
        norm = torch.nn.utils.clip_grad_norm_(self._copies, largest_norm)
        self._adam.step()
        with torch.no_grad():
            for weight, copy in zip(self._weights, self._copies, strict=True):
                weight.copy_(copy)
                copy.grad = None
        return norm

    def weights(self) -> dict[str, torch.Tensor]:
        """The exact weights, by name, in float32."""
        return dict(zip(self._names, self._copies, strict=True))

    def state(self) -> dict[str, Any]:
        """What has to be kept to go on later."""
        return {"copies": self._copies, "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that was kept."""
        with torch.no_grad():
            for weight, copy, kept in zip(self._weights, self._copies, state["copies"], strict=True):
                copy.copy_(kept)
                weight.copy_(kept)
        self._adam.load_state_dict(state["adam"])
