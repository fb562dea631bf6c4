"""The rule that a router without keys serves this machine only."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.router.settings import RouterSettings, is_loopback


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.3.2.1", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example", "127.1"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"router_host": "::1"},
        {"router_host": "0.0.0.0", "router_published_on": "127.0.0.1"},
        {"router_host": "0.0.0.0", "api_keys_file": "/run/secrets/keys"},
    ],
)
def test_may_serve(settings: dict[str, str]) -> None:
    RouterSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        {"router_host": "0.0.0.0"},
        {"router_host": "192.168.1.5"},
        {"router_host": "::"},
        {"router_host": "0.0.0.0", "router_published_on": "192.168.1.5"},
    ],
)
def test_may_not_serve(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="API_KEYS_FILE"):
        RouterSettings(**settings)  # type: ignore[arg-type]


def test_allowed_hosts() -> None:
    assert RouterSettings(router_allowed_hosts=" Router, ,a.example ").allowed_hosts == {"router", "a.example"}


def test_empty_variables_mean_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_PORT", "")
    monkeypatch.setenv("GATEWAY_URL", "")
    assert RouterSettings().router_port == 8000


def test_which_robots_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MORE_ROBOTS", '{"porter": {"simulator_url": "tcp://127.0.0.1:9560", "robot_url": ""}}')
    settings = RouterSettings()
    reached = [(robot, how) for robot in ("nao", "porter", "r2d2") for how in ("simulate", "robot")]
    assert [pair for pair in reached if settings.reaches(*pair)] == [("nao", "simulate"), ("porter", "simulate")]
    monkeypatch.setenv("ROBOT_URL", "tcp://nao.local:9559")
    assert RouterSettings().reaches("nao", "robot")
    monkeypatch.setenv("MORE_ROBOTS", '{"porter": "tcp://127.0.0.1:9560"}')
    with pytest.raises(ValueError, match="porter: Input should be"):
        RouterSettings()
