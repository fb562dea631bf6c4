"""``python -m services.training.evaluation``: what the engine makes of a suite. Run it as scripts/evaluate."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from services.training.evaluation.variants import VARIANTS, Variant

_TRAINING = Path(__file__).resolve().parents[1]
_HANDWRITTEN = _TRAINING / "data" / "handwritten.jsonl"
_ADAPTER = _TRAINING / "adapter"
_REPORTS = _TRAINING.parents[1] / "reports"
_ITEM_LIMIT_S = 30.0
_LONGEST_WAIT_S = 120.0  # that the router allows

_DESCRIPTION = """\
Has the whole engine carry out a suite of instructions, as deployed and one after the other, and judges by simulation
what came of each. Several variants of the model are compared on the same items, each on a stack of its own.
"""

_EXAMPLES = """\
variants:
{variants}

examples:
  scripts/evaluate                                     the hand-written test set, all variants
  scripts/evaluate --limit 20 --variants tuned         a first look: 20 items drawn from it
  scripts/evaluate --adapter reports/finetune/adapter
  scripts/evaluate --suite DATASET.jsonl --limit 300   the test split of a dataset, with the calls of right programs

Answers are written to the folder --out as they come: a run that was interrupted goes on where it was when it is started
again with the same --out, and a run that is complete only has its report made anew. The folder gets report.html (one
file, for a browser), report.json (everything) and NAME.jsonl with the answers of each variant; the tables are printed
too. A failure, a crash and a time-out all count as not passed. docs/evaluation.md tells what the figures mean.

The hand-written set has 260 items; on 2 cores an item takes about 2 seconds. Times mean something only on a machine
that does nothing else. The first run of this or of scripts/quickstart installs the packages (about 190 MB) into
.venvs/.

exit status: 0 the report is made, however many items passed; 1 it is not, and standard error says why; 2 wrong usage;
130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation; return the exit status."""
    options = _parse(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the stack that was started ends with us
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # Here, because --help has to work where nothing is installed.
    from services.embedded.stack import StackError
    from services.training.evaluation.record import OtherRun
    from services.training.evaluation.run import run
    from services.training.judging.expectation import SuiteError

    try:
        print(run(options, lambda line: print(line, file=sys.stderr, flush=True)), flush=True)
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain about that once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror or error}", file=sys.stderr)
    except (SuiteError, OtherRun, StackError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\nInterrupted; --out {options.out} with the same options goes on where it was.", file=sys.stderr)
        return 130
    else:
        return 0
    return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    variants = "\n".join(f"  {variant.name:13} {variant.says}" for variant in VARIANTS.values())
    parser = argparse.ArgumentParser(
        prog="scripts/evaluate",
        description=_DESCRIPTION,
        epilog=_EXAMPLES.format(variants=variants),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--suite",
        default="handwritten",
        metavar="FILE",
        help="items or a dataset in JSON Lines (default: handwritten, the test set that comes with the project)",
    )
    parser.add_argument(
        "--adapter",
        default=str(_ADAPTER) if _ADAPTER.exists() else "none",
        metavar="PATH",
        help="LoRA adapter of the tuned variants; none: only the untuned ones (default: the one that comes with the "
        "project, if it does)",
    )
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, metavar="NAME", help="which, in this order (default: all)"
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="draw so many items (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn with (default: %(default)s)")
    parser.add_argument(
        "--item-limit",
        type=_seconds,
        default=_ITEM_LIMIT_S,
        metavar="SECONDS",
        help="an item that takes longer is cancelled and has failed (default: %(default)g)",
    )
    parser.add_argument(
        "--setting",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="a setting of the stack over those of the variants, as in LLAMACPP_MERGED_WEIGHTS=q4_0; may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: a new one in reports/")
    options = parser.parse_args(arguments)
    options.suite = _HANDWRITTEN if options.suite == "handwritten" else Path(options.suite)
    options.adapter = None if options.adapter == "none" else Path(options.adapter).resolve()
    options.variants = _variants(options.variants, options.adapter, parser)
    options.out = options.out or _REPORTS / time.strftime("evaluation-%Y%m%d-%H%M%S")
    if not options.suite.is_file():
        parser.error(f"there is no suite {options.suite}; give a file, or leave --suite out")
    if options.adapter is not None and not options.adapter.exists():
        parser.error(f"there is no adapter {options.adapter}; give a file, or none")
    return options


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or not name.isupper():
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; write one as in LLAMACPP_SLOTS=2")
    return name, value


def _variants(names: Sequence[str] | None, adapter: Path | None, parser: argparse.ArgumentParser) -> list[Variant]:
    """The variants in question. Without an adapter all means the untuned ones."""
    chosen = [VARIANTS[name] for name in dict.fromkeys(names or VARIANTS)]
    if adapter is not None:
        return chosen
    if names and (tuned := next((variant for variant in chosen if variant.tuned), None)):
        parser.error(f"{tuned.name} needs an adapter; give one with --adapter")
    return [variant for variant in chosen if not variant.tuned]


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number of items; use 1 or more")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0.0 < seconds <= _LONGEST_WAIT_S:
        return seconds
    raise argparse.ArgumentTypeError(f"{text} is not a limit; use seconds above 0 and up to {_LONGEST_WAIT_S:g}")


if __name__ == "__main__":
    status = main()
    from services.robot.process import exit_now

    exit_now(status)
