"""``python -m services.training.dataset``: makes the dataset with its card. Run it as scripts/dataset."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.training.dataset.place import FOLDER, PAIRS, SEED

_DESCRIPTION = """\
Makes the dataset that the small model is fine-tuned on: instructions with programs that do what was asked.
Instructions are drawn from a seed; each program is checked, carried out on the simulated robot and judged by what the
robot then did, and what fails is thrown away. docs/dataset.md says what is in it.
"""

_EXAMPLES = """\
examples:
  scripts/dataset                          the whole dataset, in reports/dataset; some five minutes
  scripts/dataset --pairs 200 --out few    a small one to look at
  scripts/dataset --publish                after a change of the generator: card and sample of the repository, too

It writes dataset.jsonl, statistics.json and card.md. The same seed makes the same file, byte for byte; of a smaller
number it makes the same pairs, only fewer. The first run installs packages (about 300 MB) into .venvs/, those of
scripts/test.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the dataset, its statistics and its card; 0."""
    arguments = _parse(argv)
    # Here, because --help has to work where nothing is installed.
    from services.training.dataset.files import make

    make(arguments.out, arguments.pairs, arguments.seed, arguments.processes, publish=arguments.publish)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/dataset",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: reports/dataset)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"how many to keep (default: {PAIRS})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all that is drawn (default: {SEED})")
    parser.add_argument("--processes", type=int, default=2, help="that work on it (default: 2)")
    parser.add_argument(
        "--publish", action="store_true", help="also write docs/dataset.md and what belongs to it in the repository"
    )
    arguments = parser.parse_args(argv)
    if arguments.publish and (arguments.pairs, arguments.seed) != (PAIRS, SEED):
        parser.error("--publish is for the dataset that ships: leave --pairs and --seed out")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
