"""Settings of the simulated Porter, read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PorterSettings(BaseSettings):
    """Where the simulated Porter listens and how fast its time passes."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    porter_host: str = "127.0.0.1"
    porter_port: int = Field(default=9560, ge=0, le=65535, description="0 lets the system choose")
    porter_speed: float = Field(default=1.0, ge=0.01, le=1000.0, description="simulated seconds per real second")
