"""The whole engine on loopback: store, LLM engine, simulated NAO, robot gateway, worker and router, as processes.

The quick start, the tests and the benchmark run the same services as a deployment does, with the same settings::

    with Stack() as stack:
        requests.post(f"{stack.router_url}/v1/behaviors", json={"instruction": "Wave"})

Needs only the standard library, so that the services begin to load at once.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from services.embedded import store
from services.embedded.folder import StackFolder
from services.embedded.ports import check_loopback, port_of, reserve_port
from services.embedded.process import ServiceProcess, Watchdog

ROOT = Path(__file__).resolve().parents[2]
#: What makes the engine's model write programs for the NAO (docs/finetuning.md).
ADAPTER = ROOT / "services" / "training" / "adapter"
#: Where the engine keeps its model with that in its weights: beside the environments, to which it belongs.
MERGED = ROOT / ".venvs" / "merged"

#: In the order in which they stop; the router first, so that nothing new comes in, and the store last.
_ALL = ("router", "worker", "gateway", "simulator", "porter", "engine", "store")
#: What a stack consists of, but for the simulated Porter, which is there only for those who ask for it.
SERVICES = tuple(name for name in _ALL if name != "porter")
_MODULES = {
    "router": "services.router",
    "worker": "services.worker",
    "gateway": "services.robot",
    "simulator": "services.robot.simulator",
    "porter": "services.robot.simulator.porter",
    "engine": "services.engines.llamacpp",
}
_POLL_S = 0.03
_STOP_GRACE_S = 6.0
#: Settings of the caller's shell do not leak into the stack; these alone pass.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LOG_LEVEL")


class StackError(Exception):
    """The stack does not come up or has broken; the message carries the tail of the log in question."""


def _no_report(_: tuple[str, ...]) -> None:
    """For those who do not watch the stack come up."""


class Stack:
    """A context manager that starts the services, waits until they are ready, and leaves no process behind.

    Args:
        services: names out of ``SERVICES``, and ``porter``; whoever leaves some out points the others elsewhere through
            ``env``.
        env: settings (environment variables) for all services, over the stack's own.
        router_port: the router's port; 0 takes a free one, as the others always do.
        robot_speed: simulated seconds per real second.
        report: called again and again during the start with the names of the services that are not ready yet.
        timeout_s: seconds that the services together may take to become ready.
        failure_logs: folder that the logs take the place of when an exception leaves the ``with`` block; by default
            they go with the rest.

    Raises:
        LoopbackDown: there is no way to 127.0.0.1.
        PortTaken: ``router_port`` is in use.
        StackError: a service ended or was not ready in time.
    """

    def __init__(
        self,
        services: Iterable[str] = SERVICES,
        *,
        env: Mapping[str, str] | None = None,
        router_port: int = 0,
        robot_speed: float = 10.0,
        report: Callable[[tuple[str, ...]], None] = _no_report,
        timeout_s: float = 120.0,
        failure_logs: Path | None = None,
    ) -> None:
        wanted = set(services)
        if unknown := wanted - set(_ALL):
            raise ValueError(f"unknown services {sorted(unknown)}; there are {', '.join(_ALL)}")
        self.services = tuple(name for name in _ALL if name in wanted)
        self._overrides = dict(env or {})
        self._router_port = router_port
        self._robot_speed = robot_speed
        self._report = report
        self._timeout_s = timeout_s
        self._failure_logs = failure_logs
        self._cleanup = contextlib.ExitStack()
        self._processes: dict[str, ServiceProcess] = {}

    # Addresses

    @property
    def router_url(self) -> str:
        """The public HTTP API."""
        return f"http://127.0.0.1:{self.ports['router']}"

    @property
    def engine_url(self) -> str:
        """llama.cpp's HTTP server."""
        return f"http://127.0.0.1:{self.ports['engine']}"

    @property
    def gateway_url(self) -> str:
        """The robot gateway."""
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def simulator_url(self) -> str:
        """The simulated NAO, for ``qi.Session().connect``."""
        return f"tcp://127.0.0.1:{self.ports['simulator']}"

    @property
    def porter_url(self) -> str:
        """The simulated Porter, likewise."""
        return f"tcp://127.0.0.1:{self.ports['porter']}"

    @property
    def redis_url(self) -> str:
        """The store."""
        return f"redis://127.0.0.1:{self.ports['store']}/0"

    # Life

    def __enter__(self) -> Self:
        check_loopback()
        with contextlib.ExitStack() as cleanup:
            self._holders: dict[str, socket.socket] = {
                name: cleanup.enter_context(reserve_port(self._router_port if name == "router" else 0))
                for name in _ALL
                if name != "worker"
            }
            self.ports = {name: port_of(holder) for name, holder in self._holders.items()}
            self._folder = StackFolder()
            cleanup.push(self._remove_files)
            self.directory = self._folder.path
            (self.directory / "store").mkdir()
            self._watchdog = cleanup.enter_context(Watchdog(self.directory))
            cleanup.callback(self._stop_all)
            for name in reversed(self.services):
                self._spawn(name)
            self._wait_until_ready(self.services)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.__exit__(exception_type, exception, traceback)

    def start(self, name: str) -> None:
        """Start a service that was stopped or killed, at its old address, and wait until it is ready."""
        if name in self._processes:
            raise ValueError(f"{name} runs already; stop or kill it first")
        self._spawn(name)
        self._wait_until_ready((name,))

    def stop(self, name: str) -> None:
        """Stop a service in good order."""
        self._processes[name].stop(_STOP_GRACE_S)
        del self._processes[name]

    def kill(self, name: str) -> None:
        """``kill -9`` a service with all its processes, as a crash would."""
        self._processes.pop(name).kill()

    def pid(self, name: str) -> int:
        """Process id of a running service."""
        return self._processes[name].pid

    def log(self, name: str) -> Path:
        """What a service wrote, over all its starts."""
        return self.directory / f"{name}.log"

    def check(self) -> None:
        """Raise StackError if a service has ended that nobody stopped."""
        for name, process in self._processes.items():
            status = process.exit_status()
            if status is not None:
                how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
                raise StackError(f"The {name} {how}. The end of {name}.log:\n{process.log_tail()}")

    # Inside

    @property
    def _health_file(self) -> Path:
        return self.directory / "worker-consumed"

    def _environment(self) -> dict[str, str]:
        """One set of settings for all: each service reads its own."""
        port = {name: str(number) for name, number in self.ports.items()}
        more_robots = {"porter": {"simulator_url": self.porter_url}} if "porter" in self.services else {}
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.directory),  # what a killed service leaves behind goes with the rest
            "REDIS_URL": self.redis_url,
            "BACKEND": "llamacpp",
            "LLAMACPP_URL": self.engine_url,
            "LLAMACPP_HOST": "127.0.0.1",
            "LLAMACPP_PORT": port["engine"],
            "LLAMACPP_LORA_PATH": str(ADAPTER),
            # In the weights it is fastest, and serves the NAO alone.
            "LLAMACPP_TUNED": "nao=0" if "porter" in self.services else "nao",
            "LLAMACPP_MERGED_PATH": str(MERGED),
            "NAO_HOST": "127.0.0.1",
            "NAO_PORT": port["simulator"],
            "NAO_SPEED": str(self._robot_speed),
            "SIMULATOR_URL": self.simulator_url,
            "PORTER_HOST": "127.0.0.1",
            "PORTER_PORT": port["porter"],
            "PORTER_SPEED": str(self._robot_speed),
            "MORE_ROBOTS": json.dumps(more_robots),
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": port["gateway"],
            "GATEWAY_URL": self.gateway_url,
            "WORKER_HEALTH_FILE": str(self._health_file),
            "ROUTER_HOST": "127.0.0.1",
            "ROUTER_PORT": port["router"],
            **self._overrides,
        }

    def _spawn(self, name: str) -> None:
        if name == "worker":
            self._health_file.unlink(missing_ok=True)
        if name == "store":
            command = store.server_command(self.ports["store"], self.directory / "store")
        else:
            command = [sys.executable, "-m", _MODULES[name]]
        self._processes[name] = ServiceProcess(command, self._environment(), self.log(name), self._watchdog)

    def _ready(self, name: str) -> bool:
        match name:
            case "store":
                return store.answers(self.ports["store"])
            case "simulator" | "porter":
                return _listens(self.ports[name])
            case "worker":
                return self._health_file.exists()
            case "engine":
                return _answers_ok(f"{self.engine_url}/health")
            case "router" if "worker" not in self._processes:
                return _answers_ok(f"{self.router_url}/healthz")
        return _answers_ok(f"{self.router_url if name == 'router' else self.gateway_url}/readyz")

    def _wait_until_ready(self, names: tuple[str, ...]) -> None:
        deadline = time.monotonic() + self._timeout_s
        waiting = names
        while waiting := tuple(name for name in waiting if not self._ready(name)):
            self.check()
            self._report(waiting)
            if time.monotonic() > deadline:
                name = waiting[-1]  # those that others wait for come last
                raise StackError(
                    f"Not ready within {self._timeout_s:.0f} s: {', '.join(waiting)}. The end of {name}.log:\n"
                    f"{self._processes[name].log_tail()}"
                )
            time.sleep(_POLL_S)

    def _remove_files(self, exception_type: type[BaseException] | None, *_: object) -> None:
        """An interrupt, unlike an exception, leaves no logs: nothing is wrong that they could tell the cause of."""
        failed = exception_type is not None and issubclass(exception_type, Exception)
        self._folder.remove(self._failure_logs if failed else None)

    def _stop_all(self) -> None:
        for name in _ALL:
            if name in self._processes:
                self.stop(name)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    except OSError:
        return False


def _answers_ok(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=2.0)
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
