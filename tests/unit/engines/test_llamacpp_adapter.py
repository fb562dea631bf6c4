"""An adapter of peft's as llama.cpp reads it, held to GGUF's own library."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import quantize

from services.engines.llamacpp.adapter import AdapterProblem, gguf_files, read_adapter, to_gguf
from services.engines.llamacpp.settings import packaged_model

HEADS, KEY_HEADS, WIDTH, RANK = 6, 2, 48, 3
Matrices = dict[str, np.ndarray[Any, Any]]


def matrices(width: int = WIDTH, rank: int = RANK) -> Matrices:
    random = np.random.default_rng(1)
    rows = {"self_attn.q_proj": width, "self_attn.k_proj": width * KEY_HEADS // HEADS, "mlp.down_proj": width}
    made = {}
    for layer, out in rows.items():
        name = f"base_model.model.model.layers.4.{layer}"
        made[f"{name}.lora_A.weight"] = random.normal(size=(rank, width)).astype(np.float16)
        made[f"{name}.lora_B.weight"] = random.normal(size=(out, rank)).astype(np.float16)
    return made


def adapter(folder: Path, weights: Matrices, dtype: str = "F16", **metadata: str) -> Path:
    """A folder as peft writes it."""
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, matrix in weights.items():
        header[name] = {
            "dtype": dtype,
            "shape": matrix.shape,
            "data_offsets": [len(data), len(data) + matrix.nbytes],
        }
        data += matrix.tobytes()
    text = json.dumps(header).encode()
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": 2 * RANK}))
    return folder


HEADS_TOLD = {"num_attention_heads": str(HEADS), "num_key_value_heads": str(KEY_HEADS)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Its rows are too short for blocks of 32 numbers."""
    return adapter(tmp_path / "adapter", matrices(), **HEADS_TOLD)


def turned(vectors: np.ndarray[Any, Any], angles: np.ndarray[Any, Any], *, neighbours: bool) -> np.ndarray[Any, Any]:
    """Rotary positions: of neighbours, as llama.cpp turns them, or of the two halves, as Transformers does."""
    half = vectors.shape[-1] // 2
    x, y = (vectors[..., 0::2], vectors[..., 1::2]) if neighbours else (vectors[..., :half], vectors[..., half:])
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.concatenate([x * cosine - y * sine, x * sine + y * cosine], axis=-1)


def test_gguf_s_library_reads_what_was_written(folder: Path, tmp_path: Path) -> None:
    to_gguf(read_adapter(folder), tmp_path / "adapter.gguf")
    reader = GGUFReader(tmp_path / "adapter.gguf")
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert fields == {
        "general.type": "adapter",
        "general.architecture": "llama",
        "adapter.type": "lora",
        "adapter.lora.alpha": 2.0 * RANK,
    }
    written = {tensor.name: tensor.data for tensor in reader.tensors}
    assert written.keys() == {
        f"blk.4.{layer}.weight.lora_{side}" for layer in ("attn_q", "attn_k", "ffn_down") for side in "ab"
    }
    given = matrices()
    layer = "base_model.model.model.layers.4"
    assert np.array_equal(written["blk.4.ffn_down.weight.lora_a"], given[f"{layer}.mlp.down_proj.lora_A.weight"])
    assert np.array_equal(written["blk.4.ffn_down.weight.lora_b"], given[f"{layer}.mlp.down_proj.lora_B.weight"])
    assert np.array_equal(written["blk.4.attn_q.weight.lora_a"], given[f"{layer}.self_attn.q_proj.lora_A.weight"])


def test_rows_of_whole_blocks_are_written_in_eight_bits(tmp_path: Path) -> None:
    given = matrices(width=96, rank=32)
    to_gguf(read_adapter(adapter(tmp_path / "adapter", given, **HEADS_TOLD)), tmp_path / "adapter.gguf")
    written = {tensor.name: tensor for tensor in GGUFReader(tmp_path / "adapter.gguf").tensors}
    assert {tensor.tensor_type for tensor in written.values()} == {GGMLQuantizationType.Q8_0}
    layer = "base_model.model.model.layers.4.mlp.down_proj"
    for side in "AB":
        wanted = quantize(given[f"{layer}.lora_{side}.weight"].astype(np.float32), GGMLQuantizationType.Q8_0)
        assert np.array_equal(written[f"blk.4.ffn_down.weight.lora_{side.lower()}"].data, wanted)
    query = given["base_model.model.model.layers.4.self_attn.q_proj.lora_B.weight"].astype(np.float32)
    in_order = query.reshape(HEADS, 2, -1, 32).swapaxes(1, 2).reshape(query.shape)
    wanted = quantize(in_order, GGMLQuantizationType.Q8_0)
    assert np.array_equal(written["blk.4.attn_q.weight.lora_b"].data, wanted)


def test_attention_is_the_same_in_both_orders(folder: Path, tmp_path: Path) -> None:
    """Scores of a query and a key, each turned by its position, do not depend on who turns them how."""
    to_gguf(read_adapter(folder), tmp_path / "adapter.gguf")
    written = {tensor.name: tensor.data.astype(np.float64) for tensor in GGUFReader(tmp_path / "adapter.gguf").tensors}
    given, layer = matrices(), "base_model.model.model.layers.4.self_attn"
    random = np.random.default_rng(2)
    size = WIDTH // HEADS
    angles = random.uniform(0, 6, size=(2, size // 2))
    inputs = random.normal(size=(2, RANK))
    scores = []
    for neighbours in (False, True):
        if neighbours:
            query, key = written["blk.4.attn_q.weight.lora_b"], written["blk.4.attn_k.weight.lora_b"]
        else:
            query, key = (given[f"{layer}.{part}_proj.lora_B.weight"].astype(np.float64) for part in "qk")
        queries = turned((query @ inputs[0]).reshape(HEADS, size), angles[0], neighbours=neighbours)
        keys = turned((key @ inputs[1]).reshape(KEY_HEADS, size), angles[1], neighbours=neighbours)
        scores.append(np.einsum("gqd,gd->gq", queries.reshape(KEY_HEADS, -1, size), keys))
    assert np.allclose(*scores)


def test_a_gguf_file_is_taken_as_it_is_and_a_folder_is_converted_for_the_while(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    with gguf_files([other, folder]) as files:
        assert files[0] == other
        assert files[1].read_bytes().startswith(b"GGUF")
    assert not files[1].exists()


@pytest.mark.parametrize("fault", ["no heads", "no config", "cut off", "bfloat16", "one side", "empty"])
def test_a_folder_that_is_no_adapter_of_ours_is_told(fault: str, folder: Path, tmp_path: Path) -> None:
    weights = folder / "adapter_model.safetensors"
    match fault:
        case "no heads":
            folder = adapter(tmp_path / "no heads", matrices())
        case "no config":
            (folder / "adapter_config.json").write_text("{}")
        case "cut off":
            weights.write_bytes(weights.read_bytes()[:-8])
        case "bfloat16":  # numpy has no such numbers
            folder = adapter(tmp_path / "bfloat16", matrices(), "BF16", **HEADS_TOLD)
        case "one side":
            halves = {name: matrix for name, matrix in matrices().items() if "lora_A" in name}
            folder = adapter(tmp_path / "one side", halves, **HEADS_TOLD)
        case "empty":
            weights.write_bytes(b"")
    with pytest.raises(AdapterProblem, match=r"holds no adapter of scripts/finetune .*convert_lora_to_gguf"):
        read_adapter(folder)


def test_a_gguf_file_is_read_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    given = read_adapter(folder)
    to_gguf(given, tmp_path / "adapter.gguf")
    read = read_adapter(tmp_path / "adapter.gguf")
    assert read.alpha == given.alpha
    assert read.layers.keys() == given.layers.keys()
    for name, sides in given.layers.items():
        assert all(map(np.array_equal, read.layers[name], sides))


def test_a_gguf_file_that_is_no_adapter_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but broken")
    for file in (broken, packaged_model()):
        with pytest.raises(AdapterProblem, match=r"holds no LoRA adapter that can be read"):
            read_adapter(file)
