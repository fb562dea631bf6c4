"""Starts the router: ``python -m services.router``."""

from __future__ import annotations

import sys
from pathlib import Path

import structlog

from services.backends.circuit import CircuitSettings
from services.backends.config import check_robots, load_backends
from services.backends.registry import dialect_for
from services.backends.routing import load_routing
from services.behavior.catalogue import robots
from services.jobs.settings import JobSettings
from services.observability import configure_logging
from services.router.keys import KeyFileError, KeyRing
from services.router.server import Server, check_address
from services.router.settings import RouterSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Read the settings, refuse with one sentence what cannot be served, else serve until SIGTERM."""
    configure_logging("router")
    log = structlog.get_logger("services.router")
    try:
        settings = read_settings(RouterSettings)
        jobs = read_settings(JobSettings)
        circuits = read_settings(CircuitSettings)
        backends = load_backends()
        check_robots(backends, robots())
        routing = load_routing(backends)
        for config in backends.configured.values():
            dialect_for(config)  # a chat template that cannot be read is told now
        keys = KeyRing(Path(settings.api_keys_file)) if settings.api_keys_file else None
        check_address(settings.router_host, settings.router_port)
    except (SettingError, KeyFileError) as error:
        return _refuse(str(error))
    log.info(
        "router starts",
        host=settings.router_host,
        port=settings.router_port,
        backends=sorted(backends.configured),
        access="API keys" if keys is not None else "no API keys: loopback only",
    )
    Server(settings, jobs, backends, routing, circuits, keys).run()
    return 0


def _refuse(reason: str) -> int:
    print(f"The router does not start: {reason.rstrip('.')}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
