"""Settings of the simulated NAO, read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class SimulatorSettings(BaseSettings):
    """Where the simulated NAO listens and how fast its time passes."""

    nao_host: str = "127.0.0.1"
    nao_port: int = Field(default=9559, ge=0, le=65535, description="0 lets the system choose")
    nao_speed: float = Field(default=1.0, ge=0.01, le=1000.0, description="simulated seconds per real second")
