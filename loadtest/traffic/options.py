"""The load test's own options: on the command line, in the environment and in the start form of the web UI alike."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from loadtest.records import Door
from loadtest.traffic.answers import Ask
from loadtest.traffic.mix import DEFAULT_MIX, Instruction, mixes
from loadtest.traffic.shapes import SHAPES
from loadtest.traffic.target import known_backends

ARRIVALS = ("closed", "poisson", "constant", "replay")
_DOORS = get_args(Door)


class BadOption(ValueError):
    """An option that no run can begin with; the message is one sentence that says how to mend it."""


@dataclass(frozen=True)
class Settings:
    """What one run does. Seconds, and requests a second."""

    url: str
    backends: tuple[str, ...]
    door: Door
    mix: str
    seed: int
    arrivals: str
    robots: int
    rate: float
    think_time_s: float
    priorities: dict[int, float]
    robot_kind: str
    execute: str
    max_tokens: int
    timeout_s: float
    in_flight: int
    trace: str
    slo_ttft_s: float
    slo_ttfa_s: float
    slo_e2e_s: float
    key: str

    def ask(self, instruction: Instruction, backend: str, robot: str, priority: int) -> Ask:
        """A robot's request, with what is the same for all."""
        return Ask(instruction, backend, self.door, robot, self.robot_kind, priority, self.execute, self.max_tokens)

    @classmethod
    def from_document(cls, document: dict[str, Any], *, key: str) -> Self:
        """The settings as another process has sent them, with the key as this one has it."""
        priorities = {int(priority): weight for priority, weight in document["priorities"].items()}
        return cls(**{**document, "backends": tuple(document["backends"]), "priorities": priorities, "key": key})


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
        "which LLM servers, by the router's names, with commas between; none: the router's default",
        type=_names,
        default=[],
        choices=_Choices(known_backends()),
        metavar="NAME,…",
    )
    add("--door", "durable: through the queue; passthrough: OpenAI-style, straight", choices=_DOORS, default="durable")
    about = "; ".join(f"{mix.name}: {mix.about}" for mix in mixes().values())
    add("--mix", f"what is asked for ({about})".replace("%", "%%"), choices=list(mixes()), default=DEFAULT_MIX)
    add("--seed", "the same seed asks for the same things in the same order", type=int, default=1)
    add(
        "--arrivals",
        "closed: each robot waits for its answer; poisson, constant: requests come at --rate whatever happens; "
        "replay: as in --trace",
        choices=ARRIVALS,
        default="closed",
    )
    add("--rate", "poisson, constant: requests a second of all robots together", type=float, default=1.0)
    add(
        "--shape",
        f"how users or rate change over the run time: {', '.join(SHAPES)}",
        choices=list(SHAPES),
        default="constant",
    )
    add("--trace", "replay: file with a JSON object a line, at_s and item, or the records of another run", default="")
    add("--think-time-s", "closed: mean time between an answer and the next request", type=float, default=0.0)
    add("--priorities", "durable: priorities (0 first, 9 last) by weight, as in 0=1,5=9", default="5")
    add("--slo-ttft-s", "objective: time to first token", type=float, default=1.0)
    add("--slo-ttfa-s", "objective: time to first action; durable only", type=float, default=2.0)
    add("--slo-e2e-s", "objective: time to the end", type=float, default=10.0)
    add("--timeout-s", "deadline of every request", type=float, default=60.0)
    add(
        "--execute",
        "durable: only write the program, or have the simulated robot act",
        choices=["none", "simulate"],
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


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def read_settings(options: Namespace, url: str, default_backend: str) -> Settings:
    """The settings of a run. Raises BadOption for what cannot be."""
    backends = tuple(dict.fromkeys(_given(options.backend))) or (default_backend,)
    robots = int(options.num_users or len(backends))
    arrivals = options.arrivals
    _one_of("--door", options.door, _DOORS)
    _one_of("--mix", options.mix, list(mixes()))
    _one_of("--arrivals", arrivals, ARRIVALS)
    _one_of("--shape", options.shape, list(SHAPES))
    _one_of("--execute", options.execute, ["none", "simulate"])
    for name, low in (
        ("rate", 0.001),
        ("timeout_s", 0.1),
        ("slo_ttft_s", 0.001),
        ("slo_ttfa_s", 0.001),
        ("slo_e2e_s", 0.001),
    ):
        if not low <= float(getattr(options, name)) <= 1e6:
            raise BadOption(
                f"--{name.replace('_', '-')} must be a number of at least {low:g}, not {getattr(options, name)}."
            )
    if float(options.think_time_s) < 0:
        raise BadOption("--think-time-s must not be below 0.")
    if not 1 <= int(options.max_tokens) <= 1024:
        raise BadOption("--max-tokens must be between 1 and 1024.")
    if int(options.max_in_flight) < 1:
        raise BadOption("--max-in-flight must be at least 1.")
    if robots < len(backends):
        raise BadOption(
            f"{len(backends)} backends need at least as many users, one each; there are {robots}: raise --users."
        )
    if options.shape != "constant" and not options.run_time:
        raise BadOption(f"The shape {options.shape} is drawn over the run time: set --run-time, as in 60s.")
    if arrivals == "replay" and not options.trace:
        raise BadOption("Replaying needs --trace FILE: the records of an earlier run, or lines with at_s and item.")
    return Settings(
        url=url,
        backends=backends,
        door=options.door,
        mix=options.mix,
        seed=int(options.seed),
        arrivals=arrivals,
        robots=robots,
        rate=float(options.rate),
        think_time_s=float(options.think_time_s),
        priorities=read_priorities(options.priorities),
        robot_kind=options.robot_kind,
        execute=options.execute,
        max_tokens=int(options.max_tokens),
        timeout_s=float(options.timeout_s),
        in_flight=int(options.max_in_flight),
        trace=options.trace,
        slo_ttft_s=float(options.slo_ttft_s),
        slo_ttfa_s=float(options.slo_ttfa_s),
        slo_e2e_s=float(options.slo_e2e_s),
        key=read_key(options.api_keys_file),
    )


def _given(value: str | Sequence[str]) -> list[str]:
    """Backends as the command line or the form of the web UI gives them."""
    return _names(value) if isinstance(value, str) else [name for part in value for name in _names(part)]


def _one_of(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise BadOption(f"{option} {value!r} is unknown; choose one of: {', '.join(choices)}.")


def read_priorities(text: str) -> dict[int, float]:
    """Weights by priority out of "0=1,5=9"; "5" alone is all of them. Raises BadOption."""
    try:
        pairs = [part.partition("=")[::2] for part in text.split(",")]
        weights = {int(priority): float(weight or 1) for priority, weight in pairs}
    except ValueError:
        weights = {}
    if not weights or not all(0 <= priority <= 9 and weight > 0 for priority, weight in weights.items()):
        raise BadOption(f"--priorities {text!r} is not read: write priorities from 0 to 9 with weights, as in 0=1,5=9.")
    return weights


def read_key(path: str) -> str:
    """The first key of a file such as the router's own; empty without one. Raises BadOption."""
    if not path:
        return ""
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise BadOption(f"--api-keys-file {path} cannot be read: {error.strerror}.") from None
    keys = [line.strip().rpartition(":")[2] for line in lines if line.strip() and not line.startswith("#")]
    return keys[0] if keys else ""
