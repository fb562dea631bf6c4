"""From fine-tuned weights to a LoRA adapter, and from that to the form that llama.cpp reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFWriter
from safetensors.torch import load_file, save_file

from services.training.tuning.model import LINEAR

_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"
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
    for name, weight in after.items():
        if not any(f".{part}." in name for part in LINEAR):
            continue
        change = weight.float() - before[name].float()
        left, values, right = torch.linalg.svd(change, full_matrices=False)
        root = values[:rank].sqrt()
        layer = f"base_model.model.{name.removesuffix('.weight')}"
        made[f"{layer}.lora_A.weight"] = (root[:, None] * right[:rank]).to(torch.float16).contiguous()
        made[f"{layer}.lora_B.weight"] = (left[:, :rank] * root).to(torch.float16).contiguous()
    return made


def save(weights: Mapping[str, torch.Tensor], rank: int, base: str, folder: Path) -> None:
    """Write an adapter as peft does, for TGI, vLLM, TensorRT-LLM and Transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(weights), folder / _WEIGHTS, metadata={"format": "pt"})
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


def to_gguf(folder: Path, heads: int, key_heads: int, path: Path) -> None:
    """Write the adapter in ``folder`` as a GGUF file for llama.cpp; the model has so many heads, and heads of keys."""
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    for name, weight in load_file(folder / _WEIGHTS).items():
        layer, part, side = name.split(".")[-5:-4][0], name.split(".")[-3], name.split(".")[-2]
        number = name.split(".layers.")[1].split(".")[0]
        del layer
        array = weight.to(torch.float16).numpy()
        if side == "lora_B" and part in ("q_proj", "k_proj"):
            array = _interleaved(array, heads if part == "q_proj" else key_heads)
        writer.add_tensor(f"blk.{number}.{_GGUF[part]}.weight.{side.lower()}", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(rows: np.ndarray, heads: int) -> np.ndarray:
    """The rows of queries or keys in llama.cpp's order, which turns neighbouring numbers where Transformers turns halves."""
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
