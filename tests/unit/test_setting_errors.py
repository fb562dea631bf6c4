"""Faults in settings are told by the name of the variable, and no secret with them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
from pydantic_settings import BaseSettings

from services.backends.circuit import CircuitSettings
from services.engines.llamacpp.settings import EngineSettings
from services.jobs import store
from services.jobs.celery_app import create_celery
from services.jobs.settings import JobSettings
from services.observability import configure_logging
from services.robot.settings import GatewaySettings
from services.router.settings import RouterSettings
from services.settings import SettingError, read_settings
from services.worker.settings import WorkerSettings

Kind = type[BaseSettings]


def fault(kind: Kind, monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError) as raised:
        read_settings(kind)
    return str(raised.value)


def test_every_wrong_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(JobSettings, monkeypatch, QUEUE_LIMIT="0", LEASE_S="soon")
    assert "QUEUE_LIMIT=0 is not valid: Input should be greater than 0" in told
    assert "LEASE_S=soon is not valid: " in told


def test_what_may_hold_a_password_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(JobSettings, monkeypatch, REDIS_URL="http://:hunter2@store:6379")
    assert told.startswith("REDIS_URL is not valid: ")
    assert "hunter2" not in told


def test_a_worker_is_not_taken_for_silent_while_it_collects_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(WorkerSettings, monkeypatch, BATCH_INTERVAL_MS="60000")
    assert told == (
        "WORKER_SILENCE_S=60 would end a healthy worker: with BATCH_INTERVAL_MS=60000 it has to be at least 130"
    )


@pytest.mark.parametrize("value", ["inf", "nan", "0", "86401"])
@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (WorkerSettings, "BEHAVIOR_TIMEOUT_S"),
        (WorkerSettings, "ENGINE_WAIT_S"),
        (WorkerSettings, "WORKER_GRACE_S"),
        (RouterSettings, "ROUTER_BODY_TIMEOUT_S"),
        (GatewaySettings, "GATEWAY_LINE_TIMEOUT_S"),
        (CircuitSettings, "CIRCUIT_OPEN_S"),
    ],
)
def test_nothing_waits_for_ever(monkeypatch: pytest.MonkeyPatch, kind: Kind, setting: str, value: str) -> None:
    assert fault(kind, monkeypatch, **{setting: value}).startswith(f"{setting}={value} is not valid: ")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:abc",
        "redis://store:99999",
        "redis://store:0",
        "redis://[::1",
        "redis://:hunter2@",
        "redis://store/first",
        "redis://store?socket_timeout=3",
        "unix:///run/redis.sock",
        "store:6379",
    ],
)
def test_an_address_of_the_store_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    told = fault(JobSettings, monkeypatch, REDIS_URL=url)
    assert "it has to be like redis://127.0.0.1:6379/0" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rediss://store?ssl_magic=1&ssl_password=hunter2", "there is no option ssl_magic; there are ssl_ca_certs, "),
        ("rediss://store?ssl_min_version=771", "there is no option ssl_min_version; "),
        (
            "redis://store?ssl_ca_certs=/ca",
            "the option ssl_ca_certs is for TLS, which takes an address that begins with",
        ),
        (
            "rediss://store?ssl_cert_reqs=maybe",
            "the option ssl_cert_reqs needs one value: none or optional or required",
        ),
        ("rediss://store?ssl_check_hostname=0", "the option ssl_check_hostname needs one value: false or true"),
        ("rediss://store?ssl_ca_certs=", "the option ssl_ca_certs needs one value"),
        ("rediss://store?ssl_ca_certs=/a&ssl_ca_certs=/b", "the option ssl_ca_certs needs one value"),
    ],
)
def test_an_option_of_the_stores_address_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    told = fault(JobSettings, monkeypatch, REDIS_URL=url)
    assert told.startswith("REDIS_URL")
    assert f" is not valid: {said}" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "options",
    [
        "ssl_ca_certs=/ca",
        "ssl_ca_path=/etc/ssl",
        "ssl_certfile=/certificate&ssl_keyfile=/key&ssl_password=secret",
        "ssl_ciphers=HIGH",
        "ssl_cert_reqs=none&ssl_check_hostname=false",
    ],
)
def test_both_clients_of_the_store_take_every_option_alike(options: str) -> None:
    settings = JobSettings(redis_url=f"rediss://store?{options}")
    ours = store.connect(settings).connection_pool.make_connection()
    celerys = create_celery(settings, "a", 4).connection_for_read().ssl
    assert isinstance(ours, redis.SSLConnection)
    taken = redis.SSLConnection(**celerys)
    for name in ("ca_certs", "ca_path", "certfile", "keyfile", "certificate_password", "ssl_ciphers", "cert_reqs"):
        assert getattr(ours, name) == getattr(taken, name)
    assert ours.check_hostname == taken.check_hostname


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("QUEUE_LIMIT", "100001"),
        ("QUEUE_MAX_BYTES", "17179869185"),
        ("QUEUE_TTL_S", "86401"),
        ("RESULT_TTL_S", "2592001"),
        ("RESULTS_LIMIT", "1000001"),
        ("LEASE_S", "601"),
        ("MAX_ATTEMPTS", "101"),
    ],
)
def test_nothing_grows_without_bound(monkeypatch: pytest.MonkeyPatch, setting: str, value: str) -> None:
    told = fault(JobSettings, monkeypatch, **{setting: value})
    assert told == f"{setting}={value} is not valid: Input should be less than or equal to {int(value) - 1}"


def test_the_engines_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(EngineSettings, monkeypatch, LLAMACPP_PROMPT_CACHE_MIB="1048577")
    assert told.startswith("LLAMACPP_PROMPT_CACHE_MIB=1048577 is not valid: Input should be less than or equal to")


@pytest.mark.parametrize(
    "url", ["redis://store", "redis://:secret@store:6379/3", "redis://[::1]:6379/", "rediss://store/0?ssl_ca_certs=/ca"]
)
def test_an_address_of_the_store_that_can_be_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert read_settings(JobSettings).redis_url == url


@pytest.mark.parametrize("url", ["rediss://store", "rediss://store?ssl_ca_certs=/ca"])
def test_celery_speaks_tls_where_the_address_says_so(url: str) -> None:
    app = create_celery(JobSettings(redis_url=url), "a", 4)
    assert app.connection_for_read().ssl


@pytest.mark.parametrize("kind", [WorkerSettings, RouterSettings])
def test_a_slash_after_the_gateways_address_does_no_harm(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    monkeypatch.setenv("GATEWAY_URL", "http://gateway:8200/")
    settings: Any = read_settings(kind)
    assert settings.gateway_url == "http://gateway:8200"


@pytest.mark.parametrize("kind", [WorkerSettings, RouterSettings])
def test_no_password_goes_with_the_gateways_address(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    told = fault(kind, monkeypatch, GATEWAY_URL="http://lab:hunter2@gateway:8200")
    assert told.startswith("GATEWAY_URL is not valid: it must not hold a user name or password")
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "url",
    [
        "nao.local",
        "nao.local:9559",
        "http://nao.local:9559",
        "tcp://nao.local",
        "tcp://:9559",
        "tcp://na o:9559",
        "tcp://nao:9559/a",
        "tcp://nao:70000",
    ],
)
@pytest.mark.parametrize("kind", [GatewaySettings, RouterSettings])
def test_an_address_of_a_robot_says_how_to_reach_it(monkeypatch: pytest.MonkeyPatch, kind: Kind, url: str) -> None:
    told = fault(kind, monkeypatch, ROBOT_URL=url)
    assert told.startswith(f"ROBOT_URL={url} is not valid: it has to be like tcp://nao.local:9559")


def test_an_unknown_log_level_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setenv("LOG_LEVEL", "verbose")
    try:
        configure_logging("test")
    finally:
        root.handlers[:], level, configuration = before
        root.setLevel(level)
        structlog.configure(**configuration)
    told = json.loads(capsys.readouterr().err)
    assert (told["level"], told["value"]) == ("warning", "verbose")
    assert "it can be debug, info" in told["event"]


@pytest.mark.parametrize("period", ["0.0001", "0.09", "0", "nan"])
def test_a_silent_stream_is_not_commented_on_all_the_time(monkeypatch: pytest.MonkeyPatch, period: str) -> None:
    assert fault(RouterSettings, monkeypatch, ROUTER_KEEP_ALIVE_S=period).startswith("ROUTER_KEEP_ALIVE_S=")


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ("*", "'*' is no host name; write each one out, without a port, as in router,robots.lan"),
        ("a b", "'a b' is no host name"),
        ("router,robots:8000", "'robots:8000' is no host name"),
        ("[::1]", "'[::1]' is no host name"),
        (",,,", "it names no host"),
    ],
)
def test_what_is_no_host_is_told(monkeypatch: pytest.MonkeyPatch, hosts: str, said: str) -> None:
    told = fault(RouterSettings, monkeypatch, ROUTER_ALLOWED_HOSTS=hosts)
    assert told.startswith(f"ROUTER_ALLOWED_HOSTS={hosts} is not valid: {said}")


@pytest.mark.parametrize("database", ["99999999999999", "2147483647"])
def test_a_database_that_no_store_has_is_told(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    told = fault(JobSettings, monkeypatch, REDIS_URL=f"redis://127.0.0.1:6379/{database}")
    assert told.endswith(" is not valid: the database is a number up to 2147483646, and up to 15 as Redis comes")


@pytest.mark.parametrize("kind", [RouterSettings, GatewaySettings])
def test_a_robot_that_is_nowhere_is_told(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    told = fault(kind, monkeypatch, MORE_ROBOTS='{"porter":{}}')
    assert told.endswith("porter has neither a simulator_url nor a robot_url; give it one, or leave it out")


@pytest.mark.parametrize("place", ["missing/file", ""])
def test_a_health_file_that_cannot_be_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    told = fault(WorkerSettings, monkeypatch, WORKER_HEALTH_FILE=str(tmp_path / place))
    assert told == (f"WORKER_HEALTH_FILE={tmp_path / place} is not valid: it has to be a file in a folder that exists")
