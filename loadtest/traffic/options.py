"""The load test's own options: on the command line, in the environment and in the start form of the web UI alike."""

from __future__ import annotations

from typing import Any, get_args

from loadtest.records import Door
from loadtest.traffic.mix import DEFAULT_MIX, mixes
from loadtest.traffic.settings import DEFAULT_BACKEND, Arrivals, Execute, Shape, named_backends
from loadtest.traffic.target import known_backends


class _Choices(list[str]):
    """Names that the form offers. Others are taken too: the router says which backends there are, once a run begins."""

    def __contains__(self, name: object) -> bool:
        return True


def add_options(parser: Any) -> None:
    """Add ours to Locust's. The form shows them in this order, with the help as their label."""

    def add(option: str, help: str, **kwargs: Any) -> None:
        name = option.lstrip("-").replace("-", "_").upper()
        parser.add_argument(option, help=help, env_var=f"LOADTEST_{name}", **kwargs)

    add(
        "--backend",
        "LLM servers, by the router's names, with commas between",
        type=lambda text: list(named_backends(text)),
        default=[DEFAULT_BACKEND],
        choices=_Choices([DEFAULT_BACKEND, *known_backends()]),
        metavar="NAME,…",
        is_multiple=True,
    )
    add(
        "--door",
        "durable: through the queue; passthrough: OpenAI-style, straight",
        choices=get_args(Door),
        default="durable",
    )
    add("--mix", "what is asked for", choices=list(mixes()), default=DEFAULT_MIX)
    add("--seed", "the same seed asks for the same things in the same order", type=int, default=1)
    add(
        "--arrivals",
        "closed: robots wait for their answers; poisson, constant: at the rate; replay: as in the trace",
        choices=get_args(Arrivals),
        default="closed",
    )
    add("--rate", "poisson, constant: requests a second of all robots together", type=float, default=1.0)
    add(
        "--shape",
        "how users, and with them the rate, change over the run time",
        choices=get_args(Shape),
        default="constant",
    )
    add("--trace", "replay: file of lines with at_s and item, or the records of a run", default="")
    add("--think-time-s", "closed: mean time between an answer and the next request", type=float, default=0.0)
    add("--priorities", "durable: priorities (0 first, 9 last) by weight, as in 0=1,5=9", default="5")
    add("--slo-ttft-s", "objective: time to first token", type=float, default=1.0)
    add("--slo-ttfa-s", "objective: time to first action; durable only", type=float, default=2.0)
    add("--slo-e2e-s", "objective: time to the end", type=float, default=10.0)
    add("--timeout-s", "deadline of every request", type=float, default=60.0)
    add(
        "--execute",
        "durable: only write the program, or have the simulated robot act",
        choices=get_args(Execute),
        default="none",
    )
    add("--robot-kind", "durable: which robot of the engine programs are for", default="nao")
    add("--max-tokens", "longest program", type=int, default=256)
    add("--max-in-flight", "open loops: requests of one process that may be open at once", type=int, default=1000)
    add("--records", "file for one JSON line a request", default="", include_in_web_ui=False)
    add(
        "--api-keys-file",
        "file whose first key is sent, where the router asks for one",
        default="",
        include_in_web_ui=False,
    )
    add(
        "--allowed-hosts",
        "names, besides loopback's, under which the web UI may be called, with commas between",
        default="",
        include_in_web_ui=False,
    )
