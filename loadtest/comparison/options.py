"""The options of ``scripts/bench compare``. Needs only the standard library: --help works before anything is there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from loadtest.comparison.plan import Plan, Slos
from loadtest.traffic.mix import DEFAULT_MIX, mixes
from services.backends.names import own_name


class _Usual(NamedTuple):
    levels: tuple[float, ...]
    seconds: float
    warm_up_s: float
    repeats: int


_QUICK = _Usual((1.0, 4.0), 6.0, 2.0, 1)
_FULL = _Usual((1.0, 4.0, 16.0), 30.0, 5.0, 3)
_LONGEST_S = 24 * 3600.0

DESCRIPTION = """\
Plays the same traffic, drawn from a seed, on two or more backends in turns, and writes one report: throughput, TTFT,
TTFA, ITL, TPOT and E2E with percentiles and intervals, goodput, where each is saturated, how many times the other one
is, and what it cost the machine. Without --url it starts everything itself, on loopback, with the engines that are
installed here, and ends it again; with --url it asks a router that runs already.
"""

EXAMPLES = """\
examples:
  scripts/bench compare --quick                               a first look, about a minute
  scripts/bench compare                                       llama.cpp and Triton at 1, 4 and 16 at once, 13 minutes
  scripts/bench compare --backends llamacpp,triton,vllm --concurrency 1,8,32 --repeats 5
  scripts/bench compare --rates 0.5,1,2,4                     requests at random, whatever became of those before
  scripts/bench compare --door passthrough                    straight through, without queue and checks; has ITL
  docker compose --env-file env/compare.env up --build --wait
  scripts/bench compare --url http://127.0.0.1:8000 --backends tgi,triton

backends: llamacpp; triton (tensorrtllm to the router; without a GPU it has llama.cpp as its runtime); vllm,
transformers, deepspeed once `eval "$(scripts/engines-environment)"` has made their environments; tgi with --url only.

The folder --out gets report.html (one file, for a browser), report.json (all figures), report.md (tables, printed too),
requests.csv (every request) and records/ (what Locust saw, and its logs); an earlier report there is replaced. Each
turn is kept as soon as it ends: a run that is interrupted, or loses an engine, reports what it has, marked as partial.
docs/comparison.md tells how to read it. Measure on a machine that does nothing else.

exit status: 0 everything was measured; 1 nothing was, and standard error says why; 2 wrong usage; 3 a part was, and the
report says which and why; 130 interrupted (143 by SIGTERM), with a report of what was measured until then.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add(
        "--backends",
        type=read_names,
        default=("llamacpp", "tensorrtllm"),
        metavar="NAME,…",
        help="which, at least two (default: llamacpp,triton)",
    )
    add("--url", type=read_url, help="of a running router, as in http://127.0.0.1:8000 (default: start one)")
    add(
        "--api-keys-file",
        default="",
        metavar="FILE",
        help="file whose first key is sent, where the router asks for one",
    )
    add(
        "--door",
        choices=["durable", "passthrough"],
        default="durable",
        help="durable: the queue, with checks and TTFA; passthrough: OpenAI-style, with ITL (default: %(default)s)",
    )
    add("--mix", choices=list(mixes()), default=DEFAULT_MIX, help="what is asked for (default: %(default)s)")
    add("--seed", type=int, default=1, help="what the traffic is drawn with (default: %(default)s)")
    levels = parser.add_mutually_exclusive_group()
    levels.add_argument(
        "--concurrency",
        type=read_counts,
        metavar="N,…",
        help="closed loop: so many at once, each asking again when it has its answer (default: 1,4,16)",
    )
    levels.add_argument("--rates", type=_rates, metavar="R,…", help="open loop: so many requests a second, at random")
    add("--seconds", type=read_seconds, help="each level is measured for so long (default: 30)")
    add(
        "--warm-up",
        type=read_seconds,
        metavar="SECONDS",
        help="before that the same traffic, which does not count (default: 5)",
    )
    add("--repeats", type=read_count, metavar="N", help="how often all of it is measured (default: 3)")
    add(
        "--timeout-s",
        type=read_seconds,
        default=60.0,
        metavar="S",
        help="a request that takes longer is given up (default: 60)",
    )
    add("--slo-ttft-s", type=read_seconds, default=1.0, metavar="S", help="goodput: longest TTFT (default: 1)")
    add("--slo-ttfa-s", type=read_seconds, metavar="S", help="goodput: longest TTFA; durable only (default: 2)")
    add("--slo-e2e-s", type=read_seconds, default=10.0, metavar="S", help="goodput: longest E2E (default: 10)")
    add("--out", type=Path, default=Path("reports/compare"), metavar="FOLDER", help="(default: %(default)s)")
    add("--quick", action="store_true", help="rough: 1 and 4 at once, 6 s each, once; what is given besides holds")


def plan_of(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Plan:
    """The plan that the options mean; exits with status 2 on what cannot be."""
    usual = _QUICK if options.quick else _FULL
    if len(options.backends) < 2:
        parser.error("--backends needs at least two, as in --backends llamacpp,triton")
    if options.slo_ttfa_s is not None and options.door == "passthrough":
        parser.error("--slo-ttfa-s has no meaning at the passthrough door, where no statement is checked; leave it out")
    if options.api_keys_file and not options.url:
        parser.error("--api-keys-file is for a running router; give its --url too")
    ttfa_s = options.slo_ttfa_s or (2.0 if options.door == "durable" else None)
    return Plan(
        backends=options.backends,
        door=options.door,
        mix=options.mix,
        seed=options.seed,
        arrivals="poisson" if options.rates else "closed",
        levels=options.rates or options.concurrency or usual.levels,
        seconds=options.seconds or usual.seconds,
        warm_up_s=options.warm_up or usual.warm_up_s,
        repeats=options.repeats or usual.repeats,
        timeout_s=options.timeout_s,
        slos=Slos(options.slo_ttft_s, ttfa_s, options.slo_e2e_s),
    )


def read_names(text: str) -> tuple[str, ...]:
    """The router's names of backends, each once; people's own names for them are taken too."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    return tuple(dict.fromkeys(own_name(name) for name in names))


def read_url(text: str) -> str:
    """The address of a router. Raises ArgumentTypeError for what is none."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no address of a router; write one as in http://127.0.0.1:8000")
    return text


def read_counts(text: str) -> tuple[float, ...]:
    """Whole numbers with commas between, rising, each once. Raises ArgumentTypeError."""
    return tuple(sorted({float(read_count(part.strip())) for part in text.split(",")}))


def _rates(text: str) -> tuple[float, ...]:
    try:
        rates = {float(part) for part in text.split(",")}
    except ValueError:
        rates = set()
    if not rates or not all(0.001 <= rate <= 100_000 for rate in rates):
        raise argparse.ArgumentTypeError(f"{text!r} are no rates; write requests a second, as in 0.5,1,2")
    return tuple(sorted(rates))


def read_count(text: str) -> int:
    """A whole number from 1 to 10000. Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no count; use whole numbers from 1 to 10000")


def read_seconds(text: str) -> float:
    """Seconds, above 0 and up to a day. Raises ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0.0 < seconds <= _LONGEST_S:
        return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no time; use seconds above 0, at most {_LONGEST_S:g}")
