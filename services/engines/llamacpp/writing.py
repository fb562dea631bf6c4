"""GGUF files, written by GGUF's own library one tensor after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy.typing as npt
from gguf import GGUFWriter


def write(writer: GGUFWriter, tensors: Iterable[npt.NDArray[Any]]) -> None:
    """Write the file that the writer was told of; ``tensors`` are the data of its tensors, in their order.

    All of its room on the disk is taken before: numpy, by which the library writes, does not always tell of a disk that
    is full. Raises OSError.
    """
    sizes = [info.nbytes for info in writer.tensors[0].values()]
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        [file] = writer.fout or []
        size = sum(writer.ggml_pad(number, writer.data_alignment) for number in (file.tell(), *sizes))
        os.posix_fallocate(file.fileno(), 0, size)
        for tensor in tensors:
            writer.write_tensor_data(tensor)
    finally:
        writer.close()
