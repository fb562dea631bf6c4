"""What the card can do at most, as measured, and what the model asks of it: figures mean something beside these."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from services.training.gpu.sizes import Sizes

_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}


def limits(device: str, sizes: Sizes) -> dict[str, Any]:
    """Copying within the memory, bytes read plus bytes written, and products of matrices of random numbers."""
    size = sizes.copied_mib * 2**20
    copied = _copying_s(size, device, sizes.repeats)
    told: dict[str, Any] = {
        "device": device,
        "copy_gb_per_s": round(2 * size / copied / 1e9, 1),
        "copied_mib": sizes.copied_mib,
        "matrices": sizes.multiplied,
    }
    for name in ("bfloat16", "float32"):
        took = _multiplying_s(sizes.multiplied, getattr(torch, name), device, sizes.repeats)
        told[f"{name}_tflop_per_s"] = round(2 * sizes.multiplied**3 / took / 1e12, 3)
    return told


def _copying_s(size: int, device: str, repeats: int) -> float:
    source = torch.empty(size, dtype=torch.uint8, device=device).random_()
    target = torch.empty_like(source)
    return _seconds(lambda: target.copy_(source), device, repeats)


def _multiplying_s(size: int, dtype: torch.dtype, device: str, repeats: int) -> float:
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return _seconds(lambda: torch.mm(one, other), device, repeats)


def _seconds(work: Callable[[], Any], device: str, repeats: int) -> float:
    """The median of some repeats, after two that warm up; of a GPU by its own clock, ten times each."""
    for _ in range(2):
        work()
    took: list[float] = []
    for _ in range(max(3, repeats)):
        if device == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            for _ in range(10):
                work()
            end.record()
            end.synchronize()
            took.append(begin.elapsed_time(end) / 1e4)
        else:
            began = time.perf_counter()
            work()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def asked(config: Any, *, row_tokens: int, learnt_share: float) -> dict[str, float]:
    """Weights, floating-point operations and bytes for a token, of a model like Llama.

    Args:
        config: of the model.
        row_tokens: of a row that is trained on: each token is held against all of it.
        learnt_share: of the tokens of a row those that logits are made for.
    """
    hidden, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    keys = config.num_key_value_heads * head
    queries = config.num_attention_heads * head
    linear = layers * (2 * hidden * queries + 2 * hidden * keys + 3 * hidden * inner)
    logits = config.vocab_size * hidden
    # Forwards, and backwards for inputs and weights; the logits' weights are not trained.
    trained = 6 * linear + 4 * logits * learnt_share + 12 * layers * queries * row_tokens
    return {
        "linear_weights": linear,
        "embedding_weights": logits,
        "training_flop_per_token": trained,
        "decoding_flop_per_token": 2 * (linear + logits),
        "decoding_weights_read": linear + logits,
        "cache_numbers_per_token": 2 * layers * keys,
    }


def decoding_floor_s(
    demands: dict[str, float], measured: dict[str, Any], dtype: str, rows: int, context_tokens: float
) -> float:
    """The least time of a step that decodes one token of each row: of bytes and operations what takes longer.

    Weights are read once a step, keys and values of the tokens so far once for each row.
    """
    size = _BYTES[dtype]
    moved = size * (demands["decoding_weights_read"] + rows * context_tokens * demands["cache_numbers_per_token"])
    rate: float = measured["float32_tflop_per_s" if dtype == "float32" else "bfloat16_tflop_per_s"]
    # A copy reads and writes; a step only reads, so the bytes of both count.
    bandwidth: float = measured["copy_gb_per_s"]
    return max(moved / (bandwidth * 1e9), rows * demands["decoding_flop_per_token"] / (rate * 1e12))
