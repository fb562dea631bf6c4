"""The router's Prometheus metrics. Label values come from fixed sets: routes, methods, statuses, backends."""

from __future__ import annotations

import os
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.jobs.errors import StoreUnavailable
from services.jobs.store import JobStore

#: Set before the first import of prometheus_client when several processes share one set of figures.
MULTIPROCESS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


# The time at which each series began would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All that the router counts, in a registry of its own so that two applications do not meet."""

    def __init__(self, store: JobStore) -> None:
        registry = CollectorRegistry()
        self.requests = Counter(
            "router_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "router_request_seconds",
            "From a request's head to the start of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_byte = Histogram(
            "router_passthrough_first_byte_seconds",
            "From a pass-through request to the first byte of the backend's answer (streaming: TTFT).",
            ["backend", "streaming"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.hangups = Counter(
            "router_passthrough_hangups",
            "Pass-through requests that ended early because the client hung up.",
            ["backend"],
            registry=registry,
        )
        self.shadows = Counter(
            "router_passthrough_shadows",
            "Copies of pass-through requests for shadow backends by what came of them.",
            ["backend", "outcome"],
            registry=registry,
        )
        self.active = Gauge(
            "router_passthrough_active",
            "Pass-through requests at a backend now.",
            ["backend"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.streams = Gauge(
            "router_event_streams", "Event streams open now.", registry=registry, multiprocess_mode="livesum"
        )
        self._registry = registry
        self._queue = _QueueDepth(store)

    def exposition(self) -> bytes:
        """The metrics of all processes in Prometheus' text format."""
        registry = self._registry
        if MULTIPROCESS_DIRECTORY in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        queue = CollectorRegistry()
        queue.register(self._queue)
        return generate_latest(registry) + generate_latest(queue)


class _QueueDepth(Collector):
    """Behaviours waiting, asked of the store at each scrape; left out while the store does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        try:
            waiting = self._store.queued()
        except StoreUnavailable:
            return
        yield GaugeMetricFamily("router_queue_depth", "Behaviors waiting for a worker.", value=waiting)

    def describe(self) -> Iterable[Metric]:
        return ()
