"""What is measured on this machine: the quick start's stack once for each choice, all of them up at once."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from loadtest.batching import MODEL_FOLDER, START_S, TARGETS
from loadtest.comparison.engines import ENGINES, Engine
from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.targets import Asked, BackendGone, TargetGone, wait_until_ready
from loadtest.processes import Program, StartError
from loadtest.tuning.space import BASE, Choice
from services.embedded.stack import SERVICES, Stack, StackError

_EMBEDDED = "llamacpp"
_TRANSFORMERS = "transformers"
#: Memory that a stack needs beside an engine of its own, with llama.cpp's, GiB.
_STACK_GIB = 1.5
_MERGED = ("LLAMACPP_MERGED_WEIGHTS", "LLAMACPP_MERGED_PATH")


@dataclass(frozen=True)
class Variant:
    """A stack to be measured: the quick start's, with other settings or with another engine."""

    choice: Choice
    engine: Engine | None = None
    """In place of the embedded llama.cpp."""

    @property
    def backend(self) -> str:
        """What the router calls its engine."""
        return _TRANSFORMERS if self.engine is not None else _EMBEDDED

    @property
    def memory_gib(self) -> float:
        """What it needs, generously."""
        return _STACK_GIB + (self.engine.memory_gib if self.engine is not None else 0.0)


def one_at_a_time(model: Path = MODEL_FOLDER) -> Engine:
    """Transformers' own server as it comes: one request after the other.

    Args:
        model: folder, as Transformers reads it.
    """
    target = next(target for target in TARGETS if target.name == "transformers serve")
    engine = ENGINES[_TRANSFORMERS]
    told = {**engine.backend, "model": str(model), "max_concurrency": "1"}
    return replace(
        engine,
        about=f"Transformers' server without batching, {model.name}",
        target=replace(target, settings={**target.settings, "model": model}),
        backend=told,
    )


class Stacks:
    """A context manager that has a stack up for every variant, by name; idle ones cost hardly any processor time.

    Raises:
        TargetGone: one does not start, or there is too little memory for all.
    """

    def __init__(self, variants: Mapping[str, Variant], say: Callable[[str], None]) -> None:
        self._variants = variants
        self._say = say
        self._stacks: dict[str, Stack] = {}
        self._engines: dict[str, Program] = {}
        self._cleanup = contextlib.ExitStack()
        self._used: set[str] = set()

    def __enter__(self) -> Self:
        needed = sum(variant.memory_gib for variant in self._variants.values())
        free = psutil.virtual_memory().available / 2**30
        if needed > free:
            raise TargetGone(f"{len(self._variants)} stacks need {needed:.0f} GiB of memory, and {free:.0f} are free")
        with contextlib.ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tune-")))
            for name, variant in self._variants.items():
                self._say(f"starting: {name}")
                try:
                    self._start(name, variant, folder, cleanup)
                except (StartError, StackError) as error:
                    raise TargetGone(f"{name}: {error}") from error
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cleanup.__exit__(kind, error, at)

    def asked(self, backend: str) -> Asked:
        return Asked(self._stacks[backend].router_url, self._variants[backend].backend)

    def turns(self, plan: Plan) -> Iterator[Turn]:
        return plan.turns()

    def use(self, backend: str) -> bool:
        self.check(backend)
        wait_until_ready(self.asked(backend))
        new = backend not in self._used
        self._used.add(backend)
        return new

    def check(self, backend: str) -> None:
        try:
            self._stacks[backend].check()
            if backend in self._engines:
                self._engines[backend].check()
        except (StackError, StartError) as error:
            raise BackendGone(str(error)) from error

    def roots(self, backend: str) -> Mapping[str, int]:
        stack = self._stacks[backend]
        engine = self._engines[backend].pid if backend in self._engines else stack.pid("engine")
        return {"engine": engine, **{name: stack.pid(name) for name in ("router", "worker", "store")}}

    def _start(self, name: str, variant: Variant, folder: Path, cleanup: contextlib.ExitStack) -> None:
        settings = {**BASE, **variant.choice.settings}
        weights, path = _MERGED
        if weights in settings:  # the folder that all others share keeps one file, and they hold it
            settings.setdefault(path, str(folder / settings[weights]))
        services = list(SERVICES)
        if variant.engine is not None:
            ports = variant.engine.free_ports()
            services.remove("engine")
            settings |= {"BACKEND": variant.backend, "WARM_UP_S": "0"}
            settings |= variant.engine.told(variant.backend, ports)
            program = cleanup.enter_context(variant.engine.program(folder, ports))
            program.wait_until_ok(variant.engine.ready(ports), START_S)
            self._engines[name] = program
        self._stacks[name] = cleanup.enter_context(Stack(services, env=settings))
