"""A LoRA adapter as peft writes it, in the form that llama.cpp reads.

The adapter ships once, in the form that TGI, vLLM, TensorRT-LLM and Transformers take; the engine makes its own form of
it at the start, in eight bits where rows divide into ggml's blocks: a prompt is read faster so (docs/performance.md).

Formats: safetensors, https://huggingface.co/docs/safetensors; GGUF 3, docs/gguf.md of ggml.
"""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.engines.llamacpp.eight_bits import BLOCK, Q8_0, q8_0

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
#: Under these names ``WEIGHTS_FILE`` tells the heads of the model, which peft's files do not.
HEADS = "num_attention_heads"
KEY_HEADS = "num_key_value_heads"

#: The names that llama.cpp has for the linear layers of a Llama.
_LAYERS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
_ALIGNMENT = 32
_FLOAT16 = 1
_TYPE_FLOAT32, _TYPE_STRING = 6, 8
_HALF_BYTES = 2


class AdapterProblem(Exception):
    """The adapter cannot be converted; the message is a sentence for people."""


@dataclass(frozen=True)
class _Tensor:
    """A matrix [``rows``, ``columns``], row by row; ``form`` is ggml's number for how its numbers are written."""

    name: str
    rows: int
    columns: int
    form: int
    data: bytes


@contextmanager
def gguf_files(adapters: Iterable[Path]) -> Iterator[list[Path]]:
    """The adapters as GGUF files, which folders are converted to; those are removed again, and need be read only once.

    Raises AdapterProblem, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="adapter-") as place:
        files = []
        for number, adapter in enumerate(adapters):
            if adapter.is_dir():
                file = Path(place) / f"{number}.gguf"
                to_gguf(adapter, file)
                files.append(file)
            else:
                files.append(adapter)
        yield files


def to_gguf(folder: Path, path: Path) -> None:
    """Write the adapter in ``folder`` as a GGUF file. Raises AdapterProblem, OSError."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_bytes())
        alpha = float(config["lora_alpha"])
        tensors = list(_tensors(folder / WEIGHTS_FILE))
    except (FileNotFoundError, ValueError, KeyError, struct.error) as error:
        raise AdapterProblem(
            f"{folder} holds no adapter of scripts/finetune ({error!r}); llama.cpp's convert_lora_to_gguf.py makes a "
            "GGUF file of any other"
        ) from error
    fields = [
        _string("general.type") + struct.pack("<I", _TYPE_STRING) + _string("adapter"),
        _string("general.architecture") + struct.pack("<I", _TYPE_STRING) + _string("llama"),
        _string("adapter.type") + struct.pack("<I", _TYPE_STRING) + _string("lora"),
        _string("adapter.lora.alpha") + struct.pack("<If", _TYPE_FLOAT32, alpha),
    ]
    offset = 0
    infos = []
    for tensor in tensors:
        infos.append(_string(tensor.name) + struct.pack("<IQQIQ", 2, tensor.columns, tensor.rows, tensor.form, offset))
        offset += len(tensor.data) + _padding(len(tensor.data))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)) + b"".join(fields + infos)
    with path.open("wb") as file:
        file.write(head + bytes(_padding(len(head))))
        for tensor in tensors:
            file.write(tensor.data + bytes(_padding(len(tensor.data))))


def _tensors(path: Path) -> Iterator[_Tensor]:
    """The adapter's matrices, named and ordered as llama.cpp wants them."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
        start = file.tell()
        metadata = header.pop("__metadata__", {})
        heads = {"q_proj": int(metadata[HEADS]), "k_proj": int(metadata[KEY_HEADS])}
        for name, told in header.items():
            *_, number, _, part, side, _ = name.split(".")  # …model.layers.0.self_attn.q_proj.lora_A.weight
            if told["dtype"] != "F16":
                raise ValueError(f"{name} is {told['dtype']}, not F16")
            rows, columns = told["shape"]
            begin, end = told["data_offsets"]
            file.seek(start + begin)
            data = file.read(end - begin)
            if len(data) != rows * columns * _HALF_BYTES:
                raise ValueError(f"{name} is cut off")
            if side == "lora_B" and part in heads:
                data = _interleaved(data, rows, heads[part])
            form = _FLOAT16 if columns % BLOCK else Q8_0
            if form == Q8_0:
                data = q8_0(data, rows, columns)
            yield _Tensor(f"blk.{number}.{_LAYERS[part]}.weight.{side.lower()}", rows, columns, form, data)


def _interleaved(data: bytes, rows: int, heads: int) -> bytes:
    """The rows of queries or keys in llama.cpp's order: it turns neighbours where Transformers turns the two halves."""
    size = len(data) // rows
    half = rows // heads // 2
    order = (
        head * 2 * half + part * half + number for head in range(heads) for number in range(half) for part in range(2)
    )
    return b"".join(data[row * size : (row + 1) * size] for row in order)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode("ascii")


def _padding(length: int) -> int:
    return -length % _ALIGNMENT
