"""``python -m services.training.gpu.run``: all that is done on the GPU machine. Run it as scripts/gpu/run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.training.gpu.place import BUNDLE

_DESCRIPTION = """\
On a machine with an NVIDIA GPU and torch, from this repository and the bundle of scripts/gpu/pack, without network:
fine-tuning and a search, programs for prompts, engines and optimisations compared. It ends by itself in time; the
same command goes on where it was.
"""
_EXAMPLES = """\
steps, in this order unless told otherwise:
  a  fine-tuning: a full run, a search, the best of it for longer, adapters of several ranks
  b  programs that each adapter writes, to be judged by scripts/gpu/collect
  c  engines, from one request to hundreds together
  d  optimisations before and after, with the limits of the card

examples:
  scripts/gpu/run --minutes 25 --out .gpu/out --send .gpu/send
  scripts/gpu/run --minutes 9 --of 25 --out .gpu/out --send SEND   one of several calls that make up 25 minutes
  scripts/gpu/run --minutes 0 --out .gpu/out --send SEND           only what is to be brought back next
  scripts/gpu/run --dry-run --out /tmp/out                         all of it on next to nothing, on a CPU

To --out it writes a.json to d.json with all figures and the machine; adapters and logs; and with --send, to a folder to
be brought back, as much as --send-mib allows, in files of 15 MiB at most: the figures always, then the adapters that
were not sent before, the lowest loss first.
exit status: 0 all is done; 3 the time was up or it was asked to stop, and the same command goes on; 4 some of it
failed, and the JSON says why; 1 it cannot be done, and standard error says why; 2 wrong usage.
"""
_STEPS = ("a", "b", "c", "d")
_DRY_MINUTES = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Do the steps; return the exit status."""
    options = _parse(argv)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from services.training.gpu.budget import Budget
    from services.training.gpu.bundle import unpack
    from services.training.gpu.parts import PartProblem
    from services.training.gpu.wheels import WheelProblem

    budget = Budget(options.minutes)
    budget.listen()
    try:
        bundle = unpack(options.bundle)
        options.out.mkdir(parents=True, exist_ok=True)
        status = _steps(options, bundle, budget) if options.minutes > 0 else 0
        if options.send is not None:
            from services.training.gpu.send import send

            for line in send(options.out, options.send, int(options.send_mib * 2**20)):
                print(line, file=sys.stderr)
    except (PartProblem, WheelProblem, _Problem, OSError) as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 1
    return status


class _Problem(Exception):
    """Why it cannot be, in one sentence."""


def _steps(options: argparse.Namespace, bundle: Any, budget: Any) -> int:
    import torch

    from services.training.gpu.context import Context, cut_model, machine
    from services.training.gpu.engines import compare_engines
    from services.training.gpu.ledger import Ledger, Stop, status_of
    from services.training.gpu.optimise import optimise
    from services.training.gpu.programs import write_programs
    from services.training.gpu.train import train

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.dry_run:
        raise _Problem("there is no NVIDIA GPU here: --dry-run goes through all of it on a CPU.")
    context = Context(bundle, _sizes(options), options.out, device)
    cut_model(context)
    made_on = machine(bundle.manifest["commit"])
    work = {"a": train, "b": write_programs, "c": compare_engines, "d": optimise}
    for step in options.steps:
        try:
            work[step](context, Ledger(step, options.out, budget, made_on))
        except Stop:
            break
    told = {step: status_of(options.out / f"{step}.json") or "not begun" for step in options.steps}
    print(", ".join(f"{step}: {status}" for step, status in told.items()), file=sys.stderr)
    if any(status in ("partial", "not begun") for status in told.values()):
        return 3
    return 4 if "failed in part" in told.values() else 0


def _sizes(options: argparse.Namespace) -> Any:
    """Those of the run in the folder; of a new one, those that the options ask for."""
    from services.training.gpu.parts import write_json
    from services.training.gpu.sizes import Sizes, tiny, whole

    path = options.out / "sizes.json"
    if path.exists():
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        told = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        return Sizes(**told)
    sizes = tiny() if options.dry_run else whole(options.of or options.minutes)
    write_json(path, asdict(sizes))
    return sizes


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/gpu/run",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, help="that this call may take; 0 only sends")
    parser.add_argument("--of", type=float, metavar="MINUTES", help="that all calls take together (default: --minutes)")
    parser.add_argument("--steps", default="a,b,c,d", help="which, in which order (default: %(default)s)")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, metavar="FOLDER", help="(default: .gpu)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="of the run")
    parser.add_argument("--send", type=Path, metavar="FOLDER", help="for what is to be brought back")
    parser.add_argument("--send-mib", type=float, default=60.0, help="in it at most (default: %(default)g)")
    parser.add_argument("--dry-run", action="store_true", help="next to nothing of everything; needs no GPU")
    options = parser.parse_args(argv)
    options.steps = options.steps.split(",")
    if unknown := [step for step in options.steps if step not in _STEPS]:
        parser.error(f"there is no step {unknown[0]!r}; there are {', '.join(_STEPS)}")
    if options.minutes is None and not options.dry_run:
        parser.error("say how long it may take: --minutes")
    options.minutes = _DRY_MINUTES if options.minutes is None else options.minutes
    options.out, options.bundle = options.out.resolve(), options.bundle.resolve()
    return options


if __name__ == "__main__":
    sys.exit(main())
