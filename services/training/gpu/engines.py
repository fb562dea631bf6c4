"""Step c: engines on the GPU with one model and the same prompts, from one request at a time to hundreds."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from services.engines.static_batch.items import Item, Piece
from services.training.gpu.context import Context, candidates, free
from services.training.gpu.ledger import Ledger
from services.training.gpu.power import Power
from services.training.tuning import adapter, model

#: When each token of an answer came, by ``time.perf_counter``; the burst of requests began at 0.
Times = list[list[float]]
#: Answers prompts that come together.
Burst = Callable[[Sequence[list[int]]], Times]
_SERVED = "served"


def compare_engines(context: Context, ledger: Ledger) -> None:
    """Do what is left of the step. Raises Stop."""
    ledger.do("the model", lambda: serve_folder(context))
    folder = context.out / _SERVED
    for name, make in {
        "our static batch": our_static_batch,
        "Transformers generate": transformers_generate,
        "Transformers continuous batching": transformers_continuous,
    }.items():
        burst: list[Burst] = []
        for together in context.sizes.concurrencies:
            ledger.do(f"{name}, {together}", functools.partial(_measure, context, folder, make, burst, together))
        burst.clear()
        free()
    ledger.finish()


def serve_folder(context: Context) -> dict[str, Any]:
    """Write the model with the best adapter in its weights, in bfloat16, for all engines to load."""
    network = model.load(context.model, context.device)
    best = next(iter(candidates(context.out).items()), None)
    if best is not None:
        adapter.add(network, context.out / best[1]["folder"])
    network.save_pretrained(context.out / _SERVED)
    AutoTokenizer.from_pretrained(context.model).save_pretrained(context.out / _SERVED)
    free()
    return {"adapter": best[0] if best is not None else None, "dtype": "bfloat16"}


def _measure(
    context: Context, folder: Path, make: Callable[[Context, Path], Burst], made: list[Burst], together: int
) -> dict[str, Any]:
    """Some bursts of one size, after one that warms up. ``made`` keeps the engine for the next size."""
    if not made:
        made.append(make(context, folder))
    prompts = context.bundle.prompts()["test"]
    chosen = [prompts[number % len(prompts)]["tokens"] for number in range(together)]
    made[0](chosen)
    if context.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    bursts = []
    with Power(context.device) as power:
        for _ in range(context.sizes.repeats):
            began = time.perf_counter()
            times = made[0](chosen)
            bursts.append(figures(times, time.perf_counter() - began))
    return {
        "together": together,
        "prompt_tokens": sum(map(len, chosen)),
        "bursts": bursts,
        "tokens_per_s": statistics.median(one["tokens_per_s"] for one in bursts),
        "torch_memory_gib": torch.cuda.max_memory_allocated() / 2**30 if context.device == "cuda" else None,
        "power": power.told,
    }


def figures(times: Times, whole_s: float) -> dict[str, Any]:
    """Of one burst: output tokens a second; time to the first token; and from there the mean time of each other one."""
    firsts = [one[0] for one in times]
    others = [(one[-1] - one[0]) / (len(one) - 1) for one in times if len(one) > 1]
    tokens = sum(map(len, times))
    return {
        "tokens": tokens,
        "seconds": whole_s,
        "tokens_per_s": tokens / whole_s,
        "ttft_s": {"p50": statistics.median(firsts), "most": max(firsts)},
        "tpot_s": {"p50": statistics.median(others), "most": max(others)} if others else None,
    }


class _Client:
    """Who asks our engine: nobody hangs up, and pieces are taken where they are yielded."""

    gone = False

    def deliver(self, pieces: Sequence[Piece | Exception]) -> None:
        """See ``items.Client``."""


def our_static_batch(context: Context, folder: Path) -> Burst:
    """The decoder of our own server, without HTTP: rows leave their batch when they end."""
    from services.engines.static_batch.decoder import Decoder
    from services.engines.static_batch.model import Model
    from services.engines.static_batch.settings import EngineSettings

    loaded = Model(EngineSettings(model=str(folder), dtype="bfloat16"))
    decoder = Decoder(loaded)

    def burst(prompts: Sequence[list[int]]) -> Times:
        items = [Item(_Client(), number, prompt, context.sizes.served_tokens) for number, prompt in enumerate(prompts)]
        began = time.perf_counter()
        # A step's tokens are known with its pieces, but parts of characters make none: each row has a token a step.
        steps: list[float] = []
        lengths = [0] * len(items)
        for pieces in _steps(decoder, items, steps, began):
            for item, piece in pieces:
                if piece.finish_reason:
                    lengths[item.index] = piece.completion_tokens
        return [steps[:length] for length in lengths]

    return burst


def _steps(decoder: Any, items: list[Item], steps: list[float], began: float) -> Any:
    """The decoder's pieces; ``steps`` is told when each step was done, those that yield nothing too."""
    step = decoder._step

    def timed(*given: Any) -> Any:
        if given[0].shape[1] == 1 and steps_made[0]:  # the first call reads the prompts
            steps.append(time.perf_counter() - began)
        steps_made[0] += 1
        return step(*given)

    steps_made = [0]
    decoder._step = timed
    try:
        yield from decoder.generate(items)
        steps.append(time.perf_counter() - began)
    finally:
        decoder._step = step


def transformers_generate(context: Context, folder: Path) -> Burst:
    """``generate`` of Transformers on one padded batch, which computes on for rows that have ended."""
    from transformers import StoppingCriteria, StoppingCriteriaList

    from services.training.gpu.programs import padded

    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).to(context.device).eval()
    end = AutoTokenizer.from_pretrained(folder).eos_token_id
    config = GenerationConfig(
        max_new_tokens=context.sizes.served_tokens, do_sample=False, eos_token_id=end, pad_token_id=end
    )

    class Clock(StoppingCriteria):  # type: ignore[misc]
        """Stops nothing; tells when each step was done."""

        def __init__(self) -> None:
            self.began, self.steps = time.perf_counter(), list[float]()

        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            """See StoppingCriteria."""
            if input_ids.is_cuda:
                torch.cuda.synchronize()
            self.steps.append(time.perf_counter() - self.began)
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    def burst(prompts: Sequence[list[int]]) -> Times:
        clock = Clock()
        ids, mask = padded(prompts, end, context.device)
        with torch.inference_mode():
            written = network.generate(
                input_ids=ids, attention_mask=mask, generation_config=config,
                stopping_criteria=StoppingCriteriaList([clock]),
            )[:, ids.shape[1] :].tolist()  # fmt: skip
        lengths = [row.index(end) + 1 if end in row else len(row) for row in written]
        return [clock.steps[:length] for length in lengths]

    return burst


def transformers_continuous(context: Context, folder: Path) -> Burst:
    """Continuous batching of Transformers: rows join and leave at every step."""
    from transformers import ContinuousBatchingConfig

    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).to(context.device).eval()
    end = AutoTokenizer.from_pretrained(folder).eos_token_id
    config = GenerationConfig(
        max_new_tokens=context.sizes.served_tokens, do_sample=False, eos_token_id=end, pad_token_id=end
    )
    # On a CPU it would take most of the machine's memory for its cache.
    limits = {} if context.device == "cuda" else {"num_blocks": 64, "max_batch_tokens": 512}

    def burst(prompts: Sequence[list[int]]) -> Times:
        answers = network.generate_batch(
            inputs=list(prompts),
            generation_config=config,
            continuous_batching_config=ContinuousBatchingConfig(**limits),
            record_timestamps=True,
        )
        if failed := [answer.error for answer in answers.values() if answer.error]:
            raise RuntimeError(failed[0])
        began = min(answer.created_time for answer in answers.values())
        return [[moment - began for moment in answer.timestamps] for answer in answers.values()]

    return burst
