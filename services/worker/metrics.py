"""Prometheus metrics of the worker."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.behavior.schema import BehaviorResult

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

ACTIVE = Gauge("rbe_worker_active_behaviors", "Behaviours in hand.")
BATCH = Histogram("rbe_worker_batch_size", "Messages collected per batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128))
FINISHED = Counter("rbe_worker_behaviors", "Behaviours that ended here.", ["backend", "status"])
GENERATIONS = Counter(
    "rbe_worker_generations",
    "Answers asked of backends by how that went; one behaviour may need several.",
    ["backend", "outcome"],
)
SHARED = Counter(
    "rbe_worker_shared_answers",
    "Answers that backends were not asked for: followed while written for an equal request, or replayed.",
    ["backend", "origin"],
)
REPAIRS = Counter(
    "rbe_worker_repairs",
    "Programs that the model wrote a second time because the checks found a fault, by how the behaviour ended.",
    ["backend", "status"],
)
CIRCUIT = Gauge("rbe_worker_backend_circuit", "Circuit of a backend: 0 closed, 1 half-open, 2 open.", ["backend"])
SHADOWS = Counter("rbe_worker_shadows", "Copies for shadow backends by what came of them.", ["backend", "outcome"])
SHADOW_TTFT = Histogram("rbe_worker_shadow_ttft_seconds", "Copy sent to first token.", ["backend"], buckets=_SECONDS)
SHADOW_TOTAL = Histogram("rbe_worker_shadow_total_seconds", "Copy sent to its end.", ["backend"], buckets=_SECONDS)
TOKENS = Counter(
    "rbe_worker_completion_tokens", "Tokens of answers; an answer that is shared counts each time.", ["backend"]
)
QUEUE = Histogram("rbe_worker_queue_seconds", "Acceptance to start.", ["backend"], buckets=_SECONDS)
TTFT = Histogram("rbe_worker_ttft_seconds", "Acceptance to first token.", ["backend"], buckets=_SECONDS)
TTFS = Histogram("rbe_worker_ttfs_seconds", "Acceptance to first checked statement.", ["backend"], buckets=_SECONDS)
TTFA = Histogram(
    "rbe_worker_ttfa_seconds", "Acceptance to first call sent to the robot.", ["backend", "mode"], buckets=_SECONDS
)
TOTAL = Histogram("rbe_worker_total_seconds", "Acceptance to end.", ["backend"], buckets=_SECONDS)


def record(document: BehaviorResult, mode: str) -> None:
    """Count a behaviour that ended; ``mode`` is how it was to act."""
    FINISHED.labels(document.backend, document.status).inc()
    if document.repaired:
        REPAIRS.labels(document.backend, document.status).inc()
    TOKENS.labels(document.backend).inc(document.usage.completion_tokens)
    timings = document.timings
    if timings.ttfa_ms is not None:
        TTFA.labels(document.backend, mode).observe(timings.ttfa_ms / 1000)
    for histogram, milliseconds in (
        (QUEUE, timings.queue_ms),
        (TTFT, timings.ttft_ms),
        (TTFS, timings.ttfs_ms),
        (TOTAL, timings.total_ms),
    ):
        if milliseconds is not None:
            histogram.labels(document.backend).observe(milliseconds / 1000)
