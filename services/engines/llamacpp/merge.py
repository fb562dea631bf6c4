"""A model whose weights have learnt what a LoRA adapter adds to them: nothing is left to add for each token.

The weights that the adapter changes are written in one form, whatever they were in. All else stays as it is, the
tokenizer and the chat template too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, ReaderTensor
from gguf.constants import Keys
from gguf.quants import dequantize, quant_shape_to_byte_shape, quantize

from services.engines.llamacpp.adapter import ARCHITECTURE, Adapter, AdapterProblem
from services.engines.llamacpp.settings import Weights
from services.engines.llamacpp.writing import write

_FORMS = {
    "q4_0": (GGMLQuantizationType.Q4_0, LlamaFileType.MOSTLY_Q4_0),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
}


def merge(model: Path, adapter: Adapter, path: Path, weights: Weights) -> None:
    """Write the model in the GGUF file ``model`` with the adapter in its weights, one tensor after the other.

    Args:
        model: GGUF file.
        adapter: what is put into it.
        path: of the file that is written.
        weights: form of the weights that the adapter changes.

    Raises:
        AdapterProblem: the adapter belongs to another model, or the model is none that can take one.
        OSError: ``path`` cannot be written.
    """
    try:
        reader = GGUFReader(model)
        architecture = str(reader.fields[Keys.General.ARCHITECTURE].contents())
    except (ValueError, KeyError, IndexError) as error:
        raise AdapterProblem(f"{model} is no model that an adapter can be put into ({error!r})") from error
    if architecture != ARCHITECTURE:  # others have the rows of queries and keys in another order
        raise AdapterProblem(
            f"adapters belong into models of the architecture {ARCHITECTURE}; {model} is {architecture}"
        )
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    form, file_type = _FORMS[weights]
    _check(tensors, adapter, form)
    writer = GGUFWriter(path, ARCHITECTURE)
    _copy_fields(reader, writer, file_type)
    for name, tensor in tensors.items():
        shape, kind, stored = tensor.data.shape, tensor.data.dtype, tensor.tensor_type
        if name in adapter.layers:
            shape, kind, stored = quant_shape_to_byte_shape(_shape(tensor), form), np.dtype(np.uint8), form
        writer.add_tensor_info(name, shape, kind, int(np.prod(shape)) * kind.itemsize, stored)
    write(
        writer,
        (_merged(each, adapter, form) if name in adapter.layers else each.data for name, each in tensors.items()),
    )


def _check(tensors: Mapping[str, ReaderTensor], adapter: Adapter, form: GGMLQuantizationType) -> None:
    for name, (a, b) in adapter.layers.items():
        if name not in tensors:
            raise AdapterProblem(f"the adapter is for another model: this one has no {name}")
        shape = _shape(tensors[name])
        if (len(b), a.shape[1]) != shape or b.shape[1] != len(a):
            raise AdapterProblem(
                f"the adapter is for another model: it has {b.shape} times {a.shape} for {name}, which is {shape}"
            )
        try:
            quant_shape_to_byte_shape(shape, form)
            dequantize(tensors[name].data[:1], tensors[name].tensor_type)
        except (ValueError, NotImplementedError) as error:
            raise AdapterProblem(f"no adapter can be put into {name} of this model ({error})") from error


def _copy_fields(reader: GGUFReader, writer: GGUFWriter, file_type: LlamaFileType) -> None:
    for name, field in reader.fields.items():
        # Of the file itself, of the writer's own, or how the tensors are aligned, which it does its own way.
        if name.startswith("GGUF.") or name in (Keys.General.ARCHITECTURE, Keys.General.ALIGNMENT):
            continue
        value = int(file_type) if name == Keys.General.FILE_TYPE else field.contents()
        item = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub_type=item)


def _shape(tensor: ReaderTensor) -> tuple[int, ...]:
    """Rows and columns, which GGUF tells in the other order."""
    return tuple(int(size) for size in reversed(tensor.shape))


def _merged(tensor: ReaderTensor, adapter: Adapter, form: GGMLQuantizationType) -> npt.NDArray[Any]:
    a, b = (side.astype(np.float32) for side in adapter.layers[tensor.name])
    weights = dequantize(tensor.data, tensor.tensor_type)
    return quantize(weights + adapter.alpha / len(a) * (b @ a), form).view(np.uint8)
