"""From a piece of an answer to the tensors that the client asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_backend.request import Request
from llm_backend.runtime import Piece

Array = NDArray[Any]


def outputs(request: Request, piece: Piece) -> Iterator[tuple[str, Array]]:
    """Name and value of each output tensor.

    NVIDIA's are strings whatever type config.pbtxt declares, "None" where there is no value (yet): its clients read
    them so. The token counts, which are ours, are numbers.
    """
    echo = "" if request.sampling_param_exclude_input_from_output else request.prompt
    yield "text_output", _strings(echo + piece.text)
    if request.return_finish_reason:
        yield "finish_reason", _strings(piece.finish_reason)
    if request.return_stop_reason:
        yield "stop_reason", _strings(piece.stop_reason)
    if request.return_cumulative_logprob:
        yield "cumulative_logprob", _strings(piece.cumulative_logprob)
    for name, value in piece.perf_metrics.items():
        yield name, _strings(value)
    if request.return_num_input_tokens:
        yield "num_input_tokens", np.array([piece.input_tokens], dtype=np.int32)
    if request.return_num_output_tokens:
        yield "num_output_tokens", np.array([piece.output_tokens], dtype=np.int32)


def _strings(value: object) -> Array:
    return np.array([str(value).encode()], dtype=np.object_)
