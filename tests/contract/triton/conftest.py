"""Servers that the tests of this folder share: Triton is slow to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from running_triton import Triton, serving

from services.engines.triton.server import TritonMissing, environment


@pytest.fixture(scope="session", autouse=True)
def _triton_can_run() -> None:
    try:
        environment({})
    except TritonMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """Two slots, and an adapter named ``noise``."""
    folder = tmp_path_factory.mktemp("triton")
    config = {"lora_adapters": {"noise": str(noise_adapter(folder / "noise.gguf"))}}
    with serving(folder, triton_config=config, LLAMACPP_SLOTS=2) as server:
        yield server


@pytest.fixture(scope="session")
def one_slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """One slot and room for one more request, started as NVIDIA's launcher does."""
    folder = tmp_path_factory.mktemp("one_slot")
    config = {"max_queued": 1, "cancellation_check_period_ms": 20}
    environ = {"LLAMACPP_SLOTS": 1, "LLAMACPP_CONTEXT_TOKENS": 2048}
    with serving(folder, "--disable-auto-complete-config", triton_config=config, **environ) as server:
        yield server


def noise_adapter(path: Path) -> Path:
    """Write a LoRA adapter of strong noise, of the small model's shape."""
    rank, width = 4, 576
    random = np.random.default_rng(7)
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for block in range(30):
        name = f"blk.{block}.attn_q.weight"
        writer.add_tensor(f"{name}.lora_a", random.normal(0, 0.5, (rank, width)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", random.normal(0, 0.5, (width, rank)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
