"""Settings of the robot gateway, read from the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.behavior.catalogue import robots
from services.behavior.schema import DEFAULT_ROBOT
from services.settings import Seconds, from_json

_MAX_PORT = 65_535
#: A name or an IPv4 address, or an IPv6 address in brackets, and a port; nothing else, for qi takes nothing else.
_ROBOT_URL = re.compile(r"tcps?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?):(?P<port>[0-9]{1,5})")


def _checked_robot_url(url: str) -> str:
    """The address, if qi can go to it. Raises ValueError."""
    parts = _ROBOT_URL.fullmatch(url)
    if url and not (parts and 0 < int(parts["port"]) <= _MAX_PORT):
        raise ValueError("it has to be like tcp://nao.local:9559, or tcps://nao.local:9503 for an encrypted connection")
    return url


#: Address of a robot's service directory; empty for none.
RobotUrl = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_checked_robot_url)]


class RobotAddress(BaseModel):
    """Where one robot is, simulated and real, and what opens the real one. Empty means that there is none."""

    model_config = ConfigDict(extra="forbid")

    simulator_url: RobotUrl = ""
    robot_url: RobotUrl = ""
    robot_user: str = ""
    robot_password_file: Path | None = None


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
    more_robots: str = Field(
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
        return {DEFAULT_ROBOT: first, **_robots(self.more_robots)}

    @field_validator("more_robots")
    @classmethod
    def _have_catalogues(cls, text: str) -> str:
        named = _robots(text)
        if unknown := sorted(set(named) - set(robots())):
            raise ValueError(f"robots without a catalogue: {unknown}; known: {', '.join(robots())}")
        if DEFAULT_ROBOT in named:
            raise ValueError(f"{DEFAULT_ROBOT} has the settings SIMULATOR_URL and ROBOT_URL of its own")
        return text


def _robots(text: str) -> dict[str, RobotAddress]:
    return from_json(dict[str, RobotAddress], text) if text else {}
