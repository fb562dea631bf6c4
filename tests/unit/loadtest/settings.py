"""Settings of a run, for tests that need some."""

from __future__ import annotations

from typing import Any

from loadtest.traffic.settings import Settings

USUAL: dict[str, Any] = {
    "url": "http://127.0.0.1:8000",
    "backends": ("llamacpp",),
    "robots": 1,
    "door": "durable",
    "mix": "daily",
    "seed": 1,
    "arrivals": "closed",
    "rate": 1.0,
    "shape": "constant",
    "trace": "",
    "think_time_s": 0.0,
    "priorities": "5",
    "robot_kind": "nao",
    "execute": "none",
    "max_tokens": 256,
    "max_in_flight": 1000,
    "timeout_s": 60.0,
    "slo_ttft_s": 1.0,
    "slo_ttfa_s": 2.0,
    "slo_e2e_s": 10.0,
}


def settings(**changes: Any) -> Settings:
    """The usual ones, changed."""
    return Settings.model_validate(USUAL | changes)
