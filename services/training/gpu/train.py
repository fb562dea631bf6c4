"""Step a: a full run with known-good settings, a search, the best of it for longer, and adapters of several ranks."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file

from services.engines.llamacpp.adapter import WEIGHTS_FILE
from services.training.gpu.adapters import note
from services.training.gpu.context import Context, free
from services.training.gpu.ledger import NO_GPU, Ledger, Skip, Stop
from services.training.gpu.trials import TRIED, Trials
from services.training.tuning import adapter, job, model
from services.training.tuning.loop import Interrupted, validation_loss
from services.training.tuning.model import Optimizer, losses
from services.training.tuning.plan import Plan

#: For an adapter that goes on from a distilled one: a tenth of what one learns with from nothing.
_POLISH_RATE = 4e-4
#: Of full weights, as on a CPU before; the steps there were a quarter as large.
_KNOWN_GOOD_RATE = 1e-3


def train(context: Context, ledger: Ledger) -> None:
    """Do what is left of the step. Raises Stop."""
    sizes = context.sizes
    eager = ledger.do("speed as it is", lambda: speed(context, compiled=False))
    compiled = ledger.do("speed compiled", lambda: speed(context, compiled=True), needs_s=45)
    base = Plan(
        learning_rate=_KNOWN_GOOD_RATE,
        rank=sizes.rank,
        epochs=sizes.epochs,
        minutes=sizes.first_minutes,
        tokens_per_step=sizes.tokens_per_step,
        longest=sizes.longest,
        pairs=sizes.pairs,
        validation_pairs=sizes.validation_pairs,
        validations=sizes.validations,
        compiled=bool(eager and compiled and compiled["tokens_per_s"] > eager["tokens_per_s"]),
    )
    run(context, ledger, "first", base)
    smaller(context, ledger, "first")
    search(context, ledger, base)
    best = best_plan(ledger, base)
    run(context, ledger, "best", replace(best, minutes=sizes.best_minutes))
    smaller(context, ledger, "best")
    for rank in sizes.smaller_ranks:
        polished = replace(
            base, method="lora", rank=rank, learning_rate=_POLISH_RATE, minutes=sizes.polish_minutes, compiled=False
        )
        run(context, ledger, f"polished-{rank}", polished, start="best")
    ledger.finish()


def speed(context: Context, *, compiled: bool, dtype: torch.dtype = torch.bfloat16) -> dict[str, Any]:
    """Tokens a second of full steps of training, the optimiser's part included. Raises Skip."""
    if compiled and context.device != "cuda":
        raise Skip(NO_GPU)
    free()
    sizes = context.sizes
    # Rows of one length in any case, so that both are given the same.
    plan = Plan(
        pairs=sizes.pairs or 4000, longest=sizes.longest, validation_pairs=sizes.validation_pairs, compiled=True
    )
    rows, _ = job.read_rows(plan, context.sources())
    batch = rows[: max(1, sizes.tokens_per_step // sizes.longest)]
    network = model.load(context.model, context.device).to(dtype)
    if compiled:
        model.compile_layers(network)
    optimizer = Optimizer(network, weight_decay=0.0)

    def step() -> float:
        began = time.perf_counter()
        for loss in losses(network, batch):
            loss.backward()
        float(optimizer.step(1e-6))
        return time.perf_counter() - began

    first_s = step()
    if context.device == "cuda":
        step()
    took = sorted(step() for _ in range(sizes.timed_steps))
    tokens = sum(len(row.tokens) for row in batch)
    told = {
        "tokens_per_step": tokens,
        "learnt_tokens": sum(row.learnt for row in batch),
        "row_tokens": sizes.longest,
        "first_step_s": round(first_s, 3),
        "step_s": [round(one, 5) for one in took],
        "tokens_per_s": tokens / took[len(took) // 2],
        "memory_gib": torch.cuda.max_memory_allocated() / 2**30 if context.device == "cuda" else None,
    }
    return told


def run(context: Context, ledger: Ledger, name: str, plan: Plan, start: str | None = None) -> None:
    """One training run from tokens to adapter; it goes on where it was. Raises Stop."""

    def work() -> dict[str, Any]:
        folder = context.out / "runs" / name
        from_adapter = context.out / "runs" / start / "adapter" if start is not None else None
        if from_adapter is not None and not adapter.is_in(from_adapter):
            raise RuntimeError(f"the run {start} has no adapter")
        began = time.monotonic()
        try:
            told = job.train(plan, context.sources(from_adapter), folder, ledger.budget.over)
        except Interrupted:
            raise Stop from None
        finally:
            free()
        note(context.out, name, f"runs/{name}/adapter", plan.rank, told["validation_loss"]["adapter"])
        return {key: told[key] for key in ("plan", "steps", "tokens", "minutes", "validation_loss")} | {
            "with_all_around_it_s": round(time.monotonic() - began, 1)
        }

    ledger.do(name, work)


def smaller(context: Context, ledger: Ledger, name: str) -> None:
    """Of a run in full, the adapters of smaller ranks, with their losses. Raises Stop."""

    def work(rank: int) -> dict[str, Any]:
        folder = context.out / "runs" / name / "adapter"
        if not adapter.is_in(folder):
            raise RuntimeError(f"the run {name} has no adapter")
        plan = Plan(pairs=1, longest=context.sizes.longest, validation_pairs=context.sizes.validation_pairs)
        _, valid = job.read_rows(plan, context.sources())
        network = model.load(context.model, context.device)
        heads = (network.config.num_attention_heads, network.config.num_key_value_heads)
        place = f"adapters/{name}-{rank}"
        adapter.save(
            adapter.cut(load_file(folder / WEIGHTS_FILE), rank), rank, context.bundle.manifest["base"], heads,
            context.out / place,
        )  # fmt: skip
        adapter.add(network, context.out / place)
        loss = validation_loss(network, valid, context.sizes.tokens_per_step)
        note(context.out, f"{name}-{rank}", place, rank, loss)
        del network
        free()
        return {"validation_loss": {"adapter": round(loss, 4)}}

    if ledger.results().get(name, {}).get("plan", {}).get("method") == "full":
        for rank in context.sizes.smaller_ranks:
            ledger.do(f"{name}-{rank}", functools.partial(work, rank))


def search(context: Context, ledger: Ledger, base: Plan) -> None:
    """Short runs of equal length with other hyper-parameters. Raises Stop."""
    trials = Trials(context, base)
    for number, tried in enumerate(TRIED[: context.sizes.trials], start=1):
        ledger.do(
            f"trial {number}",
            functools.partial(trials, tried, number, ledger.budget.over),
            needs_s=60 * context.sizes.trial_minutes,
        )
    trials.forget()


def best_plan(ledger: Ledger, base: Plan) -> Plan:
    """The plan of the trial with the lowest loss; the known-good one without any."""
    found = [told for name, told in ledger.results().items() if name.startswith("trial ")]
    if not found:
        return base
    best = min(found, key=lambda told: float(told["validation_loss"]))
    return replace(base, **best["tried"])
