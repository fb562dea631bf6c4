"""What our parts cost over the engine itself: every way to it measured in turns, in one run, on the same cores."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadtest import peers
from loadtest.client import Sample
from loadtest.fake_engine import MODEL
from loadtest.machine import yardstick_ms
from loadtest.processes import fake_engine, our_environ
from services.backends.config import BackendConfig
from services.embedded.stack import SERVICES, Stack

CLIENTS = (1, 16, 64)
#: What a backend takes at once unless it says otherwise.
_CONCURRENCY = BackendConfig.model_fields["max_concurrency"].default

ENGINE, PASS_THROUGH, DURABLE, LITELLM, VLLM_ROUTER = "engine", "pass-through", "durable", "LiteLLM", "vllm-router"

# The engine-bound comparison: as many slots as our llama.cpp has, and more clients than that, so that some always wait
# and the pace of the engine decides.
PACED_CLIENTS = 16
_PACED_ENGINE = ("--ttft-ms", "50", "--tokens-per-second", "200", "--slots", "4")

_PROMPT = "You write behaviours for a NAO robot. " * 100  # about as long as the real prompt
_IN_EVERY_ANSWER = "welc"
_WARM_UP_CLIENTS = 4


@dataclass(frozen=True)
class Plan:
    """How long each measurement lasts, and how often each is repeated."""

    seconds: float
    repeats: int


@dataclass(frozen=True)
class Target:
    """A way to the engine, as a client sees it."""

    name: str
    url: str
    streams: tuple[bool, ...] = (False, True)


@dataclass(frozen=True, order=True)
class Case:
    """One cell of the table."""

    target: str
    clients: int
    streaming: bool


@dataclass
class Measurements:
    """Every sample of every case, in the order of the repeats, and how quiet the machine was."""

    samples: dict[Case, list[Sample]] = field(default_factory=dict)
    #: The slower of the yardsticks right before and right after each sample.
    slowest_ms: dict[Case, list[float]] = field(default_factory=dict)
    yardsticks_ms: list[float] = field(default_factory=list)


def measure_overhead(plan: Plan, with_peers: bool) -> Measurements:
    """Measure all targets with 1, 16 and 64 clients, streaming and not, in front of an engine that costs nothing."""
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(fake_engine())
        ours = stack.enter_context(_our_stack(engine))
        targets = [
            Target(ENGINE, f"{engine}/v1/chat/completions"),
            Target(PASS_THROUGH, f"{ours.router_url}/v1/chat/completions"),
            Target(DURABLE, f"{ours.router_url}/v1/behaviors?wait=30", streams=(False,)),
        ]
        if with_peers:
            for name, peer in ((LITELLM, peers.litellm(engine, MODEL)), (VLLM_ROUTER, peers.vllm_router(engine))):
                _say(f"starting {name}")
                targets.append(Target(name, f"{stack.enter_context(peer)}/v1/chat/completions"))
        return _measure_in_turns(targets, CLIENTS, (False, True), plan)


def measure_engine_bound(plan: Plan) -> Measurements:
    """Measure engine and pass-through in front of an engine with a pace, where the pace should be all that counts."""
    with fake_engine(*_PACED_ENGINE) as engine, _our_stack(engine) as ours:
        targets = [
            Target(ENGINE, f"{engine}/v1/chat/completions"),
            Target(PASS_THROUGH, f"{ours.router_url}/v1/chat/completions"),
        ]
        return _measure_in_turns(targets, (PACED_CLIENTS,), (True,), plan)


@contextlib.contextmanager
def _our_stack(engine_url: str) -> Iterator[Stack]:
    """Everything of ours but the engine, as the quick start runs it but for two things.

    The cap on an engine's concurrency is made for llama.cpp's few slots; the stand-in has the general one. All clients
    ask for the same, and each is to have an answer of its own.
    """
    _say("starting store, gateway, worker and router")
    services = [name for name in SERVICES if name != "engine"]
    settings = {
        "LLAMACPP_URL": engine_url,
        "LLAMACPP_MAX_CONCURRENCY": str(_CONCURRENCY),
        "ANSWERS_SHARED": "false",
    }
    with Stack(services, env=settings) as stack:
        yield stack


def _measure_in_turns(
    targets: list[Target], clients: tuple[int, ...], streaming: tuple[bool, ...], plan: Plan
) -> Measurements:
    """Repeat by repeat, each case of every target one after the other, so that the machine's moods meet them all."""
    measured = Measurements()
    cases = [
        (target, count, stream)
        for count in clients
        for stream in streaming
        for target in targets
        if stream in target.streams
    ]
    with tempfile.TemporaryDirectory() as directory:
        for target in targets:
            for stream in target.streams:
                _sample(target, _WARM_UP_CLIENTS, stream, plan.seconds, Path(directory))
        began = time.monotonic()
        for repeat in range(plan.repeats):
            # Back and forth, so that none always comes after the same other.
            for target, count, stream in cases if repeat % 2 == 0 else cases[::-1]:
                _say(f"repeat {repeat + 1} of {plan.repeats}: {target.name}, {count} clients", began)
                case = Case(target.name, count, stream)
                around = [yardstick_ms()]
                sample = _sample(target, count, stream, plan.seconds, Path(directory))
                around.append(yardstick_ms())
                measured.samples.setdefault(case, []).append(sample)
                measured.slowest_ms.setdefault(case, []).append(max(around))
                measured.yardsticks_ms += around
    return measured


def _sample(target: Target, clients: int, streaming: bool, seconds: float, directory: Path) -> Sample:
    body = directory / "body.json"
    if target.name == DURABLE:
        document: dict[str, object] = {"instruction": "Wave and say hello", "execute": "none"}
        expect = '"status":"succeeded"'
    else:
        messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": "Wave and say hello"}]
        document = {"model": MODEL, "messages": messages, "max_tokens": 256, "temperature": 0, "stream": streaming}
        expect = _IN_EVERY_ANSWER
    body.write_text(json.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "loadtest.client", target.url, "--body", str(body), "--expect", expect]
    command += ["--clients", str(clients), "--seconds", str(seconds)]
    if target.name == LITELLM:
        command += ["--field", "Authorization: Bearer none"]
    result = subprocess.run(  # noqa: S603 - our own module
        command, env=our_environ(), stdout=subprocess.PIPE, check=True, timeout=seconds + 120
    )
    return Sample(**json.loads(result.stdout))


def _say(what: str, began: float | None = None) -> None:
    elapsed = f"{time.monotonic() - began:5.0f} s  " if began is not None else ""
    if sys.stderr.isatty():
        print(f"\r\033[K{elapsed}{what} ", end="", file=sys.stderr, flush=True)
    elif began is None:
        print(what, file=sys.stderr, flush=True)
