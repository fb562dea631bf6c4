"""From a backend's settings to its adapter."""

from __future__ import annotations

from services.backends.base import Backend
from services.backends.config import BackendConfig
from services.backends.openai import OpenAIBackend


def create_backend(config: BackendConfig) -> Backend:
    """Return the adapter for ``config.kind``. No connection is made yet."""
    return OpenAIBackend(config)
