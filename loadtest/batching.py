"""What batching pays: each engine's throughput with one prompt at a time, and with many together, on this machine."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Literal

from loadtest.machine import yardstick_ms
from loadtest.processes import ROOT, Program, StartError, free_port, our_environ

MODEL_FOLDER = ROOT / ".venvs" / "model"
NEW_TOKENS = 32
_MOST_TOGETHER = 32
START_S = 600.0  # vLLM compiles the model the first time, for minutes on few cores
_ANSWER_S = 600.0
_ERROR_CHARACTERS = 200
_TEXT = (
    "The robot stands in the hall of the museum, where visitors arrive in small groups. It can walk, turn, wave, sit, "
    "stand up, look at people and speak. A child comes near and asks for the way to the dinosaurs, which are on the "
    "second floor behind the large staircase. The robot greets the child, points at the staircase and explains how to "
    "get there in short and friendly words. Then it waves and says"
)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Target:
    """An engine: how it is started, and how it is given many prompts together."""

    name: str
    #: The variable that names the Python it runs in; empty: ours.
    python: str
    module: str
    prefix: str
    settings: Mapping[str, object]
    together: Literal["one request", "concurrent requests"]


@dataclass(frozen=True)
class Plan:
    """Prompts that go together, how many go one by one, and how often each is repeated."""

    together: tuple[int, ...]
    alone: int
    repeats: int


@dataclass
class Measured:
    """Tokens a second of one engine, each repeat in its turn; 1 is one prompt at a time."""

    name: str
    how: str
    tokens_per_s: dict[int, list[float]] = field(default_factory=dict)
    yardsticks_ms: list[float] = field(default_factory=list)
    #: Why there are no figures: it is not installed, or it failed.
    missing: str = ""
    error: str = ""

    def median(self, together: int) -> float:
        """Tokens a second in the middle of the repeats."""
        return statistics.median(self.tokens_per_s[together])

    def gain(self, together: int) -> float:
        """How many times the throughput of one prompt at a time."""
        return self.median(together) / self.median(1)


_STATIC = {"model": MODEL_FOLDER, "max_batch": _MOST_TOGETHER}
TARGETS = (
    Target("static batch, Transformers", "ENGINES_PYTHON", "services.engines.static_batch", "STATIC_BATCH_",
           {**_STATIC, "runtime": "transformers"}, "one request"),
    Target("static batch, DeepSpeed", "ENGINES_PYTHON", "services.engines.static_batch", "STATIC_BATCH_",
           {**_STATIC, "runtime": "deepspeed"}, "one request"),
    Target("transformers serve", "ENGINES_PYTHON", "services.engines.transformers", "TRANSFORMERS_",
           {"model": MODEL_FOLDER, "continuous_batching": False}, "concurrent requests"),
    Target("transformers serve, continuous", "ENGINES_PYTHON", "services.engines.transformers", "TRANSFORMERS_",
           {"model": MODEL_FOLDER, "continuous_batching": True, "num_blocks": 512}, "concurrent requests"),
    Target("vLLM", "VLLM_PYTHON", "services.engines.vllm", "VLLM_SERVER_",
           {"model": MODEL_FOLDER, "dtype": "bfloat16", "max_model_len": 512, "gpu_memory_utilization": 0.3},
           "concurrent requests"),
    Target("llama.cpp (4-bit weights)", "", "services.engines.llamacpp", "LLAMACPP_",
           {"slots": _MOST_TOGETHER, "context_tokens": 512}, "concurrent requests"),
)  # fmt: skip


def measure(plan: Plan, say: Callable[[str], None]) -> Iterator[Measured]:
    """Start each engine that is installed, one after the other, and measure it. ``say`` is told what goes on."""
    for target in TARGETS:
        measured = Measured(target.name, target.together)
        python = os.environ.get(target.python, "") if target.python else sys.executable
        if python:
            try:
                _measure(target, python, plan, measured, say)
            except (StartError, OSError) as error:  # the others have figures all the same
                measured.error = " ".join(str(error).split())[:_ERROR_CHARACTERS]
        else:
            measured.missing = f"not installed: {target.python} is not set (scripts/engines-environment)"
        yield measured


def _measure(target: Target, python: str, plan: Plan, measured: Measured, say: Callable[[str], None]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    say(f"{target.name}: starts")
    with program_of(target, python, {"port": port}) as program:
        program.wait_until_ok(f"{url}/health", START_S)
        _alone(url, 1)  # the first request of many engines pays for what the others find ready
        for repeat, together in itertools.product(range(plan.repeats), (1, *plan.together)):
            say(f"{target.name}: repeat {repeat + 1} of {plan.repeats}, {together} together")
            measured.yardsticks_ms.append(yardstick_ms())
            began = time.monotonic()
            if together == 1:
                tokens = _alone(url, plan.alone)
            elif target.together == "one request":
                tokens = _complete(url, _prompts(together))
            else:
                with ThreadPoolExecutor(together) as threads:
                    tokens = sum(threads.map(lambda prompt: _complete(url, prompt), _prompts(together)))
            measured.tokens_per_s.setdefault(together, []).append(tokens / (time.monotonic() - began))


def program_of(
    target: Target, python: str, more: Mapping[str, object], environ: Mapping[str, str] | None = None
) -> Program:
    """The engine as a program, not started yet, with ``more`` settings over its own, and other variables."""
    settings = {f"{target.prefix}{name.upper()}": str(value) for name, value in {**target.settings, **more}.items()}
    variables = {**our_environ(), "HF_HUB_OFFLINE": "1", **(environ or {}), **settings}
    return Program(target.name, [python, "-m", target.module], variables)


def _prompts(count: int) -> list[str]:
    """Prompts of about 100 tokens that differ from their beginning on, so that nothing computed before helps."""
    return [f"{next(_numbers)}. {_TEXT}" for _ in range(count)]


def _alone(url: str, count: int) -> int:
    return sum(_complete(url, prompt) for prompt in _prompts(count))


def _complete(url: str, prompt: str | list[str]) -> int:
    """Ask for completions; how many tokens came."""
    body = {"prompt": prompt, "max_tokens": NEW_TOKENS, "temperature": 0}
    request = urllib.request.Request(  # noqa: S310 - http
        f"{url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:  # noqa: S310 - http
        tokens: int = json.load(response)["usage"]["completion_tokens"]
        return tokens


def head(specification: Mapping[str, str], plan: Plan) -> str:
    """What stands above the engines' lines, for people."""
    together = "".join(f"{together:>8}{'':>8}" for together in plan.together)
    machine = " · ".join(f"{name} {value}" for name, value in specification.items())
    return f"{machine}\n\n{'output tokens/s':32}{'together as':>20}{'1':>8}{together}{'yardstick':>14}"


def line(result: Measured, plan: Plan) -> str:
    """One engine's line; the yardstick is a fixed piece of work, and varies only with what else the machine does."""
    if why := result.missing or result.error:
        return f"{result.name:32}{why}"
    cells = "".join(f"{result.median(n):>8.1f}{f'× {result.gain(n):.1f}':>8}" for n in plan.together)
    yardstick = f"{min(result.yardsticks_ms):.0f}–{max(result.yardsticks_ms):.0f} ms"
    return f"{result.name:32}{result.how:>20}{result.median(1):>8.1f}{cells}{yardstick:>14}"


def document(specification: Mapping[str, str], results: Sequence[Measured]) -> dict[str, object]:
    """The report for programs."""
    return {"machine": dict(specification), "engines": [asdict(result) for result in results]}
