"""``python -m services.training.tuning``: from the dataset to the adapter that ships. Run it as scripts/finetune."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.training.dataset.place import DATASET, FOLDER, PAIRS, ROOT, SEED
from services.training.tuning.plan import Plan

_DESCRIPTION = """\
Fine-tunes the small model on the dataset until it knows the robot's API by heart, and makes a LoRA adapter of what it
has learnt. Runs on an NVIDIA GPU where there is one, on the CPU otherwise. A run that was interrupted (Ctrl-C will do)
goes on where it was when the same command is given again. docs/finetuning.md says how it is done and why.
"""

_EXAMPLES = """\
examples:
  scripts/finetune                          the whole; hours on a CPU
  scripts/finetune --smoke                  every part of it in about a minute, of no use otherwise
  scripts/finetune --minutes 60             what can be had in an hour: the learning rate falls by the clock
  scripts/finetune --method lora --rank 32 --learning-rate 2e-3 --out reports/lora
  scripts/finetune --adapter OLD/adapter --dataset MORE.jsonl --out reports/second    goes on from an adapter
  scripts/finetune --search 12 --pairs 1000 --epochs 1    12 short runs with other hyper-parameters, compared

It writes to the folder --out: adapter/ (as peft does, for all engines; LLAMACPP_LORA_PATH tells llama.cpp of it),
report.json and model_card.md (figures), curves.svg, log.jsonl (each step) and machine.json (what it ran on).

The first run makes its Python environment (2 GB in .venvs/; with a GPU, CUDA's libraries on top), the model and the
dataset, if they are not there yet. PYTHON=/path/to/python chooses the Python (3.11 or 3.12, with pip).
exit status: 0 done; 1 it cannot be done, and standard error says why; 2 wrong usage; 130 interrupted.
"""

_MODEL = ROOT / ".venvs" / "model"
_BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
_OUT = ROOT / "reports"
#: Of the dataset made for it, so many that there are some to validate with.
_SMOKE_PAIRS = 300
_SMOKE: dict[str, Any] = {
    "pairs": 4,
    "validation_pairs": 4,
    "tokens_per_step": 192,
    "longest": 192,
    "epochs": 1.0,
    "validations": 1,
    "rank": 8,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see its help."""
    arguments = _parse(argv)
    # Here, because --help has to work where nothing is installed.
    from services.training.dataset.files import make
    from services.training.tuning.job import JobProblem, Sources, train
    from services.training.tuning.loop import Interrupted
    from services.training.tuning.search import search

    plan: Plan = arguments.plan
    stopping = _asked_to_stop()
    try:
        if arguments.dataset is None:
            folder = arguments.out / "dataset" if arguments.smoke else FOLDER
            arguments.dataset = folder / DATASET
            if not arguments.dataset.exists():
                print(f"Making the dataset in {folder} …", file=sys.stderr)
                make(folder, _SMOKE_PAIRS if arguments.smoke else PAIRS, SEED, processes=2)
        sources = Sources(arguments.dataset, arguments.model, arguments.base, arguments.adapter)
        if arguments.search is not None:
            search(arguments.search, plan, sources, arguments.out, stopping)
            print(f"The trials, the best one first, are in {arguments.out / 'search.md'}.", file=sys.stderr)
            return 0
        loss = train(plan, sources, arguments.out, stopping)["validation_loss"]
    except Interrupted:
        print("Interrupted: give the same command again to go on.", file=sys.stderr)
        return 130
    except (JobProblem, OSError) as problem:
        print(f"finetune: {problem}", file=sys.stderr)
        return 1
    print(
        f"Validation loss, in nats a token: {loss['at_start']:.4f} at the start, {loss['trained']:.4f} trained, "
        f"{loss['adapter']:.4f} with the adapter, which is in {arguments.out}.",
        file=sys.stderr,
    )
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, and the ``plan`` that they make."""
    parser = argparse.ArgumentParser(
        prog="scripts/finetune",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    of = Plan()
    where = parser.add_argument_group("from what, to where")
    where.add_argument("--out", type=Path, metavar="FOLDER", help="of the run (default: reports/finetune)")
    where.add_argument("--dataset", type=Path, metavar="FILE", help="(default: reports/dataset/dataset.jsonl)")
    where.add_argument("--model", type=Path, metavar="FOLDER", default=_MODEL, help="(default: .venvs/model)")
    where.add_argument("--base", default=_BASE, help=f"the model's name, for the adapter (default: {_BASE})")
    where.add_argument(
        "--adapter",
        type=Path,
        metavar="FOLDER",
        help="to go on from; the run's own then stands for both (default: the model as it ships)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--method",
        choices=("full", "lora"),
        default=of.method,
        help="full: all linear layers, of which the adapter is distilled; lora: the adapter itself, by peft "
        "(default: full)",
    )
    how.add_argument("--rank", type=int, default=of.rank, help=f"of the adapter (default: {of.rank})")
    how.add_argument("--learning-rate", type=float, default=of.learning_rate, help=f"(default: {of.learning_rate})")
    how.add_argument("--weight-decay", type=float, default=of.weight_decay, help=f"(default: {of.weight_decay})")
    how.add_argument("--tokens", type=int, default=of.tokens_per_step, help=f"a step (default: {of.tokens_per_step})")
    how.add_argument(
        "--longest", type=int, default=of.longest, help=f"pair, in tokens, that is trained on (default: {of.longest})"
    )
    how.add_argument("--seed", type=int, default=of.seed, help=f"(default: {of.seed})")
    much = parser.add_argument_group("how much")
    much.add_argument("--epochs", type=float, default=of.epochs, help=f"times through the data (default: {of.epochs})")
    much.add_argument("--minutes", type=float, help="end after so long, if the epochs take longer")
    much.add_argument("--pairs", type=int, help="train on so many pairs (default: all)")
    much.add_argument(
        "--validation-pairs", type=int, default=of.validation_pairs, help=f"(default: {of.validation_pairs})"
    )
    much.add_argument("--validations", type=int, default=of.validations, help=f"in the run (default: {of.validations})")
    much.add_argument("--search", type=int, metavar="TRIALS", help="compare so many runs with other hyper-parameters")
    much.add_argument("--smoke", action="store_true", help="try all of it on next to nothing")
    arguments = parser.parse_args(argv)
    arguments.plan = Plan(
        method=arguments.method,
        learning_rate=arguments.learning_rate,
        rank=arguments.rank,
        epochs=arguments.epochs,
        minutes=arguments.minutes,
        tokens_per_step=arguments.tokens,
        longest=arguments.longest,
        weight_decay=arguments.weight_decay,
        pairs=arguments.pairs,
        validation_pairs=arguments.validation_pairs,
        validations=arguments.validations,
        seed=arguments.seed,
    )
    if arguments.smoke:
        arguments.plan = replace(arguments.plan, **_SMOKE)
    name = "finetune-smoke" if arguments.smoke else "search" if arguments.search is not None else "finetune"
    arguments.out = arguments.out or _OUT / name
    return arguments


def _asked_to_stop() -> Callable[[], bool]:
    """Takes notice of SIGINT and SIGTERM, of which the second one ends the process as ever."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)
        print("\nStopping after this step …", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)


if __name__ == "__main__":
    sys.exit(main())
