"""What the parts of the router share."""

from __future__ import annotations

from dataclasses import dataclass

from services.backends.circuit import Circuit
from services.backends.config import Backends
from services.backends.routing import Routing
from services.jobs.store import JobStore
from services.router.body import Bodies
from services.router.keys import KeyRing
from services.router.metrics import Metrics
from services.router.settings import RouterSettings
from services.router.upstream import Upstream

_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Context:
    """The router's settings and the services around it, made once by the application factory."""

    settings: RouterSettings
    store: JobStore
    backends: Backends
    keys: KeyRing | None
    metrics: Metrics
    robots: frozenset[str]
    #: One client for each backend, and one for the robot gateway.
    upstreams: dict[str, Upstream]
    #: What this process has seen of each backend.
    circuits: dict[str, Circuit]
    routing: Routing
    gateway: Upstream
    bodies: Bodies


def connect_backends(backends: Backends) -> dict[str, Upstream]:
    """A client for every configured backend; connections are made on first use."""
    return {
        name: Upstream(config.url, connect_timeout_s=config.connect_timeout_s, max_idle=config.max_concurrency)
        for name, config in backends.configured.items()
    }


def connect_gateway(url: str) -> Upstream:
    """A client for the robot gateway. It keeps no connection, so that an emergency stop never meets a stale one."""
    return Upstream(url, connect_timeout_s=_CONNECT_TIMEOUT_S, max_idle=0)
