"""What a client asks for: tensors in, checked values out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Code = Literal["INVALID_ARG", "NOT_FOUND", "UNAVAILABLE", "UNSUPPORTED", "INTERNAL", "CANCELLED"]

Finite = Annotated[float, Field(allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]

#: Tensors that hold a list; all others hold one value.
LISTS = frozenset({"text_input", "sampling_param_stop", "image_url"})

#: Characters of a guide: engines work out far more from each.
MAX_GUIDE = 262_144


class Refused(Exception):
    """A request that gets an error instead of text; ``code`` is the name of Triton's error code."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class Request(BaseModel):
    """One request. Each field bears the name of its tensor; the defaults are NVIDIA's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_input: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=1)]
    streaming: bool = False
    sampling_param_best_of: Literal[1] = 1
    sampling_param_max_tokens: Annotated[int, Field(ge=1)] = 32
    sampling_param_temperature: Annotated[Finite, Field(ge=0)] | None = None
    sampling_param_top_k: Annotated[int, Field(ge=0)] | None = None
    sampling_param_top_p: Annotated[Finite, Field(ge=0, le=1)] | None = None
    sampling_param_frequency_penalty: Penalty | None = None
    sampling_param_presence_penalty: Penalty | None = None
    sampling_param_seed: int | None = None
    sampling_param_stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=64)] = []
    sampling_param_exclude_input_from_output: bool = False
    sampling_param_return_perf_metrics: bool = False
    return_finish_reason: bool = False
    return_stop_reason: bool = False
    return_cumulative_logprob: bool = False
    return_num_input_tokens: bool = False
    return_num_output_tokens: bool = False
    guided_decoding_guide_type: Literal["json_schema", "regex", "ebnf_grammar"] | None = None
    guided_decoding_guide: Annotated[str, Field(min_length=1, max_length=MAX_GUIDE)] | None = None
    lora_name: str | None = None
    # Adapters are the server's: what else NVIDIA's clients send with the name is checked against it or not needed.
    lora_id: int | None = None
    lora_path: str | None = None
    lora_ckpt_source: Literal["hf"] = "hf"

    @property
    def prompt(self) -> str:
        """The text to continue."""
        return self.text_input[0]

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken: unless something is said about sampling, as in the LLM API."""
        temperature, top_k, top_p = (
            self.sampling_param_temperature,
            self.sampling_param_top_k,
            self.sampling_param_top_p,
        )
        nothing_said = temperature is None and top_k is None and top_p is None
        return nothing_said or temperature == 0 or top_k == 1 or top_p == 0


def read(tensors: Mapping[str, Sequence[Any]]) -> Request:
    """Check the values of the tensors that a request came with (strings as bytes).

    Raises:
        Refused: a value that cannot be, or a thing that this repository does not do.
    """
    for name in ("image_url", "sampling_param_logits_post_processor_name"):
        if name in tensors:
            raise Refused("UNSUPPORTED", f"{name}: not supported here; leave it out")
    if "text_input" not in tensors:
        raise Refused("INVALID_ARG", "text_input is missing: it holds the prompt")
    values: dict[str, Any] = {}
    for name, elements in tensors.items():
        texts = [_text(name, element) for element in elements]
        values[name] = texts if name in LISTS else texts[0]
    if ("guided_decoding_guide" in values) != ("guided_decoding_guide_type" in values):
        raise Refused("INVALID_ARG", "guided_decoding_guide and guided_decoding_guide_type must be sent together")
    if ("lora_path" in values or "lora_id" in values) and "lora_name" not in values:
        raise Refused("INVALID_ARG", "lora_name is missing: it says which of the server's adapters to use")
    try:
        request = Request.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise Refused("INVALID_ARG", f"{name}: {first['msg']}") from None
    if request.guided_decoding_guide_type == "json_schema" and request.guided_decoding_guide:
        try:
            json.loads(request.guided_decoding_guide)
        except (ValueError, RecursionError) as error:
            raise Refused("INVALID_ARG", f"guided_decoding_guide: no JSON: {error}") from None
    return request


def _text(name: str, element: Any) -> Any:
    if not isinstance(element, bytes):
        return element
    try:
        return element.decode()
    except UnicodeDecodeError:
        raise Refused("INVALID_ARG", f"{name} is not UTF-8") from None
