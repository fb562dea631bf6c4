"""Settings of the robot gateway, read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Where the gateway listens, which robots it speaks to, and what one behaviour may use up.

    Times are real seconds, however fast a simulated robot's own time passes.
    """

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8200, ge=0, le=65535)
    simulator_url: str = Field(default="tcp://127.0.0.1:9559", description="the simulated NAO; empty for none")
    robot_url: str = Field(default="", description="a real NAO, such as tcp://nao.local:9559; empty for none")

    gateway_max_calls: int = Field(default=200, ge=1, description="robot calls of one behaviour")
    gateway_max_statements: int = Field(default=200, ge=1, description="statements of one behaviour")
    gateway_call_timeout_s: float = Field(default=120.0, gt=0, description="the longest that one robot call may take")
    gateway_behavior_timeout_s: float = Field(default=600.0, gt=0, description="the longest a behaviour holds a robot")
    gateway_statement_timeout_s: float = Field(default=60.0, gt=0, description="the longest wait for a next statement")
    gateway_line_limit: int = Field(default=16, ge=0, description="behaviours that may wait for one robot")
    gateway_line_timeout_s: float = Field(default=300.0, gt=0, description="the longest wait for one's turn")
