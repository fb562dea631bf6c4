"""From a backend's settings to its dialect and its adapter."""

from __future__ import annotations

from services.backends.base import Backend
from services.backends.config import BackendConfig
from services.backends.dialects.base import Dialect
from services.backends.dialects.openai import OpenAIDialect
from services.backends.dialects.tgi import TGIDialect
from services.backends.dialects.triton import TritonDialect
from services.settings import SettingError


def dialect_for(config: BackendConfig) -> Dialect:
    """What the server speaks over HTTP."""
    match config.kind:
        case "openai":
            return OpenAIDialect(config)
        case "tgi":
            return TGIDialect(config)
        case "triton":
            return TritonDialect(config)


def create_backend(config: BackendConfig) -> Backend:
    """The adapter for a server. No connection is made yet. Raises SettingError."""
    # Loaded only here: the router asks for dialects, and has neither aiohttp nor Triton's client with numpy and gRPC.
    try:
        if config.kind == "triton":
            from services.backends.triton import TritonBackend

            return TritonBackend(config)
        if config.batching == "static":
            from services.backends.batch import BatchBackend

            return BatchBackend(config)
        from services.backends.http import HttpBackend
    except ModuleNotFoundError as error:
        raise SettingError(
            f"{config.name} needs the package {error.name}, which is missing here; see requirements/worker.txt."
        ) from None
    return HttpBackend(config, dialect_for(config))
