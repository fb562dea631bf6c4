"""From fine-tuned weights to a LoRA adapter, in the form of peft's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from services.engines.llamacpp.adapter import CONFIG_FILE, HEADS, KEY_HEADS, WEIGHTS_FILE
from services.training.tuning.model import LINEAR


def distil(changes: Mapping[str, torch.Tensor], rank: int) -> dict[str, torch.Tensor]:
    """The LoRA of a rank that comes nearest to what fine-tuning changed: its largest singular values, layer by layer.

    Args:
        changes: of the linear layers' weights, by name, [out, in].
        rank: of the adapter, whose alpha is equal to it, so that nothing is scaled.
    """
    made = {}
    torch.manual_seed(0)  # the sketches are random: the same ones whenever it is done
    for name, change in changes.items():
        # A sketch of some more dimensions finds them as exactly as is needed, in a tenth of the time of a whole one.
        left, values, right = torch.svd_lowrank(change, q=min(*change.shape, 2 * rank), niter=4)
        root = values[:rank].sqrt()
        layer = f"base_model.model.{name.removesuffix('.weight')}"
        made[f"{layer}.lora_A.weight"] = (root[:, None] * right.T[:rank]).to(torch.float16).contiguous()
        made[f"{layer}.lora_B.weight"] = (left[:, :rank] * root).to(torch.float16).contiguous()
    return made


def cut(weights: Mapping[str, torch.Tensor], rank: int) -> dict[str, torch.Tensor]:
    """Of an adapter that ``distil`` made, the one of a smaller rank: its singular values stand in falling order."""
    return {
        name: (weight[:rank] if ".lora_A." in name else weight[:, :rank]).contiguous()
        for name, weight in weights.items()
    }


def save(weights: Mapping[str, torch.Tensor], rank: int, base: str, heads: tuple[int, int], folder: Path) -> None:
    """Write an adapter as peft does, for TGI, vLLM, TensorRT-LLM and Transformers.

    Args:
        weights: by peft's names.
        rank: of the adapter, and its alpha.
        base: name of the model.
        heads: of the model, those of queries and those of keys: who makes another form of the adapter needs them.
        folder: where it goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    queries, keys = heads
    metadata = {"format": "pt", HEADS: str(queries), KEY_HEADS: str(keys)}
    save_file(dict(weights), folder / WEIGHTS_FILE, metadata=metadata)
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors lets nobody else read it, such as the user of a container
    config = {
        "base_model_name_or_path": base,
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(LINEAR),
        "task_type": "CAUSAL_LM",
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def is_in(folder: Path) -> bool:
    """Whether there is an adapter in ``folder``."""
    return (folder / CONFIG_FILE).is_file() and (folder / WEIGHTS_FILE).is_file()


def changes(folder: Path) -> dict[str, torch.Tensor]:
    """What the adapter in ``folder`` changes, by the names of the model's weights, [out, in]."""
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    scale = config["lora_alpha"] / config["r"]
    loras = load_file(folder / WEIGHTS_FILE)
    made = {}
    for name, down in loras.items():
        if ".lora_A." in name:
            up = loras[name.replace(".lora_A.", ".lora_B.")]
            weight = name.removeprefix("base_model.model.").replace(".lora_A.", ".")
            made[weight] = up.float() @ down.float() * scale
    return made


def add(model: Any, folder: Path) -> None:
    """Add the adapter in ``folder`` to the weights of a model."""
    change = changes(folder)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in change:
                weight.add_(change[name].to(weight.device))
