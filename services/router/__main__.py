"""Starts the router: ``python -m services.router``."""

from __future__ import annotations

import sys
from pathlib import Path

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.backends.circuit import CircuitSettings
from services.backends.config import ConfigurationError, load_backends
from services.backends.registry import dialect_for
from services.backends.routing import load_routing
from services.jobs.settings import JobSettings
from services.observability import configure_logging
from services.router.keys import KeyFileError, KeyRing
from services.router.server import Server
from services.router.settings import RouterSettings


def main() -> int:
    """Read the settings, refuse with one sentence what cannot be served, else serve until SIGTERM."""
    configure_logging("router")
    log = structlog.get_logger("services.router")
    try:
        settings = RouterSettings()
        jobs = JobSettings()
        circuits = CircuitSettings()
        backends = load_backends()
        routing = load_routing(backends)
        for config in backends.configured.values():
            dialect_for(config)  # a chat template that cannot be read is told now
        keys = KeyRing(Path(settings.api_keys_file)) if settings.api_keys_file else None
    except ValidationError as error:
        return _refuse("; ".join(_sentence(fault) for fault in error.errors(include_url=False)))
    except (ConfigurationError, KeyFileError) as error:
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


def _sentence(fault: ErrorDetails) -> str:
    name = "_".join(str(part) for part in fault["loc"]).upper()
    message = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _refuse(reason: str) -> int:
    print(f"The router does not start: {reason.rstrip('.')}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
