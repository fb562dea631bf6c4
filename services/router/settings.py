"""Settings of the router, from environment variables of the same names in capitals."""

from __future__ import annotations

import ipaddress
import re
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.addresses import MoreRobots, RobotAddress, RobotUrl, addresses
from services.backends.config import HttpUrl
from services.behavior.schema import DEFAULT_ROBOT
from services.settings import Seconds

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


def _host_names(text: str) -> list[str]:
    return [name for item in text.split(",") if (name := item.strip().lower())]


def _checked_hosts(text: str) -> str:
    names = _host_names(text)
    if text and not names:
        raise ValueError("it names no host")
    for name in names:
        if not _HOST_NAME.fullmatch(name) and not _is_address(name):
            raise ValueError(f"{name!r} is no host name; write each one out, without a port, as in router,robots.lan")
    return text


class RouterSettings(BaseSettings):
    """Where the router listens, whom it lets in, and how long it waits for what."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    router_host: str = "127.0.0.1"
    router_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    #: Server processes; each is one event loop, so more than the cores brings nothing.
    router_processes: Annotated[int, Field(ge=1, le=64)] = 2
    #: Connections open at once in each process; further ones wait in the kernel's backlog.
    router_connections: Annotated[int, Field(ge=1, le=100_000)] = 1000
    #: Address on which a container's port is published, which the router itself cannot see.
    router_published_on: str = ""
    #: Names, besides those of loopback, by which clients may call a router without keys (comma-separated).
    router_allowed_hosts: Annotated[str, AfterValidator(_checked_hosts)] = ""
    #: File of API keys, one ``key`` or ``name:key`` a line; empty: no keys, loopback only.
    api_keys_file: str = ""

    gateway_url: HttpUrl = "http://127.0.0.1:8200"
    #: Address of the real robot; only whether there is one matters to the router.
    robot_url: RobotUrl = ""
    #: The other robots of the gateway, by name, as JSON; only which there are matters to the router.
    more_robots: MoreRobots = ""

    router_max_body_bytes: Annotated[int, Field(ge=1024)] = 10 * 1024 * 1024
    #: What the larger bodies that are read or in hand may take up in each process; beyond it requests get 503.
    router_bodies_max_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    #: Longest that a request's body may take to arrive.
    router_body_timeout_s: Seconds = 30.0
    #: Longest that a pass-through request waits for its turn at a busy backend before it is answered with 429.
    router_admission_timeout_s: Seconds = 30.0
    #: Longest that a backend may take over a pass-through answer, streamed or not.
    router_completion_timeout_s: Seconds = 600.0
    #: A silent event stream is kept open with a comment this often; at most 10 s make a difference.
    router_keep_alive_s: Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False)] = 10.0
    #: Requests slower than this are logged.
    router_slow_request_s: Seconds = 10.0

    @cached_property
    def _addresses(self) -> dict[str, RobotAddress]:
        return addresses(self.more_robots)

    def reaches(self, robot: str, execute: str) -> bool:
        """Whether a behaviour can be carried out so: by the simulated robot (``simulate``) or the real one."""
        if robot == DEFAULT_ROBOT:
            return execute == "simulate" or bool(self.robot_url)
        address = self._addresses.get(robot, RobotAddress())
        return bool(address.simulator_url if execute == "simulate" else address.robot_url)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Host names, in lower case, that a router without keys answers to besides loopback's."""
        return frozenset(_host_names(self.router_allowed_hosts))

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.router_bodies_max_bytes >= self.router_max_body_bytes:
            return self
        raise ValueError(
            f"ROUTER_BODIES_MAX_BYTES={self.router_bodies_max_bytes} leaves no room for one body of "
            f"ROUTER_MAX_BODY_BYTES={self.router_max_body_bytes}: raise the one or lower the other"
        )

    @model_validator(mode="after")
    def _open_to_loopback_only(self) -> Self:
        if self.api_keys_file or is_loopback(self.router_host) or is_loopback(self.router_published_on):
            return self
        if self.router_published_on:  # which compose makes of ROUTER_ADDRESS
            raise ValueError(
                "without API keys the router serves loopback only, and its port is published on "
                f"{self.router_published_on}: set API_KEYS_FILE, or leave out ROUTER_ADDRESS (with Docker Compose) or "
                "set ROUTER_PUBLISHED_ON=127.0.0.1 (without)"
            )
        raise ValueError(
            f"without API keys the router serves loopback only, and ROUTER_HOST={self.router_host} is not a loopback "
            "address: set API_KEYS_FILE, or in a container whose port is published on loopback set "
            "ROUTER_PUBLISHED_ON=127.0.0.1"
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host name or address (an IPv6 one with or without brackets) means this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
