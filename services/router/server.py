"""gunicorn, configured in code: gevent workers, structured logs, shared metrics."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from services.backends.circuit import CircuitSettings
from services.backends.config import Backends
from services.backends.routing import Routing
from services.jobs.settings import JobSettings
from services.router.connections import RESERVE
from services.router.keys import KeyRing
from services.router.settings import RouterSettings
from services.settings import SettingError

# Kept in step with services.router.metrics.MULTIPROCESS_DIRECTORY, which must not be imported before it is set.
_METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
#: SIGTERM: requests in flight have this long to end; the whole must stop within 5 s.
_GRACEFUL_S = 3
#: A process that has not said for so long that it lives is replaced.
_SILENT_S = 30
#: A connection is closed when for so long no request, or no end of its head, has come.
_KEEP_ALIVE_S = 20
#: A client that takes nothing of what was sent to it for so long is cut off by the kernel.
_UNTAKEN_MS = 60_000


def check_address(host: str, port: int) -> None:
    """See whether the router can listen there, which gunicorn would try for seconds. Raises SettingError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.removeprefix("[").removesuffix("]"), port))
    except (OSError, UnicodeError) as error:  # the latter for what can be no name
        reason = getattr(error, "strerror", None) or error
        raise SettingError(
            f"it cannot listen on {host}:{port} ({reason}): the port is taken or the address is not this "
            "machine's; set ROUTER_PORT or ROUTER_HOST to others"
        ) from None


class Server(BaseApplication):  # type: ignore[misc]
    """The router as a gunicorn application; each worker process makes its own Flask application after the fork."""

    def __init__(
        self,
        settings: RouterSettings,
        jobs: JobSettings,
        backends: Backends,
        routing: Routing,
        circuits: CircuitSettings,
        keys: KeyRing | None,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._backends = backends
        self._routing = routing
        self._circuits = circuits
        self._keys = keys
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        host = settings.router_host.removeprefix("[").removesuffix("]")
        host = f"[{host}]" if ":" in host else host
        values: dict[str, Any] = {
            "bind": f"{host}:{settings.router_port}",
            "proc_name": "router",
            "worker_class": "services.router.connections.ConnectionWorker",
            "workers": settings.router_processes,
            "worker_connections": settings.router_connections + RESERVE,
            "keepalive": _KEEP_ALIVE_S,
            "timeout": _SILENT_S,
            "graceful_timeout": _GRACEFUL_S,
            "logger_class": _StandardLogger,
            "control_socket_disable": True,
            # No header field says for whom a client speaks, whoever it is: so there is nobody to look up.
            "forwarded_allow_ips": "*",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "when_ready": _bound_sending,
            "child_exit": _forget_process,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        # Imported in the worker process, whose sockets gevent has by now made its own.
        from services.jobs.store import JobStore, connect
        from services.router.app import create_app

        store = JobStore(connect(self._jobs), self._jobs)
        app = create_app(self._settings, store, self._backends, self._routing, self._circuits, self._keys)
        # All that was loaded stays: collecting garbage need not look at it again, which would take milliseconds.
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # the interpreter takes down in an orderly way only what it may collect
        return app

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        if self._settings.router_processes == 1:
            os.environ.pop(_METRICS_DIRECTORY, None)
            super().run()
            return
        directory = tempfile.mkdtemp(prefix="router-metrics-")
        os.environ[_METRICS_DIRECTORY] = directory
        owner = os.getpid()
        try:
            super().run()
        finally:
            if os.getpid() == owner:
                shutil.rmtree(Path(directory), ignore_errors=True)


class _StandardLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers of its own: its lines go the way of all others. Requests are not logged."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
        self.error_log.propagate = True
        # Worker starts and stops are of interest, routine lines are not.
        self.error_log.setLevel(logging.INFO)


def _bound_sending(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_MS)


def _forget_process(arbiter: Any, worker: Any) -> None:
    if _METRICS_DIRECTORY in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
