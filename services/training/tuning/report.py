"""What a run came to: report.json for programs, model_card.md for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.training.tuning.loop import Progress
from services.training.tuning.plan import Plan

_REPORT = "report.json"


def read(out: Path) -> dict[str, Any] | None:
    """The report of a run that is done; None if it is not."""
    path = out / _REPORT
    told: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return told


def write(
    out: Path,
    *,
    plan: Plan,
    base: str,
    steps: int,
    progress: Progress,
    adapter_loss: float,
    rows: tuple[int, int],
    dataset: str,
) -> dict[str, Any]:
    """Write both and return the report.

    Args:
        out: folder of the run.
        plan: of the run.
        base: name of the model.
        steps: that the epochs come to.
        progress: at the end.
        adapter_loss: on the validation split, in nats a token, of the model with the adapter added.
        rows: to train on and to validate with.
        dataset: SHA-256 of its file.
    """
    told = {
        "base": base,
        "plan": asdict(plan),
        "dataset_sha256": dataset,
        "training_rows": rows[0],
        "validation_rows": rows[1],
        "steps_planned": steps,
        "steps": progress.step,
        "stopped_early": progress.waited >= plan.patience,
        "tokens": progress.tokens,
        "minutes": round(progress.used_s / 60, 2),
        "validation_loss": {
            "at_start": round(progress.at_start, 4),
            "trained": round(progress.best, 4),
            "adapter": round(adapter_loss, 4),
        },
        "adapter_bytes": (out / "adapter" / "adapter_model.safetensors").stat().st_size,
        "machine": json.loads((out / "machine.json").read_text(encoding="utf-8")),
    }
    (out / "model_card.md").write_text(_card(told), encoding="utf-8")
    (out / _REPORT).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return told


def _card(told: dict[str, Any]) -> str:
    plan, loss, machine = told["plan"], told["validation_loss"], told["machine"]
    ways = {
        "full": f"every linear layer in full, then the LoRA of rank {plan['rank']} that comes nearest to the change",
        "lora": f"LoRA of rank {plan['rank']} on every linear layer",
    }
    gpus = "; ".join(machine["gpus"]) or "none"
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    early = ", stopped early" if told["stopped_early"] else ""
    rows = {
        "model": told["base"],
        "method": ways[plan["method"]],
        "adapter": f"{told['adapter_bytes'] / 1e6:.1f} MB",
        "dataset": f"SHA-256 {told['dataset_sha256']}",
        "trained on": f"{told['training_rows']} rows, of pairs of {plan['longest']} tokens at most",
        "steps": f"{told['steps']} of {told['steps_planned']}{early}, {plan['tokens_per_step']} tokens each",
        "learning rate": f"{plan['learning_rate']:g}, warm-up {plan['warm_up']:.0%}, cosine to a twentieth",
        "weight decay": f"{plan['weight_decay']:g}",
        "seed": plan["seed"],
        "time": f"{told['minutes']} minutes, {told['tokens'] / max(1.0, 60 * told['minutes']):.0f} tokens/s",
        "validation loss before training": f"{loss['at_start']:.4f} nats a token",
        "validation loss of the trained weights": f"{loss['trained']:.4f}",
        "validation loss with the adapter": f"{loss['adapter']:.4f}",
        "processor": f"{machine['processor']}, {machine['cores']} threads, {machine['memory_gib']} GiB",
        "GPU": gpus,
        "system": f"{machine['system']}, Python {machine['python']}",
        "libraries": libraries,
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]) + "\n"
