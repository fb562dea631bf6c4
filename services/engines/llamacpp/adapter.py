"""A LoRA adapter by llama.cpp's names: read as peft or llama.cpp writes it, written as llama.cpp reads it.

The adapter ships once, in the form that TGI, vLLM, TensorRT-LLM and Transformers take; the engine makes its own of it
at the start: ``merged`` puts it into the model's weights, ``gguf_files`` has it beside them, in eight bits where rows
divide into ggml's blocks: a prompt is read faster so (docs/performance.md).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Only what is done once needs these: an engine that finds its file made starts without them.
if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[Any]

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
_ALPHA = "adapter.lora.alpha"
#: Of the models that have these layers, in ggml's words.
ARCHITECTURE = "llama"


class AdapterProblem(Exception):
    """The adapter cannot be used; the message is a sentence for people."""


@dataclass(frozen=True)
class Adapter:
    """``layers``: A [rank, inputs] and B [outputs, rank] by the name of the weights they belong to, as in
    ``blk.0.attn_q.weight``; they add ``alpha`` / rank · B · A.
    """

    alpha: float
    layers: dict[str, tuple[Matrix, Matrix]]


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
                to_gguf(read_adapter(adapter), file)
                files.append(file)
            else:
                files.append(adapter)
        yield files


def read_adapter(path: Path) -> Adapter:
    """The adapter in a folder of scripts/finetune or a GGUF file. Raises AdapterProblem, OSError."""
    return _from_folder(path) if path.is_dir() else _from_gguf(path)


def _from_folder(folder: Path) -> Adapter:
    from safetensors import SafetensorError, safe_open

    matrices: dict[str, dict[str, Matrix]] = {}
    try:
        alpha = float(json.loads((folder / CONFIG_FILE).read_bytes())["lora_alpha"])
        with safe_open(folder / WEIGHTS_FILE, framework="numpy") as file:
            told = file.metadata() or {}
            heads = {"q_proj": int(told[HEADS]), "k_proj": int(told[KEY_HEADS])}
            for name in file.keys():  # noqa: SIM118 - it is no dict
                *_, number, _, part, side, _ = name.split(".")  # …model.layers.0.self_attn.q_proj.lora_A.weight
                matrix = file.get_tensor(name)
                if side == "lora_B" and part in heads:
                    matrix = _interleaved(matrix, heads[part])
                matrices.setdefault(f"blk.{number}.{_LAYERS[part]}.weight", {})[side] = matrix
        layers = {name: (sides["lora_A"], sides["lora_B"]) for name, sides in matrices.items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise AdapterProblem(
            f"{folder} holds no adapter of scripts/finetune ({error!r}); llama.cpp's convert_lora_to_gguf.py makes a "
            "GGUF file of any other"
        ) from error
    return Adapter(alpha, layers)


def _from_gguf(path: Path) -> Adapter:
    from gguf import GGUFReader
    from gguf.quants import dequantize

    try:
        reader = GGUFReader(path)
        if (architecture := reader.fields["general.architecture"].contents()) != ARCHITECTURE:
            raise ValueError(f"it is for the architecture {architecture}, not {ARCHITECTURE}")
        alpha = float(reader.fields[_ALPHA].contents())
        matrices = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
        names = dict.fromkeys(name.rpartition(".lora_")[0] for name in matrices)
        layers = {name: (matrices[f"{name}.lora_a"], matrices[f"{name}.lora_b"]) for name in names}
    except (ValueError, KeyError, IndexError, TypeError, NotImplementedError) as error:
        raise AdapterProblem(f"{path} holds no LoRA adapter that can be read ({error!r})") from error
    return Adapter(alpha, layers)


def to_gguf(adapter: Adapter, path: Path) -> None:
    """Write it as a GGUF file. Raises OSError."""
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.constants import GGML_QUANT_SIZES
    from gguf.quants import quantize

    from services.engines.llamacpp.writing import write

    block, _ = GGML_QUANT_SIZES[GGMLQuantizationType.Q8_0]
    writer = GGUFWriter(path, ARCHITECTURE)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32(_ALPHA, adapter.alpha)
    tensors = []
    for name, sides in adapter.layers.items():
        for side, matrix in zip("ab", sides, strict=True):
            form = GGMLQuantizationType.F16 if matrix.shape[1] % block else GGMLQuantizationType.Q8_0
            tensor = quantize(matrix.astype("float32"), form)
            writer.add_tensor_info(f"{name}.lora_{side}", tensor.shape, tensor.dtype, tensor.nbytes, form)
            tensors.append(tensor)
    write(writer, tensors)


def _interleaved(matrix: Matrix, heads: int) -> Matrix:
    """The rows of queries or keys in llama.cpp's order: it turns neighbours where Transformers turns the two halves."""
    return matrix.reshape(heads, 2, -1, matrix.shape[1]).swapaxes(1, 2).reshape(matrix.shape)
