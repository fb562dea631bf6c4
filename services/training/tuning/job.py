"""One training run from the dataset to the adapter, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from services.training.machine import machine
from services.training.tuning import adapter, curves, lora, model, report
from services.training.tuning.examples import TOKENS, Example, Row, encode, pack, read_pairs, read_tokens
from services.training.tuning.loop import Run, validation_loss
from services.training.tuning.plan import Plan

_OPTIONS = "options.json"


class JobProblem(Exception):
    """Why a run cannot be, in one sentence that says what to do."""


@dataclass(frozen=True)
class Sources:
    """What a run starts from."""

    dataset: Path
    """In JSON Lines, or in tokens (``write_tokens``)."""
    model: Path
    """Folder, as Transformers reads it."""
    base: str
    """Name of the model, for those who load the adapter."""
    adapter: Path | None = None
    """Folder of an adapter that the run goes on from."""


def train(plan: Plan, sources: Sources, out: Path, stopping: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Train, write all that the run leaves in ``out``, and return its report; one that was done before is only read.

    Raises:
        Interrupted: it was asked to stop.
        JobProblem: the folder holds another run, or there is nothing to train on or to keep.
    """
    _check(sources)
    options = asdict(plan) | {
        "dataset": _digest(sources.dataset),
        "base": sources.base,
        "adapter": sources.adapter and str(sources.adapter),
    }
    _check_folder(out, options)
    if (finished := report.read(out)) is not None:
        return finished
    rows, valid = read_rows(plan, sources)
    out.mkdir(parents=True, exist_ok=True)
    (out / _OPTIONS).write_text(json.dumps(options, indent=2) + "\n", encoding="utf-8")
    (out / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n", encoding="utf-8")
    torch.manual_seed(plan.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = model.load(sources.model, device)
    if plan.compiled:
        model.compile_layers(network)
    before: dict[str, torch.Tensor] = {}
    if plan.method == "lora":
        start = adapter.changes(sources.adapter) if sources.adapter is not None else None
        lora.prepare(network, plan.rank, start and adapter.distil(start, plan.rank))
    else:
        before = {name: weight.detach().clone() for name, weight in network.named_parameters() if weight.requires_grad}
        if sources.adapter is not None:
            adapter.add(network, sources.adapter)
    print(
        f"{len(rows)} rows of pairs to train on, {len(valid)} to validate with, on {device}",
        file=sys.stderr,
    )

    config = network.config
    heads = (config.num_attention_heads, config.num_key_value_heads)

    def keep(after: dict[str, torch.Tensor]) -> None:
        if plan.method == "lora":
            made = lora.weights(after)
        else:
            made = adapter.distil({name: after[name] - before[name].float() for name in before}, plan.rank)
        adapter.save(made, plan.rank, sources.base, heads, out / "adapter")

    run = Run(network, rows, valid, plan, out)
    progress = run.train(keep, stopping=stopping)
    if math.isinf(progress.best):
        raise JobProblem("No validation had a loss that is a number: try again with a lower --learning-rate.")
    tuned = model.load(sources.model, device)
    adapter.add(tuned, out / "adapter")
    loss = validation_loss(tuned, valid, plan.tokens_per_step)
    curves.draw(out)
    told = report.write(  # last, since it is how a run is known to be done
        out,
        plan=plan,
        base=sources.base,
        steps=run.steps,
        progress=progress,
        adapter_loss=loss,
        rows=(len(rows), len(valid)),
        dataset=options["dataset"],
    )
    run.forget()
    return told


def _check(sources: Sources) -> None:
    """Say early what is not there, lest others look for it on the network."""
    if not sources.dataset.is_file():
        raise JobProblem(f"There is no dataset at {sources.dataset}: scripts/dataset makes one.")
    if not (sources.model / "config.json").is_file():
        raise JobProblem(f"There is no model in {sources.model}: it takes a folder as Transformers reads it.")
    if sources.adapter is not None and not adapter.is_in(sources.adapter):
        raise JobProblem(f"There is no adapter in {sources.adapter}: it takes the folder adapter/ of another run.")


def _check_folder(out: Path, options: Mapping[str, Any]) -> None:
    """See that the run in the folder, if there is one, is this one, lest it goes on with another one's state."""
    noted = out / _OPTIONS
    there = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else options
    if other := [name for name in options if there.get(name) != options[name]]:
        was = ", ".join(f"{name} {there.get(name)} and not {options[name]}" for name in other)
        raise JobProblem(f"{out} holds a run with {was}: give another --out, or remove that folder.")


def read_rows(plan: Plan, sources: Sources) -> tuple[list[Row], list[Row]]:
    """The rows to train on and those to validate with. Raises JobProblem if there are none."""
    tokenizer = AutoTokenizer.from_pretrained(sources.model)

    def examples(split: str, choose: Callable[[list[Any]], list[Any]]) -> list[Example]:
        if sources.dataset.suffix == TOKENS:
            return choose(read_tokens(sources.dataset, split))
        return [encode(tokenizer, pair) for pair in choose(read_pairs(sources.dataset, split))]

    def drawn(pairs: list[Any]) -> list[Any]:
        rng = random.Random(plan.seed)  # noqa: S311 - a choice of data
        return pairs if plan.pairs is None else rng.sample(pairs, min(plan.pairs, len(pairs)))

    rows, valid_rows = (
        pack(some, plan.longest, tokenizer.eos_token_id, one_length=plan.compiled)
        for some in (examples("train", drawn), examples("validation", lambda pairs: pairs[: plan.validation_pairs]))
    )
    if not rows or not valid_rows:
        raise JobProblem(
            f"{sources.dataset} has no pairs to train on or none to validate with that fit into "
            f"{plan.longest} tokens: make a larger one with scripts/dataset."
        )
    return rows, valid_rows


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
