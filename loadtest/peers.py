"""The gateways that ours is compared with, installed on request in an environment of their own and run as they come."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loadtest.processes import ROOT, Program, StartError, free_port

ENVIRONMENT = ROOT / ".venv-peers"
PACKAGES = {"litellm": "litellm[proxy]", "vllm-router": "vllm-router"}
_START_S = 120.0


def install() -> dict[str, str]:
    """Install whichever peers are missing; returns the versions that will run. Raises StartError."""
    if not (versions := _versions()):
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)  # noqa: S603 - Python's own module
    if versions.keys() != PACKAGES.keys():
        print("installing the peers, which takes some minutes …", file=sys.stderr)
        command = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES.values()]
        if subprocess.run(command, stdout=sys.stderr).returncode != 0:  # noqa: S603 - names from this file
            raise StartError("the peers could not be installed; pip says above why. Run without --with-peers")
        versions = _versions()
    return versions


def _versions() -> dict[str, str]:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        return {}
    code = (
        "import json, sys\nfrom importlib import metadata\n"
        "installed = {d.metadata['Name'].lower(): d.version for d in metadata.distributions()}\n"
        "print(json.dumps({name: installed[name] for name in sys.argv[1:] if name in installed}))"
    )
    command = [str(python), "-c", code, *PACKAGES]
    result = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 - the code above
    versions: dict[str, str] = json.loads(result.stdout)
    return versions


@contextlib.contextmanager
def litellm(engine_url: str, model: str) -> Iterator[str]:
    """LiteLLM's proxy in front of the engine, one process, its own defaults; yields its address."""
    # It reads JSON too, as every YAML reader does.
    settings = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {"model": f"openai/{model}", "api_base": f"{engine_url}/v1", "api_key": "none"},
            }
        ],
        "litellm_settings": {"telemetry": False},
    }
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "litellm.yaml"
        config.write_text(json.dumps(settings), encoding="utf-8")
        command = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        with _peer(command, f"http://127.0.0.1:{port}", "/health/liveliness") as url:
            yield url


@contextlib.contextmanager
def vllm_router(engine_url: str) -> Iterator[str]:
    """vllm-router in front of the engine; yields its address."""
    port, metrics_port = free_port(), free_port()
    command = ["vllm-router", "--worker-urls", engine_url, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--policy", "round_robin", "--prometheus-port", str(metrics_port)]
    with _peer(command, f"http://127.0.0.1:{port}", "/health") as url:
        yield url


@contextlib.contextmanager
def _peer(command: list[str], url: str, health: str) -> Iterator[str]:
    program = str(ENVIRONMENT / "bin" / command[0])
    environ = {**os.environ, "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}"}
    # LiteLLM: nothing from the network, and no keys to check, as ours has none here.
    environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    environ["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
    for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
        environ.pop(name, None)
    with Program(command[0], [program, *command[1:]], environ) as peer:
        peer.wait_until_ok(url + health, _START_S)
        yield url
