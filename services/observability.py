"""Structured logs, the same in every process: one JSON object a line on standard error."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure_logging(service: str) -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines.

    ``LOG_LEVEL`` (default ``info``) sets the least severe level that is written; one that is unknown is told as such.
    """
    wanted = os.environ.get("LOG_LEVEL") or "info"
    level = logging.getLevelNamesMapping().get(wanted.upper())
    unknown, level = level is None, logging.INFO if level is None else level

    # Not a context variable: threads and greenlets begin with a context of their own.
    def name_service(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    shared: list[structlog.typing.Processor] = [
        name_service,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    if unknown:
        structlog.get_logger(__name__).warning(
            "LOG_LEVEL is not known, so info is used; it can be debug, info, warning, error or critical", value=wanted
        )
