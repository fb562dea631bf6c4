"""What is measured: a router that runs already, or the whole engine on this machine, started for it."""

from __future__ import annotations

import contextlib
import http.client
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from loadtest.batching import START_S
from loadtest.comparison.engines import ENGINES
from loadtest.comparison.plan import Plan, Turn
from loadtest.processes import Program, StartError
from loadtest.traffic.settings import BadOption, read_key
from loadtest.traffic.target import BadTarget, ask_backends
from services.embedded.stack import SERVICES, Stack, StackError

_READY_S = 30.0
_POLL_S = 0.3
#: Memory that store, router, worker, robot and load generator need, GiB.
_OWN_GIB = 2.0


class TargetGone(Exception):
    """Nothing can be measured any more; the message says why."""


class BackendGone(Exception):
    """One backend cannot be measured any more, the others can; the message says why."""


@dataclass(frozen=True)
class Asked:
    """The router that is asked for a backend, and what it calls that backend."""

    url: str
    backend: str
    #: File of API keys, if the router asks for one; empty: it does not.
    keys_file: str = ""


class Target(Protocol):
    """Where a backend is asked for, and what has to be done so that it can be measured."""

    def asked(self, backend: str) -> Asked:
        """Who is asked for a backend of the plan, and by which name."""

    def turns(self, plan: Plan) -> Iterator[Turn]:
        """The plan's turns, in the order that suits."""

    def use(self, backend: str) -> bool:
        """Have the backend ready; whether it is new or was started anew, and has to be warmed up.

        Raises TargetGone or BackendGone.
        """

    def check(self, backend: str) -> None:
        """Raises TargetGone or BackendGone if something has ended."""

    def roots(self, backend: str) -> Mapping[str, int]:
        """Process ids of the parts, for the resources that they use."""


class RunningRouter:
    """A router that somebody else started, with its backends. Only the load generator's resources can be told."""

    def __init__(self, url: str, keys_file: str) -> None:
        self.url = url.rstrip("/")
        self._keys_file = keys_file
        self._used: set[str] = set()

    def asked(self, backend: str) -> Asked:
        return Asked(self.url, backend, self._keys_file)

    def turns(self, plan: Plan) -> Iterator[Turn]:
        return plan.turns()

    def use(self, backend: str) -> bool:
        wait_until_ready(self.asked(backend))
        new = backend not in self._used
        self._used.add(backend)
        return new

    def check(self, backend: str) -> None:
        """Nothing of it is ours: whether it lives is asked over HTTP, before and after each turn."""

    def roots(self, backend: str) -> Mapping[str, int]:
        return {}


class OwnStack:
    """A context manager that starts store, robot, worker, router and the engines on loopback, and ends them again.

    All engines stay up where memory is enough for all, since idle ones cost no processor time; else, and where there is
    a GPU, of whose memory each takes its share, each is up only while it is measured.

    Raises:
        TargetGone: something does not start.
    """

    def __init__(self, backends: Sequence[str], say: Callable[[str], None]) -> None:
        self._backends = backends
        self._say = say
        self._cleanup = contextlib.ExitStack()
        self._engines: dict[str, Program] = {}
        needed = sum(ENGINES[name].memory_gib for name in backends) + _OWN_GIB
        self.apart = needed * 2**30 > psutil.virtual_memory().available or Path("/dev/nvidiactl").exists()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            self._folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
            self._ports = {name: ENGINES[name].free_ports() for name in self._backends}
            cleanup.callback(self._stop_engines)
            try:
                for name in self._backends[:1] if self.apart else self._backends:
                    self._start(name)
                self._say("starting store, robot, worker and router")
                services = [name for name in SERVICES if name != "engine"]
                self._stack = cleanup.enter_context(Stack(services, env=self._settings()))
            except (StartError, StackError) as error:
                raise TargetGone(str(error)) from error
            self.url = self._stack.router_url
            self._fresh = set(self._engines)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cleanup.__exit__(kind, error, at)

    def asked(self, backend: str) -> Asked:
        return Asked(self.url, backend)

    def turns(self, plan: Plan) -> Iterator[Turn]:
        return plan.turns_apart() if self.apart else plan.turns()

    def use(self, backend: str) -> bool:
        if backend not in self._engines:
            self._stop_engines()
            try:
                self._start(backend)
            except StartError as error:
                raise BackendGone(str(error)) from error
            self._fresh.add(backend)
        self.check(backend)
        wait_until_ready(self.asked(backend))
        fresh = backend in self._fresh
        self._fresh.discard(backend)
        return fresh

    def check(self, backend: str) -> None:
        try:
            self._stack.check()
        except StackError as error:
            raise TargetGone(str(error)) from error
        try:
            self._engines[backend].check()
        except StartError as error:
            raise BackendGone(str(error)) from error

    def roots(self, backend: str) -> Mapping[str, int]:
        ours = {name: self._stack.pid(name) for name in ("router", "worker", "store")}
        return {"engine": self._engines[backend].pid, **ours}

    def _settings(self) -> dict[str, str]:
        """Of router and worker: each backend's address and what its engine needs them to know."""
        found = {"BACKENDS": ",".join(self._backends), "BACKEND": self._backends[0], "WARM_UP_S": "0"}
        found["ANSWERS_SHARED"] = "false"  # engines are measured by what they write
        for name in self._backends:
            found |= ENGINES[name].told(name, self._ports[name])
        return found

    def _start(self, name: str) -> None:
        self._say(f"starting {ENGINES[name].target.name}")
        program = ENGINES[name].program(self._folder, self._ports[name]).__enter__()
        self._engines[name] = program
        program.wait_until_ok(ENGINES[name].ready(self._ports[name]), START_S)

    def _stop_engines(self) -> None:
        while self._engines:
            self._engines.popitem()[1].__exit__(None, None, None)


def backends_of(url: str, keys_file: str = "") -> dict[str, dict[str, Any]]:
    """The backends that a router has, as it tells them, by name. Raises TargetGone if none answers there."""
    try:
        return {one["name"]: one for one in ask_backends(url, read_key(keys_file))["backends"]}
    except (BadTarget, BadOption, http.client.HTTPException) as error:
        raise TargetGone(str(error)) from error


def wait_until_ready(asked: Asked, timeout_s: float = _READY_S) -> None:
    """Wait until the router says that a backend is ready.

    Raises TargetGone if no router answers, BackendGone if it has no such backend or that is not ready in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        state = backends_of(asked.url, asked.keys_file).get(asked.backend)
        if state is None:
            raise BackendGone("the router has no such backend")
        if state["ready"]:
            return
        if time.monotonic() > deadline:
            raise BackendGone(f"it is not ready: {state.get('detail') or 'no reason told'}")
        time.sleep(_POLL_S)
