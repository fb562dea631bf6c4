"""Settings of the robot gateway, read from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.addresses import MoreRobots, RobotAddress, RobotUrl, addresses
from services.behavior.schema import DEFAULT_ROBOT
from services.settings import Seconds


class GatewaySettings(BaseSettings):
    """Where the gateway listens, which robots it speaks to, and what one behaviour may use up.

    Times are real seconds, however fast a simulated robot's own time passes.
    """

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8200, ge=0, le=65535)
    simulator_url: RobotUrl = Field(default="tcp://127.0.0.1:9559", description="the simulated NAO; empty for none")
    robot_url: RobotUrl = Field(default="", description="a real NAO, such as tcp://nao.local:9559; empty for none")
    robot_user: str = Field(default="nao", description="the user that the real NAO knows, if it asks for one")
    robot_password_file: Path | None = Field(default=None, description="file with that user's password")
    more_robots: MoreRobots = Field(
        default="", description='other robots by name, as JSON: {"porter": {"simulator_url": "tcp://…"}}'
    )

    gateway_max_calls: int = Field(default=200, ge=1, description="robot calls of one behaviour")
    gateway_max_statements: int = Field(default=200, ge=1, description="statements of one behaviour")
    gateway_call_timeout_s: Seconds = Field(default=120.0, description="the longest that one robot call may take")
    gateway_behavior_timeout_s: Seconds = Field(default=600.0, description="the longest a behaviour holds a robot")
    gateway_statement_timeout_s: Seconds = Field(default=60.0, description="the longest wait for a next statement")
    gateway_line_limit: int = Field(default=16, ge=0, description="behaviours that may wait for one robot")
    gateway_line_timeout_s: Seconds = Field(default=300.0, description="the longest wait for one's turn")

    @property
    def robots(self) -> dict[str, RobotAddress]:
        """All robots by name."""
        first = RobotAddress(
            simulator_url=self.simulator_url,
            robot_url=self.robot_url,
            robot_user=self.robot_user,
            robot_password_file=self.robot_password_file,
        )
        return {DEFAULT_ROBOT: first, **addresses(self.more_robots)}
