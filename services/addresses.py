"""Where robots are, as the settings of gateway and router alike say it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from services.behavior.catalogue import robots
from services.behavior.schema import DEFAULT_ROBOT
from services.settings import from_json

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


def addresses(text: str) -> dict[str, RobotAddress]:
    """The robots that ``MORE_ROBOTS`` names. Raises ValueError."""
    return from_json(dict[str, RobotAddress], text) if text else {}


def _checked(text: str) -> str:
    named = addresses(text)
    if unknown := sorted(set(named) - set(robots())):
        raise ValueError(f"robots without a catalogue: {unknown}; known: {', '.join(robots())}")
    if DEFAULT_ROBOT in named:
        raise ValueError(f"{DEFAULT_ROBOT} has the settings SIMULATOR_URL and ROBOT_URL of its own")
    for name, address in named.items():
        if not address.simulator_url and not address.robot_url:
            raise ValueError(f"{name} has neither a simulator_url nor a robot_url; give it one, or leave it out")
    return text


#: Robots other than the default one, by name, as JSON; empty for none.
MoreRobots = Annotated[str, AfterValidator(_checked)]
