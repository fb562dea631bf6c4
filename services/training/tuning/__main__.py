"""Fine-tunes the small model on the dataset and makes the adapter that ships.

    python -m services.training.tuning --dataset DATASET.jsonl --model FOLDER --out FOLDER

Every linear layer is trained in full; the adapter is the LoRA that comes nearest to the change. A run that was
interrupted goes on where it was when it is started again with the same --out.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from services.training.machine import machine
from services.training.tuning import adapter, model
from services.training.tuning.examples import encode, pack, read_pairs
from services.training.tuning.loop import Plan, Run

_ROW = 512
#: Enough for the loss to two digits; each validation costs as much as so many pairs of training, or a third of that.
_VALIDATION_PAIRS = 200
_BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the adapter is written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="made by services.training.dataset.build")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model, as Transformers reads it")
    parser.add_argument("--adapter", type=Path, help="adapter to start from (default: the model as it is)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--pairs", type=int, help="train on so many pairs only")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--epochs", type=float, default=Plan.epochs)
    parser.add_argument("--learning-rate", type=float, default=Plan.learning_rate)
    parser.add_argument("--rows", type=int, default=Plan.rows_per_step, help=f"rows of {_ROW} tokens in a step")
    arguments = parser.parse_args(argv)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        learning_rate=arguments.learning_rate,
        epochs=arguments.epochs,
        rows_per_step=arguments.rows,
        seed=arguments.seed,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    (out / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n", encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    network = model.load(arguments.model, device)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters() if weight.requires_grad}
    if arguments.adapter is not None:
        adapter.add(network, arguments.adapter)
    rows, valid = (
        pack([encode(tokenizer, pair) for pair in pairs], _ROW, tokenizer.eos_token_id)
        for pairs in (_train(arguments), read_pairs(arguments.dataset, "validation")[:_VALIDATION_PAIRS])
    )
    print(f"{len(rows)} rows of {_ROW} tokens to train on, {len(valid)} to validate with, on {device}", file=sys.stderr)
    run = Run(network, rows, valid, plan, out)

    def keep(after: dict[str, torch.Tensor]) -> None:
        adapter.save(adapter.distil(before, after, arguments.rank), arguments.rank, _BASE, out / "adapter")

    best = run.train(keep)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.copy_(before.get(name, weight))
    adapter.add(network, out / "adapter")
    print(
        f"least validation loss {best:.4f} nats a token, {run.validation_loss():.4f} with the adapter, which is in "
        f"{out / 'adapter'}",
        file=sys.stderr,
    )
    return 0


def _train(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    pairs = read_pairs(arguments.dataset, "train")
    if arguments.pairs is not None:
        pairs = random.Random(arguments.seed).sample(pairs, min(arguments.pairs, len(pairs)))  # noqa: S311 - a choice of data
    return pairs


if __name__ == "__main__":
    sys.exit(main())
