"""Matrices in llama.cpp's eight-bit form, made by ggml itself, which xllamacpp's library carries."""

from __future__ import annotations

import ctypes
from functools import lru_cache

#: ggml's number for the form.
Q8_0 = 8
#: So many numbers share a scale; a row has a multiple of them.
BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK


def q8_0(data: bytes, rows: int, columns: int) -> bytes:
    """A matrix [``rows``, ``columns``] of 16-bit floating-point numbers as Q8_0; ``columns`` is a multiple of BLOCK."""
    numbers = rows * columns
    wide = (ctypes.c_float * numbers)()
    packed = ctypes.create_string_buffer(numbers // BLOCK * _BLOCK_BYTES)
    ggml = _ggml()
    ggml.ggml_fp16_to_fp32_row(data, wide, ctypes.c_int64(numbers))
    ggml.ggml_quantize_chunk(Q8_0, wide, packed, ctypes.c_int64(0), ctypes.c_int64(rows), ctypes.c_int64(columns), None)
    return packed.raw


@lru_cache(maxsize=1)
def _ggml() -> ctypes.CDLL:
    from xllamacpp import xllamacpp  # only now, when it is settled how its threads wait

    library = ctypes.CDLL(xllamacpp.__file__)
    library.ggml_fp16_to_fp32_row.restype = None
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    return library
