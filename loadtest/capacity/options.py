"""The options of ``scripts/bench capacity``. Needs only the standard library: --help works before anything is there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from loadtest.capacity.question import Question
from loadtest.comparison.options import read_count, read_counts, read_names, read_seconds, read_url
from loadtest.traffic.mix import DEFAULT_MIX, mixes


class _Usual(NamedTuple):
    levels: tuple[float, ...]
    seconds: float
    warm_up_s: float
    soak_min: float
    orders: int


_QUICK = _Usual((1.0, 4.0), 6.0, 2.0, 0.5, 4_000)
_FULL = _Usual((1.0, 2.0, 4.0, 8.0), 60.0, 5.0, 10.0, 10_000)
_MOST_ENGINES = 64
_LONGEST_SOAK_MIN = 24 * 60.0
#: QUEUE_LIMIT of the router and WORKER_MAX_ACTIVE of one worker, as they are unless they are set.
_QUEUE_LIMIT = 1000 + 64

DESCRIPTION = """\
How many robots do N engines (GPUs) carry? Measures one engine with a few orders at once, puts what it found into a
queueing model, and says for each number of engines how many robots are served within the objectives. Then it checks the
model: it has as many robots as it said ask for some minutes, and half of them, and sets beside each other what was
predicted and what was measured. Without --url it starts everything itself, on loopback, and ends it again.
"""

EXAMPLES = """\
examples:
  scripts/bench capacity --quick                                  a first look at llama.cpp here, about three minutes
  scripts/bench capacity                                          the same with figures to rely on, about half an hour
  scripts/bench capacity --think-s 60 --slo-ttfa-s 1 --percentile 99
  scripts/bench capacity --levels 1,8,32,64,128 --engines 1,2,4,8,16 --backend vllm --url http://127.0.0.1:8000

backends: as of scripts/bench compare. With --url the one engine that is measured stands behind a router that runs
already.

The folder --out gets report.md (printed too), report.json (all figures), capacity.svg (charts), and what was measured:
levels/ and soak/. An earlier report there is replaced. docs/scaling.md tells how to read it and what it supposes.
Measure on a machine that does nothing else, with as many --levels as the engine takes at once, and more.

exit status: 0 everything was measured, whether or not the model holds, which the report says; 1 nothing was, and
standard error says why; 2 wrong usage; 3 a part was, and the report says which and why; 130 interrupted (143 by
SIGTERM), with a report of what was measured until then.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add("--backend", type=read_names, default=("llamacpp",), metavar="NAME", help="which (default: llamacpp)")
    add("--url", type=read_url, help="of a running router, as in http://127.0.0.1:8000 (default: start one)")
    add(
        "--api-keys-file",
        default="",
        metavar="FILE",
        help="file whose first key is sent, where the router asks for one",
    )
    add("--mix", choices=list(mixes()), default=DEFAULT_MIX, help="what is asked for (default: %(default)s)")
    add("--seed", type=int, default=1, help="of the traffic and of the simulations (default: %(default)s)")
    add("--levels", type=read_counts, metavar="N,…", help="orders at once that are measured (default: 1,2,4,8)")
    add("--seconds", type=read_seconds, help="each level is measured for so long (default: 60)")
    add("--warm-up", type=read_seconds, metavar="SECONDS", help="before that, without counting (default: 5)")
    add("--timeout-s", type=read_seconds, default=60.0, metavar="S", help="an order is given up then (default: 60)")
    add(
        "--think-s",
        type=read_seconds,
        default=30.0,
        metavar="S",
        help="from an answer to the same robot's next order, on average (default: 30)",
    )
    add("--slo-ttfa-s", type=read_seconds, default=2.0, metavar="S", help="longest to the first action (default: 2)")
    add("--slo-e2e-s", type=read_seconds, default=10.0, metavar="S", help="longest to the end (default: 10)")
    add(
        "--percentile",
        type=_percentile,
        default=95.0,
        metavar="P",
        help="per cent of all orders that must keep both (default: 95)",
    )
    add("--engines", type=read_counts, default=(1.0, 2.0, 4.0, 8.0), metavar="N,…", help="(default: 1,2,4,8)")
    add(
        "--soak-minutes",
        type=_minutes,
        metavar="M",
        help="how long the model is checked at each of two numbers of robots; 0: not at all (default: 10)",
    )
    add(
        "--queue-limit",
        type=read_count,
        default=_QUEUE_LIMIT,
        metavar="N",
        help="orders that may wait or be in hand before the router refuses: its QUEUE_LIMIT, and WORKER_MAX_ACTIVE of "
        "each worker (default: %(default)s)",
    )
    add("--out", type=Path, default=Path("reports/capacity"), metavar="FOLDER", help="(default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    add("--quick", action="store_true", help="rough: 1 and 4 at once, 6 s each, soaks of half a minute")


def question_of(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Question:
    """The question that the options mean; exits with status 2 on what cannot be."""
    usual = _QUICK if options.quick else _FULL
    if len(options.backend) != 1:
        parser.error("--backend takes one, as in --backend llamacpp")
    if options.engines[-1] > _MOST_ENGINES:
        parser.error(f"--engines takes at most {_MOST_ENGINES}")
    if options.slo_ttfa_s > options.slo_e2e_s:
        parser.error("--slo-ttfa-s is longer than --slo-e2e-s: no order acts after its end")
    if options.slo_e2e_s > options.timeout_s:
        parser.error("--slo-e2e-s is longer than --timeout-s: orders would be given up while they are in time")
    if options.api_keys_file and not options.url:
        parser.error("--api-keys-file is for a running router; give its --url too")
    soak_min = usual.soak_min if options.soak_minutes is None else options.soak_minutes
    return Question(
        backend=options.backend[0],
        mix=options.mix,
        seed=options.seed,
        levels=options.levels or usual.levels,
        seconds=options.seconds or usual.seconds,
        warm_up_s=options.warm_up or usual.warm_up_s,
        timeout_s=options.timeout_s,
        think_s=options.think_s,
        ttfa_s=options.slo_ttfa_s,
        e2e_s=options.slo_e2e_s,
        percentile=options.percentile,
        engines=tuple(int(count) for count in options.engines),
        soak_s=60.0 * soak_min,
        queue_limit=options.queue_limit,
        orders=usual.orders,
    )


def _percentile(text: str) -> float:
    return _between(text, 50.0, 99.9, "is no percentile; use per cent from 50 to 99.9, as in 95")


def _minutes(text: str) -> float:
    return _between(text, 0.0, _LONGEST_SOAK_MIN, f"is no time; use minutes from 0 to {_LONGEST_SOAK_MIN:g}")


def _between(text: str, low: float, high: float, words: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if low <= value <= high:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} {words}")
