"""From a backend's settings to its dialect and its adapter."""

from __future__ import annotations

from services.backends.base import Backend
from services.backends.config import BackendConfig
from services.backends.dialects.base import Dialect
from services.backends.dialects.openai import OpenAIDialect
from services.backends.http import HttpBackend


def dialect_for(config: BackendConfig) -> Dialect:
    """What the server speaks over HTTP."""
    return OpenAIDialect(config)


def create_backend(config: BackendConfig) -> Backend:
    """The adapter for a server. No connection is made yet."""
    return HttpBackend(config, dialect_for(config))
