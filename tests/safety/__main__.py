"""``python -m tests.safety``: attacks the engine and prints the figures of its safety. Run it as scripts/safety."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_EXAMPLES = """\
examples:
  scripts/safety                        all of it, two or three minutes
  scripts/safety --quick                fewer samples of everything, half a minute
  scripts/safety --dataset good.jsonl   looks for false alarms on the programs of another data set, too (JSON Lines
                                        with "program", and "robot" and "scene" where they are not NAO and an empty one)
  scripts/safety --seed 7               other random programs

The figures go to standard output, each as it is measured. Nothing here needs a robot, a GPU or, but for the first run,
which installs the packages (about 300 MB) into .venvs/, the network. docs/safety.md tells what the figures mean.
exit status: 0 every bar was reached; 1 one was missed; 2 wrong usage. PYTHON=/path/to/python chooses the Python
(3.11 or 3.12, with pip).
"""
_SAMPLE = Path(__file__).parents[2] / "services" / "training" / "data" / "sample.jsonl"


class Size(NamedTuple):
    """How much of everything."""

    samples: int  # programs of each grammar
    runs: int  # of these, how many are also run
    mutants: int
    calls: int
    unread: int  # every so many-th hostile program
    answers: int  # every so many-th hostile program
    stops: int


FULL = Size(samples=2000, runs=200, mutants=3000, calls=3000, unread=1, answers=1, stops=20)
QUICK = Size(samples=100, runs=10, mutants=150, calls=150, unread=10, answers=20, stops=3)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Our options."""
    parser = argparse.ArgumentParser(
        prog="scripts/safety",
        description="Attacks the checks, the sandbox and the gateway, and prints how they held.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer samples of everything")
    parser.add_argument("--seed", type=int, default=0, help="begin random programs here (default 0)")
    parser.add_argument(
        "--dataset",
        type=Path,
        action="append",
        default=[_SAMPLE],
        metavar="FILE",
        help="programs to let pass, besides the prompts' examples and the sample of the training data",
    )
    options = parser.parse_args(arguments)
    for path in options.dataset:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    return options


async def measure(options: argparse.Namespace) -> bool:
    """Measure everything; print each figure as it comes; whether every bar was reached."""
    import structlog

    from tests.safety import figures, timings
    from tests.safety.cases import programs
    from tests.safety.report import Report
    from tests.safety.trial import trial

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    size, seed = (QUICK if options.quick else FULL), options.seed
    report = Report(total=11)
    report.show(figures.false_alarms(options.dataset))
    report.show(timings.statement_times(size.samples // 4, seed))
    report.show(timings.slowest_reading())
    async with trial() as gateway:
        report.show(await figures.hostile(gateway, "atomic"))
        report.show(await figures.hostile(gateway, "stream"))
        report.show(await figures.unread(gateway, programs()[:: size.unread]))
        report.show(await figures.derived(gateway, size.samples, size.runs, seed))
        report.show(await figures.mutants(gateway, size.mutants, seed))
        report.show(await figures.agreement(gateway, size.calls, seed))
    report.show(await asyncio.to_thread(figures.obeyed, size.answers))
    report.show(await timings.emergency_stops(size.stops))
    return report.good


def main() -> int:
    """Attack, print, and tell by the exit status whether every bar was reached."""
    options = parse(sys.argv[1:])
    # Here, because --help has to work where nothing is installed.
    from tests.safety.dataset import NoDataSet

    print('"monty worker: …" below: the sandbox ends a program that wants too much memory.', file=sys.stderr)
    try:
        good = asyncio.run(measure(options))
    except NoDataSet as error:
        print(f"scripts/safety: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    print("Every bar was reached." if good else "A bar was missed; see above.", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Not sys.exit: qi's threads may still reach for the interpreter while it is taken down.
    os._exit(status)
