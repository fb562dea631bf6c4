"""Step d: what each optimisation brings on the GPU, before and after in turn, beside what the card can do at most."""

from __future__ import annotations

import functools
import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from services.training.gpu import train
from services.training.gpu.context import Context, free
from services.training.gpu.ledger import NO_GPU, Ledger, Skip
from services.training.gpu.limits import asked, decoding_floor_s, limits
from services.training.gpu.power import Power
from services.training.gpu.programs import generate_timed


def optimise(context: Context, ledger: Ledger) -> None:
    """Do what is left of the step. Raises Stop."""
    measured = ledger.do("limits", lambda: limits(context.device, context.sizes))
    ledger.do("training as it is", lambda: _training(context, measured, compiled=False))
    ledger.do("training compiled", lambda: _training(context, measured, compiled=True), 45)
    ledger.do("training in float32", lambda: _training(context, measured, compiled=False, dtype=torch.float32))
    for batch in context.sizes.batches:
        ledger.do(f"decoding {batch}", functools.partial(_decoding, context, measured, batch), 60)
    ledger.do("prefix", lambda: _prefix(context))
    ledger.finish()


def _training(
    context: Context, measured: dict[str, Any] | None, *, compiled: bool, dtype: torch.dtype = torch.bfloat16
) -> dict[str, Any]:
    with Power(context.device) as power:
        told = train.speed(context, compiled=compiled, dtype=dtype)
    demands = asked(
        AutoConfig.from_pretrained(context.model),
        row_tokens=told["row_tokens"],
        learnt_share=told["learnt_tokens"] / told["tokens_per_step"],
    )
    told |= {"dtype": str(dtype).removeprefix("torch."), "compiled": compiled, "power": power.told, "asked": demands}
    told["tflop_per_s"] = told["tokens_per_s"] * demands["training_flop_per_token"] / 1e12
    if measured is not None:
        told["share_of_limit"] = told["tflop_per_s"] / measured[f"{told['dtype']}_tflop_per_s"]
    return told


#: Ways of decoding: name, type of numbers, and what is said to ``generate``. Each is compared with the one before it.
_WAYS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("float32", "float32", {}),
    ("bfloat16", "bfloat16", {}),
    ("bfloat16, static cache", "bfloat16", {"cache_implementation": "static", "disable_compile": True}),
    ("bfloat16, static cache, compiled with CUDA graphs", "bfloat16", {"cache_implementation": "static"}),
)


def _decoding(context: Context, measured: dict[str, Any] | None, batch: int) -> dict[str, Any]:
    """Seconds of a step of each way, with so many rows. The ways take turns, so that what drifts drifts for all."""
    prompts = context.bundle.prompts()["test"]
    chosen = [prompts[number % len(prompts)]["tokens"] for number in range(batch)]
    free()
    networks: dict[str, Any] = {}
    for dtype in {dtype for _, dtype, _ in _WAYS}:
        loaded: Any = AutoModelForCausalLM.from_pretrained(context.model, dtype=getattr(torch, dtype))
        networks[dtype] = loaded.to(context.device).eval()
    end = AutoTokenizer.from_pretrained(context.model).eos_token_id
    took: dict[str, list[float]] = {}
    skipped: dict[str, str] = {}
    for repeat in range(context.sizes.repeats + 1):  # the first one warms up
        for name, dtype, how in _WAYS:
            if "CUDA" in name and context.device != "cuda":
                skipped[name] = f"skipped: {NO_GPU}"
            elif name not in skipped:
                try:
                    seconds = _step_s(networks[dtype], chosen, context.sizes.decoded_tokens, end, how)
                except Exception as error:  # one way that fails is told; the others go on
                    skipped[name] = f"failed: {type(error).__name__}: {error}"[:300]
                    took.pop(name, None)
                else:
                    if repeat:
                        took.setdefault(name, []).append(seconds)
    demands = asked(AutoConfig.from_pretrained(context.model), row_tokens=1, learnt_share=1)
    length = max(map(len, chosen)) + context.sizes.decoded_tokens / 2
    return {
        "rows": batch,
        "context_tokens": length,
        "ways": {
            name: {
                "step_s": took[name],
                "tokens_per_s": batch / statistics.median(took[name]),
                "share_of_limit": None
                if measured is None
                else decoding_floor_s(demands, measured, dtype, batch, length) / statistics.median(took[name]),
            }
            for name, dtype, _ in _WAYS
            if name in took
        },
        "skipped": skipped,
        "ratios": ratios([(name, took[name]) for name, _, _ in _WAYS if name in took]),
    }


def ratios(took: Sequence[tuple[str, list[float]]]) -> dict[str, dict[str, float]]:
    """How many times as fast each way is as the one before it: of the medians, and the least and most of the turns."""
    told = {}
    for (before, old), (after, new) in itertools.pairwise(took):
        turns = [one / other for one, other in zip(old, new, strict=True)]
        told[f"{after} for {before}"] = {
            "ratio": statistics.median(old) / statistics.median(new),
            "least": min(turns),
            "most": max(turns),
        }
    return told


def _step_s(network: Any, prompts: Sequence[list[int]], tokens: int, end: int, how: dict[str, Any]) -> float:
    """Seconds of a step, the median of all but the first, which reads the prompts."""
    config = GenerationConfig(
        max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, eos_token_id=end, pad_token_id=end, **how
    )
    _, steps = generate_timed(network, prompts, config)
    return statistics.median(after - before for before, after in itertools.pairwise(steps))


def _prefix(context: Context) -> dict[str, Any]:
    """Time to the first token of prompts with the robot's API before them, computed once for all and anew for each."""
    from services.engines.static_batch import prefix
    from services.engines.static_batch.decoder import Decoder
    from services.engines.static_batch.items import Item
    from services.engines.static_batch.model import Model
    from services.engines.static_batch.settings import EngineSettings
    from services.training.gpu.engines import Client

    if not context.bundle.prompts()["untuned"]:
        raise Skip("the bundle has no prompts with the API")
    free()
    loaded = Model(EngineSettings(model=str(context.model), dtype="bfloat16"))
    prompts = [one["tokens"] for one in context.prompts("untuned")]
    decoders = {"anew": Decoder(loaded), "kept": Decoder(loaded)}
    decoders["anew"]._prefix._can_be_cut = False  # as for models whose cache cannot be cut

    def first_token_s(decoder: Any) -> float:
        items = [Item(Client(), number, prompt, 1) for number, prompt in enumerate(prompts)]
        _wait(loaded.device)
        began = time.perf_counter()
        for _ in decoder.generate(items):
            pass
        return time.perf_counter() - began

    took: dict[str, list[float]] = {name: [] for name in decoders}
    for repeat in range(context.sizes.repeats + 1):
        for name, decoder in decoders.items():
            seconds = first_token_s(decoder)
            if repeat:
                took[name].append(seconds)
    return {
        "rows": len(prompts),
        "prompt_tokens": sum(map(len, prompts)) / len(prompts),
        "least_kept_tokens": prefix._WORTH_TOKENS,
        "seconds": took,
        "ratios": ratios([("anew", took["anew"]), ("kept", took["kept"])]),
    }


def _wait(device: Any) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
