from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.robot.settings import GatewaySettings
from services.router.settings import RouterSettings
from services.settings import SettingError, read_settings


def test_the_default_robot_has_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBOT_URL", "tcps://nao.local:9503")
    monkeypatch.setenv("ROBOT_PASSWORD_FILE", "/run/secrets/nao")
    (robot,) = read_settings(GatewaySettings).robots.values()
    assert robot.simulator_url == "tcp://127.0.0.1:9559"
    assert (robot.robot_url, robot.robot_user) == ("tcps://nao.local:9503", "nao")
    assert robot.robot_password_file == Path("/run/secrets/nao")


def test_others_are_told_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MORE_ROBOTS", '{"porter": {"simulator_url": "tcp://127.0.0.1:9560"}}')
    robots = read_settings(GatewaySettings).robots
    assert list(robots) == ["nao", "porter"]
    assert (robots["porter"].simulator_url, robots["porter"].robot_url) == ("tcp://127.0.0.1:9560", "")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("porter", "MORE_ROBOTS"),
        ('{"porter": {"url": "tcp://127.0.0.1:9560"}}', "porter.url"),
        ('{"r2d2": {"simulator_url": "tcp://127.0.0.1:9560"}}', "without a catalogue: ['r2d2']; known: nao, porter"),
        ('{"nao": {}}', "nao has the settings SIMULATOR_URL and ROBOT_URL"),
    ],
)
@pytest.mark.parametrize("kind", [GatewaySettings, RouterSettings])
def test_what_cannot_be_meant_is_said(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseSettings], value: str, words: str
) -> None:
    monkeypatch.setenv("MORE_ROBOTS", value)
    with pytest.raises(SettingError) as caught:
        read_settings(kind)
    assert words in str(caught.value)


def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MORE_ROBOTS", "ROBOT_USER", "ROBOT_PASSWORD_FILE"):
        monkeypatch.setenv(name, "")
    settings = read_settings(GatewaySettings)
    assert (list(settings.robots), settings.robot_user, settings.robot_password_file) == (["nao"], "nao", None)
