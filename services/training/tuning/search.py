"""A random search over hyper-parameters: short runs on a share of the pairs, compared by their adapters."""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.training.tuning.job import Sources, train
from services.training.tuning.plan import Plan

#: What is tried of each; a trial is one of the combinations.
SPACE: Mapping[str, Sequence[Any]] = {
    "method": ("full", "lora"),
    "learning_rate": (2e-4, 5e-4, 1e-3, 2e-3),
    "rank": (16, 32, 64),
    "tokens_per_step": (2048, 4096, 8192),
    "weight_decay": (0.0, 0.01, 0.1),
}


def trials(number: int, plan: Plan) -> list[Plan]:
    """So many different plans out of the space, drawn by the plan's seed, which in all else are as it is."""
    every = list(itertools.product(*SPACE.values()))
    drawn = random.Random(plan.seed).sample(every, min(number, len(every)))  # noqa: S311 - a choice of trials
    return [replace(plan, **dict(zip(SPACE, one, strict=True))) for one in drawn]


def search(number: int, plan: Plan, sources: Sources, out: Path, stopping: Callable[[], bool]) -> None:
    """Do the trials, each in a folder of its own, and after each write search.json and search.md, the best one first.

    Trials that were done before are not done again. Raises Interrupted and JobProblem.
    """
    done: list[dict[str, Any]] = []
    plans = trials(number, plan)
    for count, trial in enumerate(plans, start=1):
        words = ", ".join(f"{name} {getattr(trial, name)}" for name in SPACE)
        print(f"trial {count} of {len(plans)}: {words}", file=sys.stderr)
        told = train(trial, sources, out / f"trial-{count:02d}", stopping)
        done.append({"trial": count, **{name: told["plan"][name] for name in SPACE}, **_result(told)})
        done.sort(key=lambda one: (one["adapter_loss"], one["trial"]))
        (out / "search.json").write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
        (out / "search.md").write_text(table(done), encoding="utf-8")


def _result(told: Mapping[str, Any]) -> dict[str, Any]:
    loss = told["validation_loss"]
    return {"trained_loss": loss["trained"], "adapter_loss": loss["adapter"], "minutes": told["minutes"]}


def table(done: Sequence[Mapping[str, Any]]) -> str:
    """Trials as a Markdown table, in the order that they are given."""
    names = list(done[0])
    lines = [[name.replace("_", " ") for name in names], ["---"] * len(names)]
    lines += [[f"{value:g}" if isinstance(value, float) else str(value) for value in one.values()] for one in done]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
