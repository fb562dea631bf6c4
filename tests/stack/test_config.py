"""What compose makes of every file in env/: which servers start, closed up how, and that no secret shows."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.backends.config import load_backends
from services.backends.routing import load_routing
from services.router.settings import RouterSettings
from tests.stack.conftest import ROOT, ComposeStack

CORE = {"nao", "redis", "robot", "router", "worker"}
#: The engines that an env file starts, and the backends that the router then offers.
FILES = {
    "compare": ({"engine-tgi", "engine-tensorrtllm"}, {"tgi", "tensorrtllm"}),
    "compare-one-gpu": ({"engine-tgi", "engine-tensorrtllm"}, {"tgi", "tensorrtllm"}),
    "deepspeed": ({"engine-deepspeed"}, {"deepspeed"}),
    "deepspeed-cpu": ({"engine-deepspeed-cpu"}, {"deepspeed"}),
    "default": ({"engine-llamacpp"}, {"llamacpp"}),
    "llamacpp": ({"engine-llamacpp"}, {"llamacpp"}),
    "tensorrtllm": ({"engine-tensorrtllm"}, {"tensorrtllm"}),
    "tensorrtllm-cpu": ({"engine-tensorrtllm-cpu"}, {"tensorrtllm"}),
    "tensorrtllm-tuned": ({"engine-tensorrtllm"}, {"tensorrtllm"}),
    "tgi": ({"engine-tgi"}, {"tgi"}),
    "tgi-cpu": ({"engine-tgi-cpu"}, {"tgi"}),
    "tgi-tuned": ({"engine-tgi"}, {"tgi"}),
    "transformers": ({"engine-transformers"}, {"transformers"}),
    "transformers-cpu": ({"engine-transformers-cpu"}, {"transformers"}),
    "vllm": ({"engine-vllm"}, {"vllm"}),
    "vllm-cpu": ({"engine-vllm-cpu"}, {"vllm"}),
    "vllm-tuned": ({"engine-vllm"}, {"vllm"}),
}
WITHOUT_HUB = {"engine-llamacpp", "engine-tensorrtllm-cpu"}
every_file = pytest.mark.parametrize("name", sorted(FILES))


@cache
def config(compose: ComposeStack, name: str, **changes: str) -> dict[str, Any]:
    """The document that compose works by, with env/NAME.env; for reading, since it is made once."""
    text = compose.compose("--env-file", f"env/{name}.env", "config", "--format", "json", **changes)
    return dict(json.loads(text))


def engines_of(document: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in document["services"].items() if name.startswith("engine-")}


def test_no_env_file_is_forgotten_here() -> None:
    assert {path.stem for path in (ROOT / "env").glob("*.env")} - {"own"} == FILES.keys()


@every_file
def test_it_starts_these_engines_and_no_others(compose: ComposeStack, name: str) -> None:
    assert config(compose, name)["services"].keys() == CORE | FILES[name][0]


@every_file
def test_router_and_worker_know_the_backends_and_wait_for_their_engines(compose: ComposeStack, name: str) -> None:
    document = config(compose, name)
    engines, backends = FILES[name]
    hosts = {
        host
        for engine, service in engines_of(document).items()
        for host in (engine, *(service["networks"]["engines"] or {}).get("aliases", []))
    }
    for service in ("router", "worker"):
        environ = {key: value for key, value in document["services"][service]["environment"].items() if value}
        loaded = load_backends(environ)
        assert loaded.configured.keys() == backends
        assert load_routing(loaded, environ).serving == backends
        assert {urlsplit(backend.url).hostname for backend in loaded.configured.values()} <= hosts
        waits = document["services"][service]["depends_on"]
        assert {engine: waits[engine]["condition"] for engine in engines} == dict.fromkeys(engines, "service_healthy")


@every_file
def test_every_service_is_closed_up_and_bounded(compose: ComposeStack, name: str) -> None:
    for service, said in config(compose, name)["services"].items():
        assert said["read_only"], service
        assert said["cap_drop"] == ["ALL"], service
        assert not said.get("cap_add"), service
        assert not said.get("privileged"), service
        assert said["security_opt"] == ["no-new-privileges:true"], service
        assert int(said["mem_limit"]) > 0, service
        assert 0 < int(said["pids_limit"]) <= 4096, service
        assert said["init"], service
        assert said["restart"] == "unless-stopped", service
        assert said["logging"]["options"]["max-size"], service
        (temporary,) = said["tmpfs"]
        assert {"nosuid", "nodev"} <= set(temporary.split(":")[1].split(",")), service
        assert "size=" in temporary, service
        assert said["healthcheck"]["test"], service
        assert said["healthcheck"]["start_period"], service
        assert ("ports" in said) == (service == "router"), service
        writable = {mount["target"] for mount in said.get("volumes", []) if not mount.get("read_only")}
        assert writable <= {"/data"}, service


@every_file
def test_only_what_fetches_a_model_leaves_the_machine(compose: ComposeStack, name: str) -> None:
    document = config(compose, name)
    open_networks = {network for network, said in document["networks"].items() if not (said or {}).get("internal")}
    assert open_networks <= {"edge", "hub"}
    for service, said in document["services"].items():
        fetches = service.startswith("engine-") and service not in WITHOUT_HUB
        assert ("hub" in said["networks"]) == fetches, service
        assert ([secret["source"] for secret in said.get("secrets", [])] == ["hf_token"]) == fetches, service


@every_file
def test_a_gpu_is_asked_for_only_where_there_has_to_be_one(compose: ComposeStack, name: str) -> None:
    for engine, said in engines_of(config(compose, name)).items():
        devices = said.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
        without = engine.endswith("-cpu") or engine == "engine-llamacpp"
        assert [device["driver"] for device in devices] == ([] if without else ["nvidia"]), engine


def test_gpus_are_chosen_by_the_environment(compose: ComposeStack) -> None:
    document = config(compose, "compare", TGI_GPU="3", TENSORRTLLM_GPU="GPU-5f2c")
    chosen = {
        engine: said["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]
        for engine, said in engines_of(document).items()
    }
    assert chosen == {"engine-tgi": ["3"], "engine-tensorrtllm": ["GPU-5f2c"]}


def test_on_a_shared_gpu_tensorrtllm_starts_after_tgi_and_takes_less(compose: ComposeStack) -> None:
    document = config(compose, "compare-one-gpu")
    triton = document["services"]["engine-tensorrtllm"]
    assert triton["depends_on"]["engine-tgi"] == {"condition": "service_healthy", "required": False}
    assert document["services"]["engine-tgi"]["environment"]["CUDA_MEMORY_FRACTION"] == "0.45"
    assert Path(document["configs"]["triton"]["file"]) == ROOT / "env" / "triton-shared-gpu.yaml"
    assert triton["configs"] == [{"source": "triton", "target": triton["environment"]["LLM_CONFIG_PATH"]}]


@pytest.mark.parametrize(
    ("settings", "engines"),
    [
        ({}, {"engine-llamacpp"}),
        ({"BACKEND": "tgi"}, {"engine-tgi"}),
        ({"BACKEND": "triton"}, {"engine-tensorrtllm"}),
        ({"BACKENDS": "tgi,triton"}, {"engine-tgi", "engine-tensorrtllm"}),
        ({"BACKEND": "triton", "COMPOSE_PROFILES": "triton-cpu"}, {"engine-tensorrtllm-cpu"}),
        ({"BACKEND": "llama.cpp"}, {"engine-llamacpp"}),
        ({"BACKENDS": "vllm,deepspeed"}, {"engine-vllm", "engine-deepspeed"}),
        ({"BACKENDS": "vllm,transformers", "BACKEND": "transformers"}, {"engine-vllm", "engine-transformers"}),
    ],
)
@pytest.mark.parametrize("file", [".env", "env/default.env"])
def test_one_variable_switches_the_engine(
    compose: ComposeStack, settings: dict[str, str], engines: set[str], file: str
) -> None:
    listed = compose.compose("--env-file", file, "config", "--services", **settings).split()
    assert set(listed) == CORE | engines


def test_the_second_robot_has_a_profile_of_its_own(compose: ComposeStack) -> None:
    porter = json.dumps({"porter": {"simulator_url": "tcp://porter:9560"}})
    settings = {"COMPOSE_PROFILES": "llamacpp,porter", "LLAMACPP_TUNED": "nao=0", "MORE_ROBOTS": porter}
    services = config(compose, "default", **settings)["services"]
    for name in ("engine-llamacpp", "router", "worker"):
        assert services[name]["environment"]["LLAMACPP_TUNED"] == "nao=0"
    assert services.keys() == CORE | {"engine-llamacpp", "porter"}
    assert services["porter"]["networks"].keys() & services["robot"]["networks"].keys() == {"nao"}
    assert services["porter"]["read_only"]
    assert services["robot"]["environment"]["MORE_ROBOTS"] == services["router"]["environment"]["MORE_ROBOTS"] == porter


def test_the_load_test_has_a_profile_of_its_own(compose: ComposeStack) -> None:
    document = config(compose, "default", COMPOSE_PROFILES="vllm,loadtest", BACKENDS="vllm", LOADTEST_PORT="8090")
    services = document["services"]
    assert services.keys() == CORE | {"engine-vllm", "loadtest"}
    load_test, router = services["loadtest"], services["router"]
    assert load_test["networks"].keys() == {"edge"}
    assert {name for name, said in services.items() if "edge" in said["networks"]} == {"loadtest", "router"}
    target = urlsplit(load_test["environment"]["LOCUST_HOST"])
    assert target.hostname in router["networks"]["edge"]["aliases"]
    assert target.hostname in router["environment"]["ROUTER_ALLOWED_HOSTS"].split(",")
    assert target.port == 8000
    assert load_test["environment"]["LOADTEST_BACKENDS"] == "vllm"
    assert [(port["host_ip"], port["published"], port["target"]) for port in load_test["ports"]] == [
        ("127.0.0.1", "8090", 8089)
    ]
    assert load_test["depends_on"]["router"]["condition"] == "service_healthy"
    assert load_test["build"]["target"] == "loadtest"
    assert {mount["target"] for mount in load_test["volumes"]} == {"/data"}
    for said in ("read_only", "cap_drop", "security_opt", "pids_limit", "init", "restart", "logging", "tmpfs"):
        assert load_test[said] == router[said], said
    assert int(load_test["mem_limit"]) == 512 * 1024**2


def test_the_load_test_takes_the_names_that_the_operator_adds(compose: ComposeStack) -> None:
    document = config(compose, "default", ROUTER_ALLOWED_HOSTS="robots.example")
    allowed = document["services"]["router"]["environment"]["ROUTER_ALLOWED_HOSTS"]
    assert RouterSettings(router_allowed_hosts=allowed).allowed_hosts == {"robots.example", "router.engine.internal"}


def test_no_secret_shows(compose: ComposeStack, tmp_path: Path) -> None:
    files = {
        "API_KEYS_FILE": ("keys.txt", "lab:correct-horse-battery\n"),
        "HF_TOKEN_FILE": ("token.txt", "hf_correcthorsebattery\n"),
        "ROBOT_PASSWORD_FILE": ("robot.txt", "correct-horse\n"),
    }
    for file, text in files.values():
        (tmp_path / file).write_text(text)
    secrets = {setting: str(tmp_path / file) for setting, (file, _) in files.items()}
    for name in FILES:
        document = config(compose, name, HF_TOKEN="hf_fromtheshell", **secrets)
        assert document["services"]["router"]["environment"]["API_KEYS_FILE"] == "/run/secrets/api_keys"
        assert document["services"]["robot"]["environment"]["ROBOT_PASSWORD_FILE"] == "/run/secrets/robot_password"
        said = json.dumps(document)
        assert not [secret for secret in ("correct-horse", "correcthorse", "fromtheshell") if secret in said], name


@pytest.mark.parametrize(
    ("file", "token"), [("hf_correcthorse\n", "hf_correcthorse"), ("# mine\nhf_b\nhf_c\n", "hf_b"), ("# none\n", "")]
)
def test_the_token_reaches_the_server_from_its_file(
    compose: ComposeStack, tmp_path: Path, file: str, token: str
) -> None:
    done = _entrypoint(compose, tmp_path, file, 0o444)
    assert (done.stdout.strip(), done.returncode) == (token, 0 if token else 1), done.stderr


def test_a_token_that_cannot_be_read_is_no_silent_none(compose: ComposeStack, tmp_path: Path) -> None:
    done = _entrypoint(compose, tmp_path, "hf_correcthorse\n", 0o000)
    assert done.returncode not in (0, 1)
    assert "/run/secrets/hf_token" in done.stderr


def _entrypoint(compose: ComposeStack, tmp_path: Path, text: str, mode: int) -> subprocess.CompletedProcess:
    """The servers' entry point with ``printenv HF_TOKEN`` in the server's place, in a container without rights."""
    document = config(compose, "tgi")
    shell, *arguments = [word.replace("$$", "$") for word in document["services"]["engine-tgi"]["entrypoint"]]
    path = tmp_path / "hf_token"
    path.write_text(text)
    path.chmod(mode)
    mount = f"{path}:/run/secrets/hf_token:ro"
    image = document["services"]["worker"]["build"]["args"]["BASE_IMAGE"]
    options = ["--rm", "--cap-drop", "ALL", "--user", "10001", "--volume", mount, "--entrypoint", shell]
    return compose.run("docker", "run", *options, image, *arguments, "printenv", "HF_TOKEN")
