"""Training the adapter itself, by peft, instead of the weights that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model

from services.training.tuning.model import LINEAR


def prepare(network: Any, rank: int, start: Mapping[str, torch.Tensor] | None) -> None:
    """Put an adapter, which is then all that learns, at every linear layer.

    Args:
        network: the model.
        rank: of the adapter, and its alpha.
        start: its weights, by the names in an adapter's file; None for one that does not change anything yet.
    """
    config = LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=list(LINEAR), bias="none")
    inject_adapter_in_model(config, network)
    for name, weight in network.named_parameters():
        weight.requires_grad_(".lora_" in name)
        if weight.requires_grad:  # as exact as the rest, since the optimiser keeps exact copies
            given = weight.data if start is None else start[_in_file(name)].to(weight.device)
            weight.data = given.to(network.dtype)


def weights(learnt: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights that learnt, as they are called and kept in an adapter's file."""
    return {_in_file(name): weight.to(torch.float16).contiguous() for name, weight in learnt.items()}


def _in_file(name: str) -> str:
    return f"base_model.model.{name.replace('.default.', '.')}"
