"""Step c: engines on the GPU with one model and the same prompts, from one request at a time to hundreds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from services.engines.static_batch.items import Item, Piece
from services.training.gpu.adapters import candidates
from services.training.gpu.context import Context, free
from services.training.gpu.ledger import Ledger
from services.training.gpu.power import Power
from services.training.gpu.programs import generate_timed
from services.training.tuning import adapter, model

#: When each token of an answer came, by ``time.perf_counter``; the burst of requests began at 0.
Times = list[list[float]]
#: Answers prompts that come together.
Burst = Callable[[Sequence[list[int]]], Times]
_SERVED = "served"
_BURST_S = 120.0


def compare_engines(context: Context, ledger: Ledger) -> None:
    """Do what is left of the step. Raises Stop."""
    ledger.do("the model", lambda: serve_folder(context))
    with ExitStack() as loaded:
        bursts: dict[str, Burst] = {}
        for together in context.sizes.concurrencies:
            for name, engine in ENGINES.items():

                def work(name: str = name, engine: Any = engine, together: int = together) -> dict[str, Any]:
                    if name not in bursts:
                        bursts[name] = loaded.enter_context(engine(context, context.out / _SERVED))
                    return _measure(context, bursts[name], together)

                ledger.do(f"{name}, {together}", work, needs_s=10)
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


def _measure(context: Context, burst: Burst, together: int) -> dict[str, Any]:
    """Some bursts of one size, after one that warms up."""
    prompts = context.bundle.prompts()["test"]
    chosen = [prompts[number % len(prompts)]["tokens"] for number in range(together)]
    burst(chosen)
    if context.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    bursts = []
    with Power(context.device) as power:
        for _ in range(context.sizes.repeats):
            bursts.append(figures(burst(chosen)))
    return {
        "together": together,
        "prompt_tokens": sum(map(len, chosen)),
        "bursts": bursts,
        "tokens_per_s": statistics.median(one["tokens_per_s"] for one in bursts),
        "torch_memory_gib": torch.cuda.max_memory_allocated() / 2**30 if context.device == "cuda" else None,
        "power": power.told,
    }


def figures(times: Times) -> dict[str, Any]:
    """Of one burst: output tokens a second; time to the first token; and from there the mean time of each other one.

    It is over with the last token: what an engine makes ready before and clears away afterwards does not count.
    """
    whole_s = max(one[-1] for one in times)
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


class Client:
    """Who asks our engine: nobody hangs up, and pieces are taken where they are yielded."""

    gone = False

    def deliver(self, pieces: Sequence[Piece | Exception]) -> None:
        """See ``items.Client``."""


@contextmanager
def our_static_batch(context: Context, folder: Path) -> Iterator[Burst]:
    """The decoder of our own server, without HTTP: rows leave their batch when they end."""
    from services.engines.static_batch.decoder import Decoder
    from services.engines.static_batch.model import Model
    from services.engines.static_batch.settings import EngineSettings

    loaded = Model(EngineSettings(model=str(folder), dtype="bfloat16"))
    decoder = Decoder(loaded)

    def burst(prompts: Sequence[list[int]]) -> Times:
        items = [Item(Client(), number, prompt, context.sizes.served_tokens) for number, prompt in enumerate(prompts)]
        began = time.perf_counter()
        # A step's tokens are known with its pieces, but parts of characters make none: each row has a token a step.
        steps: list[float] = []
        lengths = [0] * len(items)
        for pieces in _steps(decoder, items, steps, began):
            for item, piece in pieces:
                if piece.finish_reason:
                    lengths[item.index] = piece.completion_tokens
        return [steps[:length] for length in lengths]

    yield burst


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


@contextmanager
def transformers_generate(context: Context, folder: Path) -> Iterator[Burst]:
    """``generate`` of Transformers on one padded batch, which computes on for rows that have ended."""
    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).to(context.device).eval()
    end = AutoTokenizer.from_pretrained(folder).eos_token_id
    config = GenerationConfig(
        max_new_tokens=context.sizes.served_tokens, do_sample=False, eos_token_id=end, pad_token_id=end
    )

    def burst(prompts: Sequence[list[int]]) -> Times:
        written, steps = generate_timed(network, prompts, config)
        lengths = [row.index(end) + 1 if end in row else len(row) for row in written]
        return [steps[:length] for length in lengths]

    yield burst


@contextmanager
def transformers_continuous(context: Context, folder: Path) -> Iterator[Burst]:
    """Continuous batching of Transformers: rows join and leave at every step."""
    from transformers import ContinuousBatchingConfig

    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).to(context.device).eval()
    end = AutoTokenizer.from_pretrained(folder).eos_token_id
    network.set_attn_implementation("paged|sdpa")  # or it looks on the network for another one
    most, tokens = max(context.sizes.concurrencies), context.sizes.served_tokens
    # The cache that so many answers need, and not as much as there is memory, which the other engines have a part of.
    blocks = ContinuousBatchingConfig(num_blocks=64 + 4 * most, max_batch_tokens=max(512, 64 * most))
    manager = network.init_continuous_batching(
        generation_config=GenerationConfig(max_new_tokens=tokens, do_sample=False, eos_token_id=end, pad_token_id=end),
        continuous_batching_config=blocks,
    )
    if context.device == "cuda":
        manager.warmup()
    manager.start()

    def burst(prompts: Sequence[list[int]]) -> Times:
        manager.add_requests(inputs=list(prompts), max_new_tokens=tokens, record_timestamps=True)
        answers: list[Any] = []
        until = time.monotonic() + _BURST_S
        while len(answers) < len(prompts):
            answer = manager.get_result(timeout=1)
            if answer is not None and answer.is_finished():
                answers.append(answer)
            elif answer is None and (not manager.is_running() or time.monotonic() > until):
                raise RuntimeError(f"continuous batching gave {len(answers)} of {len(prompts)} answers")
        if failed := [answer.error for answer in answers if answer.error]:
            raise RuntimeError(failed[0])
        began = min(answer.created_time for answer in answers)
        return [[moment - began for moment in answer.timestamps] for answer in answers]

    try:
        yield burst
    finally:
        manager.stop(block=True, timeout=5)


ENGINES = {
    "our static batch": our_static_batch,
    "Transformers generate": transformers_generate,
    "Transformers continuous batching": transformers_continuous,
}
