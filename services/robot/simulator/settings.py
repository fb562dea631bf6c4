"""Settings of the simulated NAO, read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SimulatorSettings(BaseSettings):
    """Where the simulated NAO listens and how fast its time passes."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    nao_host: str = "127.0.0.1"
    nao_port: int = Field(default=9559, ge=0, le=65535, description="0 lets the system choose")
    nao_speed: float = Field(default=1.0, ge=0.01, le=1000.0, description="simulated seconds per real second")
