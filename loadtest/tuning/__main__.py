"""``python -m loadtest.tuning``: which settings make the engine fast. Run it as scripts/tune."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.comparison.options import read_count, read_counts, read_seconds, read_url
from loadtest.traffic.mix import DEFAULT_MIX, mixes
from loadtest.tuning.space import SPACES, Factor

_ALL_ITEMS = "all"
_DESCRIPTION = """\
Searches for the settings that make the engine fast. Each is changed by itself and measured beside what it was, in turns
under the same traffic; what helps for certain is put together and measured once more. A change of which answers may
become worse is kept only if the hand-written instructions are done right as often as before. In the end what won stands
in an env file.
"""
_EXAMPLES = """\
examples:
  scripts/tune                                 the quick start's stack with llama.cpp, all factors; over an hour
  scripts/tune --quick --factors slots,threads a first look at two of them, some minutes
  scripts/tune --factors ""                    no factor, only the naive baseline beside what there is
  scripts/tune --engine tensorrtllm            the GPU deployment of env/tensorrtllm-tuned.env, with Docker Compose
{spaces}
llamacpp is measured as processes on loopback, all choices of a factor up at once and in turns. The others are brought
up with Docker Compose, one choice after the other, from the env files named above; the deployment is down afterwards.

The naive baseline of llamacpp: Transformers' server, one request after the other, the model as published, shown the API
and examples, held to no grammar. It needs `eval "$(scripts/engines-environment)"`, and is left out without.

The folder --out gets tune.md (printed too), tune.json, effects.svg, winner.env, and a folder for each step with every
turn's records. A search that was interrupted goes on where it was when it is started again with the same options.
Measure on a machine that does nothing else. docs/optimization.md tells what was found.

exit status: 0 all was measured; 1 something was not, and the report says what; 2 wrong usage; 130 interrupted (143 by
SIGTERM), with a report of what was measured until then.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Search and report; the exit status that ``--help`` tells."""
    options = _parse(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the stacks that were started end with us
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    from loadtest.tuning.command import tune

    return tune(options)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/tune",
        description=_DESCRIPTION,
        epilog=_EXAMPLES.format(spaces=_spaces()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--engine", choices=list(SPACES), default="llamacpp", help="whose settings (default: %(default)s)")
    add("--factors", metavar="NAME,…", help="which of its factors (default: all)")
    add("--concurrency", type=read_counts, metavar="N,…", help="closed loop: so many robots at once (default: 1,4)")
    add("--seconds", type=read_seconds, help="each turn is measured for so long (default: 15)")
    add("--warm-up", type=read_seconds, default=3.0, metavar="SECONDS", help="before that (default: %(default)g)")
    add("--repeats", type=read_count, metavar="N", help="turns of each choice at each level (default: 3)")
    add("--mix", choices=list(mixes()), default=DEFAULT_MIX, help="what is asked for (default: %(default)s)")
    add("--seed", type=int, default=1, help="what the traffic is drawn with (default: %(default)s)")
    add("--timeout-s", type=read_seconds, default=120.0, metavar="S", help="a request is given up then (default: 120)")
    add(
        "--items",
        type=_items,
        default=_ALL_ITEMS,
        metavar="N",
        help="hand-written instructions to be right in: so "
        "many, all, or none, and then no change is kept that they would have to be asked for (default: all)",
    )
    add(
        "--url",
        type=read_url,
        default="http://127.0.0.1:8000",
        help="of the router that Docker Compose starts (default: %(default)s)",
    )
    add("--api-keys-file", default="", metavar="FILE", help="file whose first key is sent, where that asks for one")
    add("--out", type=Path, metavar="FOLDER", help="(default: reports/tune-ENGINE)")
    add("--quick", action="store_true", help="rough: 5 s, once, no instructions; what is given besides holds")
    options = parser.parse_args(arguments)
    options.factors = _factors(options, parser)
    options.concurrency = options.concurrency or (1.0, 4.0)
    options.seconds = options.seconds or (5.0 if options.quick else 15.0)
    options.repeats = options.repeats or (1 if options.quick else 3)
    options.items = "none" if options.quick and options.items == _ALL_ITEMS else options.items
    options.out = options.out or Path("reports") / f"tune-{options.engine}"
    return options


def _factors(options: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Factor]:
    known = {factor.name: factor for factor in SPACES[options.engine].factors}
    if options.factors is None:
        return list(known.values())
    names = [name.strip() for name in options.factors.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        parser.error(f"{options.engine} has no factor {unknown[0]!r}; it has: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def _spaces() -> str:
    lines = []
    for engine, space in SPACES.items():
        names = ", ".join(factor.name for factor in space.factors)
        where = f" ({space.env_file})" if space.env_file else ""
        lines.append(f"\nfactors of {engine}{where}:\n  {names}\n")
    return "".join(lines)


def _items(text: str) -> str:
    if text in (_ALL_ITEMS, "none"):
        return text
    return str(read_count(text))


if __name__ == "__main__":
    sys.exit(main())
