"""``python -m loadtest.bench compare|capacity|overhead|batching|stop``: LLM servers, and what our own parts cost."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.capacity import options as carrying
from loadtest.comparison import options as comparison

_EXAMPLES = """\
examples:
  scripts/bench compare --quick                   llama.cpp and Triton side by side, about a minute
  scripts/bench capacity                          how many robots so many engines carry, half an hour
  scripts/bench overhead                          five minutes
  scripts/bench overhead --quick                  one minute, to see that it works
  scripts/bench overhead --json reports/overhead.json
  scripts/bench batching --help                   the options of one benchmark

The figures go to standard output, with what machine they were measured on, progress to standard error; --json writes
them to a file too. Measure on a machine that does nothing else. docs/performance.md tells what they mean,
docs/comparison.md those of compare, docs/scaling.md those of capacity.
The first run installs the packages (about 170 MB; for compare and capacity 280 MB) into .venvs/.
PYTHON=/path/to/python chooses the Python (3.11 or 3.12, with pip).
"""
PACKAGES = ("gunicorn", "gevent", "celery", "redis", "aiohttp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 if every request was answered, 1 if not or if something does not start, 2 on bad usage."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Benchmarks of the LLM servers and of the engine's own parts, on servers that it starts on "
        "loopback and stops again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare",
        help="two or more backends under the same traffic, with a report",
        description=comparison.DESCRIPTION,
        epilog=comparison.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    comparison.add_options(compare)
    capacity = commands.add_parser(
        "capacity",
        help="how many robots so many engines carry: measured, modelled, checked",
        description=carrying.DESCRIPTION,
        epilog=carrying.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    carrying.add_options(capacity)
    overhead = commands.add_parser(
        "overhead",
        help="what our parts cost over the engine itself",
        description="Starts a stand-in for the engine that answers at once, the store, the worker and the router on "
        "free ports of loopback, and measures in turns: the engine directly, the pass-through and the durable path. "
        "Takes about 5 minutes (--quick: 1, --with-peers: twice as long). See docs/performance.md.",
    )
    overhead.add_argument("--quick", action="store_true", help="short and rough: to see that it works")
    overhead.add_argument(
        "--with-peers",
        action="store_true",
        help="measure LiteLLM's proxy and vllm-router too; installs them into .venv-peers/ the first time",
    )
    overhead.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    batching = commands.add_parser(
        "batching",
        help="what batching pays in each engine that is installed",
        description="Starts each engine in turn with the same small model, and measures its throughput with one prompt "
        "at a time, with 8 and with 32 together: in one request where the engine batches statically, else in "
        "concurrent ones. Engines in environments of their own are found by ENGINES_PYTHON and VLLM_PYTHON, which "
        "scripts/engines-environment prints. Takes about 20 minutes on 2 cores (--quick: 8).",
    )
    batching.add_argument("--quick", action="store_true", help="each measured once")
    batching.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    stop = commands.add_parser(
        "stop",
        help="how long the emergency stop takes while the simulated robot walks",
        description="Starts the store, the simulated NAO, the robot gateway, the worker and the router, has the robot "
        "walk again and again, and stops it over HTTP. Takes about half a minute.",
    )
    stop.add_argument("--count", type=int, default=50, help="how many times (default %(default)s)")
    options = parser.parse_args(arguments)
    plan = comparison.plan_of(options, compare) if options.command == "compare" else None
    question = carrying.question_of(options, capacity) if options.command == "capacity" else None
    for number in (signal.SIGTERM, signal.SIGHUP):  # the servers that were started end with us
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if plan is not None:
        from loadtest.comparison.command import compare as measure

        return measure(options, plan)
    if question is not None:
        from loadtest.capacity.command import capacity as answer

        return answer(options, question)
    run = {"overhead": _overhead, "batching": _batching, "stop": _stop}[options.command]
    return run(options)


def _stop(options: argparse.Namespace) -> int:
    from loadtest.stopping import main

    return main(options.count)


def _batching(options: argparse.Namespace) -> int:
    from loadtest import batching
    from loadtest.machine import specification

    plan = batching.Plan(together=(8, 32), alone=3, repeats=1 if options.quick else 3)
    machine = specification(())
    print(batching.head(machine, plan))
    results = []
    try:
        for result in batching.measure(plan, lambda what: print(what, file=sys.stderr, flush=True)):
            print(batching.line(result, plan), flush=True)
            results.append(result)
            if options.json:
                options.json.write_text(json.dumps(batching.document(machine, results), indent=1), encoding="utf-8")
    except KeyboardInterrupt:
        return 130
    return 1 if any(result.error for result in results) else 0


def _overhead(options: argparse.Namespace) -> int:
    # Imported late: --help works before anything is installed.
    from loadtest import peers, report
    from loadtest.machine import specification
    from loadtest.overhead import Plan, measure_engine_bound, measure_overhead
    from loadtest.processes import StartError
    from services.embedded.stack import StackError

    plan = Plan(seconds=1.0, repeats=2) if options.quick else Plan(seconds=3.0, repeats=5)
    try:
        machine = specification(PACKAGES) | (peers.install() if options.with_peers else {})
        measured = measure_overhead(plan, options.with_peers)
        paced = measure_engine_bound(plan)
    except (StartError, StackError) as error:
        print(f"\nThe benchmark did not run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(report.text(machine, measured, paced))
    if options.json:
        options.json.write_text(json.dumps(report.document(machine, measured, paced), indent=1), encoding="utf-8")
    errors = sum(sample.errors for m in (measured, paced) for samples in m.samples.values() for sample in samples)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
