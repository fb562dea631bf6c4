"""Step b: the programs that each adapter writes for the prompts, to be judged where there is a simulated robot."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoTokenizer, GenerationConfig, StoppingCriteria, StoppingCriteriaList

from services.training.gpu.adapters import candidates
from services.training.gpu.context import Context, free
from services.training.gpu.ledger import Ledger, Stop
from services.training.gpu.parts import write_json
from services.training.tuning import adapter, model

PROGRAMS = "programs"


def write_programs(context: Context, ledger: Ledger) -> None:
    """Do what is left of the step, the adapter of the lowest loss first. Raises Stop."""
    for name, told in candidates(context.out).items():
        ledger.do(f"{name} {told['sha256'][:8]}", functools.partial(_of_adapter, context, ledger, name, told), 20)
    ledger.finish()


def _of_adapter(context: Context, ledger: Ledger, name: str, told: dict[str, Any]) -> dict[str, Any]:
    """Greedy, without a grammar; the file is there when all suites are written."""
    network = model.load(context.model, context.device)
    adapter.add(network, context.out / told["folder"])
    network.eval()
    tokenizer = AutoTokenizer.from_pretrained(context.model)
    began, count = time.monotonic(), 0
    suites: dict[str, list[dict[str, Any]]] = {}
    # Of all suites together: a step takes a GPU about as long for a thousand rows as for one.
    prompts = [(suite, one) for suite in context.sizes.suites for one in context.prompts(suite)]
    prompts.sort(key=lambda one: len(one[1]["tokens"]))
    for start in range(0, len(prompts), context.sizes.batch):
        if ledger.budget.over():
            raise Stop
        some = prompts[start : start + context.sizes.batch]
        answers = generate(network, [one["tokens"] for _, one in some], context.sizes.new_tokens, tokenizer)
        for (suite, one), (text, tokens, ended) in zip(some, answers, strict=True):
            suites.setdefault(suite, []).append({"id": one["id"], "program": text, "tokens": tokens, "ended": ended})
            count += tokens
    took = time.monotonic() - began
    del network
    free()
    folder = context.out / PROGRAMS
    folder.mkdir(exist_ok=True)
    write_json(folder / f"{name}.json", {"candidate": name, **told, "suites": suites})
    return {"file": f"{PROGRAMS}/{name}.json", "tokens": count, "tokens_per_s": count / took}


def generate(
    network: Any, prompts: Sequence[list[int]], new_tokens: int, tokenizer: Any
) -> list[tuple[str, int, bool]]:
    """What a model writes for each prompt: the text, its tokens, and whether it ended by itself."""
    end = tokenizer.eos_token_id
    ids, mask = padded(prompts, end, network.device)
    config = GenerationConfig(max_new_tokens=new_tokens, do_sample=False, eos_token_id=end, pad_token_id=end)
    with torch.inference_mode():
        written = network.generate(input_ids=ids, attention_mask=mask, generation_config=config)[:, ids.shape[1] :]
    answers = []
    for row in written.tolist():
        ended = end in row
        tokens = row[: row.index(end)] if ended else row
        answers.append((tokenizer.decode(tokens, clean_up_tokenization_spaces=False), len(tokens) + ended, ended))
    return answers


class Clock(StoppingCriteria):  # type: ignore[misc]
    """Stops nothing: ``steps`` has when each step was done, in seconds from its making."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.steps: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """See StoppingCriteria."""
        if input_ids.is_cuda:
            torch.cuda.synchronize()
        self.steps.append(time.perf_counter() - self._began)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def generate_timed(network: Any, prompts: Sequence[list[int]], config: Any) -> tuple[list[list[int]], list[float]]:
    """What a model writes for each prompt, in tokens, and when each step was done."""
    ids, mask = padded(prompts, config.pad_token_id, network.device)
    clock = Clock()
    with torch.inference_mode():
        written = network.generate(
            input_ids=ids, attention_mask=mask, generation_config=config,
            stopping_criteria=StoppingCriteriaList([clock]),
        )[:, ids.shape[1] :]  # fmt: skip
    return written.tolist(), clock.steps


def padded(prompts: Sequence[list[int]], filler: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts as one batch, filled up on their left, and its attention mask."""
    longest = max(map(len, prompts))
    rows = [[filler] * (longest - len(prompt)) + prompt for prompt in prompts]
    masks = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(rows, device=device), torch.tensor(masks, device=device)
