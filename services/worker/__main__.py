"""``python -m services.worker``: run one worker until SIGTERM."""

from __future__ import annotations

import signal
import sys
import warnings

import structlog
from celery.exceptions import SecurityWarning
from celery.signals import worker_shutting_down
from prometheus_client import start_http_server

from services.backends.circuit import CircuitSettings
from services.backends.config import check_robots, load_backends
from services.backends.routing import load_routing
from services.behavior.catalogue import robots
from services.jobs.celery_app import create_celery, register_batch_task
from services.jobs.settings import JobSettings
from services.observability import configure_logging
from services.settings import SettingError, read_settings
from services.worker.service import WorkerService
from services.worker.settings import WorkerSettings


def main() -> int:
    """Start the event loop, then Celery's consumer in the main thread, where it handles the signals."""
    configure_logging("worker")
    try:
        settings = read_settings(WorkerSettings)
        jobs = read_settings(JobSettings)
        circuits = read_settings(CircuitSettings)
        backends = load_backends()
        check_robots(backends, robots())
        routing = load_routing(backends)
    except SettingError as error:
        return _refuse(str(error))
    if settings.worker_metrics_port:
        place = settings.worker_metrics_host, settings.worker_metrics_port
        try:
            start_http_server(addr=place[0], port=place[1])
        except OSError as error:
            return _refuse(
                f"its metrics cannot be served on {place[0]}:{place[1]} ({error.strerror}): the port is taken or the "
                "address is not this machine's; set WORKER_METRICS_PORT or WORKER_METRICS_HOST to others"
            )
    service = WorkerService(settings, jobs, backends, routing, circuits)
    try:
        service.start()
    except SettingError as error:
        return _refuse(str(error))
    app = create_celery(jobs, settings.worker_name, settings.batch_size)
    register_batch_task(
        app,
        service.handover,
        batch_size=settings.batch_size,
        interval_s=settings.batch_interval_ms / 1000,
        eager=lambda: settings.batch_eager and service.receptive,
        reconnected=service.reconnected,
    )

    @worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def shutting_down(**_: object) -> None:
        service.begin_shutdown()

    # It warns root of messages that run code when they are unpacked; ours are JSON, and nothing else is taken.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        hostname=settings.worker_name,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
    )
    structlog.get_logger("worker").info(
        "worker starts", backends=sorted(backends.configured), batch_size=settings.batch_size
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until Celery's own handler takes over
    try:
        service.warm_up()
        service.watch()
        worker.start()
    finally:
        service.stop()
    return int(worker.exitcode or 0)


def _refuse(reason: str) -> int:
    print(f"The worker does not start: {reason.rstrip('.')}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
