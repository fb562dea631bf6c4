"""Settings are written in three places, for three readers; here they are held to one another and to the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from services.backends.circuit import CircuitSettings
from services.backends.config import BackendConfig, load_backends
from services.engines.llamacpp.settings import EngineSettings
from services.jobs.settings import JobSettings
from services.robot.settings import GatewaySettings
from services.robot.simulator.settings import SimulatorSettings
from services.router.settings import RouterSettings
from services.worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")

#: Nothing for the operator of the compose stack: fixed in a container, or chosen by the process itself.
NOT_OFFERED = {
    "GATEWAY_PORT",
    "LLAMACPP_API_KEY",
    "LLAMACPP_GRAMMAR",
    "LLAMACPP_HEALTH_PATH",
    "LLAMACPP_KIND",
    "LLAMACPP_MODEL_PATH",
    "LLAMACPP_NAME",
    "LLAMACPP_PORT",
    "LLAMACPP_VISION",
    "NAO_PORT",
    "ROUTER_PORT",
    "WORKER_GRACE_S",
    "WORKER_METRICS_HOST",
    "WORKER_METRICS_PORT",
    "WORKER_NAME",
    "WORKER_SILENCE_S",
}
#: Left to the machine: the code's default is not a constant.
COMPUTED = {"LLAMACPP_THREADS"}


def passed_on() -> set[str]:
    """Variables that compose.yaml hands to containers as they are, when they are set."""
    return set(re.findall(r"^ +([A-Z][A-Z0-9_]+):$", COMPOSE, re.MULTILINE))


def filled_in() -> dict[str, str]:
    """Variables that compose.yaml itself uses, with their defaults."""
    found: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{([A-Z][A-Z0-9_]+)(?::?-([^}]*))?(?::\+[^}]*)?\}", COMPOSE):
        found.setdefault(name, set()).add(default)
    assert all(len(defaults) == 1 for name, defaults in found.items() if name != "API_KEYS_FILE"), found
    # The shipped file behind it holds no key: to the operator, the default is none.
    return {name: defaults.pop() for name, defaults in found.items()} | {"API_KEYS_FILE": ""}


def in_env_file() -> dict[str, str]:
    text = (ROOT / "env" / "default.env").read_text(encoding="utf-8")
    return dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def in_table() -> dict[str, str]:
    text = (ROOT / "DEPLOY.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|", text, re.MULTILINE))


def settings_of_the_code() -> dict[str, object]:
    """Every setting of every service by its variable's name, with its default."""
    llamacpp = load_backends({}).configured["llamacpp"]
    models: list[tuple[type[BaseModel], str]] = [
        (CircuitSettings, ""),
        (EngineSettings, "LLAMACPP_"),
        (GatewaySettings, ""),
        (JobSettings, ""),
        (RouterSettings, ""),
        (SimulatorSettings, ""),
        (WorkerSettings, ""),
    ]
    found: dict[str, object] = {
        f"LLAMACPP_{field.upper()}": getattr(llamacpp, field) for field in BackendConfig.model_fields
    }
    for model, prefix in models:
        for field, info in model.model_fields.items():
            found[prefix + field.upper()] = info.default
    routing = dict.fromkeys(("BACKEND_SPLIT", "BACKEND_FAILOVER", "BACKEND_SHADOW"), "")
    return found | routing | {"LOG_LEVEL": "info"}


def test_the_table_the_file_and_compose_have_the_same_settings() -> None:
    offered = passed_on() | filled_in().keys()
    assert in_table().keys() == offered
    assert in_env_file().keys() == offered


def test_the_table_and_the_file_give_the_same_defaults() -> None:
    assert in_table() == in_env_file()


def test_defaults_are_those_of_compose() -> None:
    table = in_table()
    assert {name: table[name] for name in filled_in()} == filled_in()


@pytest.mark.parametrize("name", sorted(passed_on() - COMPUTED))
def test_defaults_are_those_of_the_code(name: str) -> None:
    default, written = settings_of_the_code()[name], in_table()[name]
    assert TypeAdapter(type(default)).validate_python(written) == default


def test_every_setting_of_the_code_is_offered_or_fixed_in_compose() -> None:
    written = set(re.findall(r"^ +([A-Z][A-Z0-9_]+):", COMPOSE, re.MULTILINE))
    assert settings_of_the_code().keys() - written == NOT_OFFERED
