"""Settings of the Triton server, from environment variables that begin with ``TRITON_``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
_ROOT = Path(__file__).resolve().parents[3]


class TritonSettings(BaseSettings):
    """Where the server listens and what it serves."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_prefix="TRITON_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    http_port: Port = 8000
    grpc_port: Port = 8001
    metrics_port: Port = 8002
    model_repository: Path = _ROOT / "triton_models"
