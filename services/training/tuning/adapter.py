"""From fine-tuned weights to a LoRA adapter, and from that to the form that llama.cpp reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFWriter
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from services.training.tuning.model import LINEAR

_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"
#: What the file of the weights says of the model.
_HEADS = ("num_attention_heads", "num_key_value_heads")
#: The names that llama.cpp has for the linear layers of a Llama.
_GGUF = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def distil(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], rank: int) -> dict[str, torch.Tensor]:
    """The LoRA of a rank that comes nearest to what fine-tuning changed: its largest singular values, layer by layer.

    Args:
        before: weights by name, [out, in], as the model ships.
        after: the same after fine-tuning.
        rank: of the adapter, whose alpha is equal to it, so that nothing is scaled.
    """
    made = {}
    torch.manual_seed(0)  # the sketches are random: the same ones whenever it is done
    for name, weight in after.items():
        if not any(f".{part}." in name for part in LINEAR):
            continue
        change = weight.float() - before[name].float()
        # A sketch of some more dimensions finds them as exactly as is needed, in a tenth of the time of a whole one.
        left, values, right = torch.svd_lowrank(change, q=min(*change.shape, 2 * rank), niter=4)
        root = values[:rank].sqrt()
        layer = f"base_model.model.{name.removesuffix('.weight')}"
        made[f"{layer}.lora_A.weight"] = (root[:, None] * right.T[:rank]).to(torch.float16).contiguous()
        made[f"{layer}.lora_B.weight"] = (left[:, :rank] * root).to(torch.float16).contiguous()
    return made


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
    metadata = {"format": "pt", **dict(zip(_HEADS, map(str, heads), strict=True))}
    save_file(dict(weights), folder / _WEIGHTS, metadata=metadata)
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
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def is_in(folder: Path) -> bool:
    """Whether there is an adapter in ``folder``."""
    return (folder / _CONFIG).is_file() and (folder / _WEIGHTS).is_file()


def add(model: Any, folder: Path) -> None:
    """Add the adapter in ``folder`` to the weights of a model."""
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    scale = config["lora_alpha"] / config["r"]
    loras = load_file(folder / _WEIGHTS)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            layer = f"base_model.model.{name.removesuffix('.weight')}"
            if (down := loras.get(f"{layer}.lora_A.weight")) is not None:
                up = loras[f"{layer}.lora_B.weight"]
                weight.add_((up.float() @ down.float() * scale).to(weight.device))


def to_gguf(folder: Path, path: Path) -> None:
    """Write the adapter in ``folder``, which ``save`` has written, as a GGUF file for llama.cpp."""
    with safe_open(folder / _WEIGHTS, "pt") as file:
        heads, key_heads = (int(file.metadata()[name]) for name in _HEADS)
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    for name, weight in load_file(folder / _WEIGHTS).items():
        *_, number, _, part, side, _ = name.split(".")  # …model.layers.0.self_attn.q_proj.lora_A.weight
        array = weight.to(torch.float16).numpy()
        if side == "lora_B" and part in ("q_proj", "k_proj"):
            array = _interleaved(array, heads if part == "q_proj" else key_heads)
        writer.add_tensor(f"blk.{number}.{_GGUF[part]}.weight.{side.lower()}", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(rows: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """The rows of queries or keys in llama.cpp's order: it turns neighbours where Transformers turns the two halves."""
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
