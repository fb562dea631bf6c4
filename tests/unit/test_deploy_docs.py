"""Settings are written in three places, for three readers; here they are held to one another and to the code."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from loadtest.traffic.options import add_options
from services.backends.circuit import CircuitSettings
from services.backends.config import BackendConfig, load_backends
from services.engines.llamacpp.settings import EngineSettings
from services.engines.static_batch.settings import EngineSettings as StaticBatchSettings
from services.engines.transformers.settings import EngineSettings as TransformersSettings
from services.engines.triton.settings import TritonSettings
from services.engines.vllm.settings import EngineSettings as VLLMSettings
from services.jobs.settings import JobSettings
from services.robot.settings import GatewaySettings
from services.robot.simulator.settings import SimulatorSettings
from services.router.settings import RouterSettings
from services.worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILES = ("compose.yaml", "compose.engines.yaml")
COMPOSE = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in COMPOSE_FILES)
#: An operator's own, which is not part of the project, may lie beside them.
ENV_FILES = sorted(path for path in (ROOT / "env").glob("*.env") if path.stem != "own")
BACKENDS = ("llamacpp", "tgi", "tensorrtllm", "vllm", "transformers", "deepspeed")

#: Nothing for the operator of the compose stack: fixed in a container, or chosen by the process itself.
NOT_OFFERED = {
    *(
        f"{backend.upper()}_{field}"
        for backend in BACKENDS
        for field in ("ADAPTERS_BY", "API_KEY", "BATCHING", "BATCH_WAIT_MS", "HEALTH_PATH", "KIND", "NAME", "VISION")
    ),
    *(f"{backend.upper()}_{field}" for backend in BACKENDS[1:] for field in ("CONNECT_TIMEOUT_S", "IDLE_TIMEOUT_S")),
    *(f"{backend.upper()}_CHAT_TEMPLATE" for backend in BACKENDS if backend != "tensorrtllm"),
    *(f"{backend.upper()}_GRPC_PORT" for backend in BACKENDS if backend != "tensorrtllm"),
    *(f"{backend.upper()}_GRAMMAR" for backend in BACKENDS if backend != "tgi"),
    "DEEPSPEED_MODEL",
    "DEEPSPEED_TUNED",
    "GATEWAY_PORT",
    "LLAMACPP_MODEL_PATH",
    "LLAMACPP_PORT",
    "NAO_PORT",
    "ROUTER_PORT",
    "STATIC_BATCH_BUCKET_FACTOR",
    "STATIC_BATCH_DEVICE",
    "STATIC_BATCH_MAX_PROMPT_TOKENS",
    "STATIC_BATCH_MAX_QUEUED",
    "STATIC_BATCH_PORT",
    "STATIC_BATCH_SERVED_NAME",
    "STATIC_BATCH_THREADS",
    "TENSORRTLLM_MODEL",
    "TGI_MODEL",
    "TRANSFORMERS_DEVICE",
    "TRANSFORMERS_MAX_BATCH_TOKENS",
    "TRANSFORMERS_NUM_BLOCKS",
    "TRANSFORMERS_PORT",
    "TRANSFORMERS_TUNED",
    "TRITON_GRPC_PORT",
    "TRITON_HTTP_PORT",
    "TRITON_METRICS_PORT",
    "VLLM_MODEL",
    "WORKER_GRACE_S",
    "WORKER_METRICS_HOST",
    "WORKER_METRICS_PORT",
    "WORKER_NAME",
    "WORKER_SILENCE_S",
}
#: Left to the machine, or to other settings: the code's default is not a constant.
COMPUTED = {"BACKEND", "LLAMACPP_THREADS"}
#: Read by Text Generation Inference: not set, it chooses by itself.
TGI_OWN = {
    "CUDA_GRAPHS",
    "CUDA_MEMORY_FRACTION",
    "KV_CACHE_DTYPE",
    "LORA_ADAPTERS",
    "MAX_BATCH_PREFILL_TOKENS",
    "MAX_CONCURRENT_REQUESTS",
    "MAX_INPUT_TOKENS",
    "MAX_TOTAL_TOKENS",
    "QUANTIZE",
    "SPECULATE",
}
#: The shipped files behind the first three hold nothing, and the last falls back on another setting: to the operator,
#: the default is none.
EMPTY = {"API_KEYS_FILE", "HF_TOKEN_FILE", "ROBOT_PASSWORD_FILE", "BACKENDS"}


def passed_on() -> set[str]:
    """Variables that the compose files hand to containers as they are, when they are set."""
    return set(re.findall(r"^ +([A-Z][A-Z0-9_]+):$", COMPOSE, re.MULTILINE))


def filled_in() -> dict[str, str]:
    """Variables that the compose files themselves use, with their defaults."""
    found: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{([A-Z][A-Z0-9_]+)(?::?-([^}]*))?(?::\+[^}]*)?\}", COMPOSE):
        found.setdefault(name, set()).add(default)
    assert all(len(defaults) == 1 for name, defaults in found.items() if name not in EMPTY), found
    return {name: "" if name in EMPTY else defaults.pop() for name, defaults in found.items()}


def in_env_file() -> dict[str, str]:
    text = (ROOT / "env" / "default.env").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def in_table() -> dict[str, str]:
    text = (ROOT / "DEPLOY.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|", text, re.MULTILINE))


def settings_of_the_code() -> dict[str, object]:
    """Every setting of every service by its variable's name, with its default."""
    models: list[tuple[type[BaseModel], str]] = [
        (CircuitSettings, ""),
        (EngineSettings, "LLAMACPP_"),
        (GatewaySettings, ""),
        (JobSettings, ""),
        (RouterSettings, ""),
        (SimulatorSettings, ""),
        (StaticBatchSettings, "STATIC_BATCH_"),
        (TransformersSettings, "TRANSFORMERS_"),
        (TritonSettings, "TRITON_"),
        (WorkerSettings, ""),
    ]
    found: dict[str, object] = {
        f"{name.upper()}_{field.upper()}": getattr(backend, field)
        for name, backend in load_backends({"BACKENDS": ",".join(BACKENDS)}).configured.items()
        for field in BackendConfig.model_fields
    }
    for model, prefix in models:
        for field, info in model.model_fields.items():
            found[prefix + field.upper()] = info.default
    routing = dict.fromkeys(("BACKEND_SPLIT", "BACKEND_FAILOVER", "BACKEND_SHADOW"), "")
    return found | routing | load_test() | {"LOG_LEVEL": "info"}


def load_test() -> dict[str, object]:
    """Of its options those that compose passes on; the others are fields of its form."""
    defaults: dict[str, object] = {}

    class Parser:
        def add_argument(self, *_: str, env_var: str, default: object, **__: object) -> None:
            defaults[env_var] = default

    add_options(Parser())
    return {name: defaults[name] for name in ("LOADTEST_ALLOWED_HOSTS", "LOADTEST_RECORDS")}


def test_the_table_the_file_and_compose_have_the_same_settings() -> None:
    offered = passed_on() | filled_in().keys() | {"COMPOSE_PROFILES"}  # Compose's own, in .env
    assert in_table().keys() == offered
    assert in_env_file().keys() == offered


def test_the_table_and_the_file_give_the_same_defaults() -> None:
    assert in_table() == in_env_file()


def test_defaults_are_those_of_compose() -> None:
    table = in_table()
    assert f"COMPOSE_PROFILES={table['COMPOSE_PROFILES']}" in (ROOT / ".env").read_text(encoding="utf-8").splitlines()
    assert {name: table[name] for name in filled_in()} == filled_in()


@pytest.mark.parametrize("name", sorted(passed_on() - COMPUTED - TGI_OWN))
def test_defaults_are_those_of_the_code(name: str) -> None:
    default, written = settings_of_the_code()[name], in_table()[name]
    assert TypeAdapter(type(default)).validate_python(written) == default


def test_every_setting_of_the_code_is_offered_or_fixed_in_compose() -> None:
    written = set(re.findall(r"^ +([A-Z][A-Z0-9_]+):", COMPOSE, re.MULTILINE))
    assert settings_of_the_code().keys() - written == NOT_OFFERED


def test_what_is_left_to_tgi_has_no_default_of_ours() -> None:
    assert {name: in_table()[name] for name in TGI_OWN} == dict.fromkeys(TGI_OWN, "")


def test_vllm_is_started_as_by_its_entry_point() -> None:
    """Its published image has none of our code, so the command line is written out."""
    services = yaml.safe_load((ROOT / "compose.engines.yaml").read_text(encoding="utf-8"))["services"]
    command = re.sub(r"\$\{[A-Z_]+:\+[^}]*\}", "", services["engine-vllm"]["command"])
    command = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", command)
    settings = VLLMSettings(host="0.0.0.0", model=in_table()["MODEL"], max_model_len=4096)
    assert shlex.split(command) == ["python3", "-m", "vllm.entrypoints.openai.api_server", *settings.arguments()]


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_env_files_set_what_exists(path: Path) -> None:
    settings = dict(re.findall(r"^([A-Z][A-Z0-9_]+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert settings.keys() <= in_table().keys()
    assert "COMPOSE_PROFILES" in settings, ".env is not read with it, so it has to say which servers start"


@pytest.mark.parametrize("path", ENV_FILES, ids=lambda path: path.stem)
def test_env_files_are_told_of(path: Path) -> None:
    text = (ROOT / "DEPLOY.md").read_text(encoding="utf-8")
    assert f"`{path.stem}`" in text or f"env/{path.name}" in text


def test_the_settings_to_start_from_choose_servers_as_compose_does_without_them() -> None:
    line = next(line for line in (ROOT / ".env").read_text(encoding="utf-8").splitlines() if line[0] != "#")
    assert line in (ROOT / "env" / "default.env").read_text(encoding="utf-8").splitlines()


#: What Docker, Compose, Redis and redis-py say, which is not in our sources.
OF_OTHERS = {
    "Cannot connect to the Docker daemon",
    "unknown command: docker compose",
    'could not select device driver "nvidia"',
    "Memory overcommit must be enabled",
    "network … has active endpoints",
    "port is already allocated",
    "starting",
    "up --wait",
    "down",
    "?wait=",
    "build",
    "docker compose ps",
}


def test_what_the_troubleshooting_quotes_is_what_the_services_say() -> None:
    """Its first column is what people search for; values that vary are left out of it, or are those of an example."""
    said = "\n".join(
        node.value
        for path in (ROOT / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    table = (ROOT / "DEPLOY.md").read_text(encoding="utf-8").partition("## Troubleshooting")[2]
    seen = [row.split(" | ")[0] for row in table.splitlines() if row.startswith("| ")]
    quoted = [text for cell in seen for text in re.findall(r"`([^`]+)`", cell)]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [text for text in quoted if text not in OF_OTHERS | compose.keys()]
    assert len(ours) >= 8
    unsaid = [text for text in ours if not all(part in said for part in text.split("vllm"))]
    assert unsaid == []
