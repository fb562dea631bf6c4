"""What the engine tells Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.engines.static_batch.items import Item, Piece


class Metrics:
    """The engine's figures, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.waiting = Gauge("static_batch_prompts_waiting", "Prompts that wait for a batch", registry=self.registry)
        self.running = Gauge("static_batch_prompts_running", "Prompts in the batch that runs", registry=self.registry)
        self.refused = Counter("static_batch_refused", "Requests refused by the full queue", registry=self.registry)
        self.failed = Counter("static_batch_failed_batches", "Batches that failed", registry=self.registry)
        self._size = Histogram(
            "static_batch_size", "Prompts in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=self.registry
        )
        self._prompt = Counter("static_batch_prompt_tokens", "Tokens of prompts that ended", registry=self.registry)
        self._completion = Counter(
            "static_batch_completion_tokens", "Tokens generated for prompts that ended", registry=self.registry
        )

    def batch(self, items: Sequence[Item]) -> None:
        """A batch begins."""
        self._size.observe(len(items))
        self.running.set(len(items))

    def ended(self, last: Piece) -> None:
        """A prompt has been answered to its end."""
        self.running.dec()
        self._prompt.inc(last.prompt_tokens)
        self._completion.inc(last.completion_tokens)
