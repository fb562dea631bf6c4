"""What model.py needs of an engine; which engine it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from llm_backend.config import ConfigProblem, ModelConfig
from llm_backend.request import Refused, Request


@dataclass(frozen=True, slots=True)
class Piece:
    """How far an answer has come."""

    #: All of the generated text so far, without the prompt.
    text: str
    input_tokens: int
    #: Generated so far, the end-of-text token included if there was one.
    output_tokens: int
    #: stop | length; None until the answer is complete.
    finish_reason: str | None = None
    #: The stop string, or token, that ended it.
    stop_reason: str | int | None = None
    #: Sum of the generated tokens' logarithmic probabilities; None where they are not known.
    cumulative_logprob: float | None = None
    #: TensorRT-LLM's figures of the request, by name of the output tensor.
    perf_metrics: Mapping[str, object] = field(default_factory=dict)


class Runtime(Protocol):
    """An engine. It is made in the thread that loads the model, and used on one event loop."""

    #: Requests that it works on at once; more wait inside it.
    capacity: int

    def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Generate: pieces as they come, the last with a ``finish_reason``. Closing it stops the engine's work.

        Raises:
            Refused: the engine cannot do what the request asks, or failed at it.
        """
        ...

    async def close(self) -> None:
        """Give back what the engine holds, when nothing is generated any more."""
        ...


def start(config: ModelConfig, environ: Mapping[str, str]) -> Runtime:
    """Load the engine that TRITON_RUNTIME names.

    Raises:
        ConfigProblem: no such runtime, its packages are missing, or it cannot load its model.
    """
    name = environ.get("TRITON_RUNTIME") or "tensorrt_llm"
    try:
        # Imported only now: neither engine's packages are there where the other one runs.
        if name == "tensorrt_llm":
            from llm_backend.tensorrt_llm_runtime import TensorRTLLM

            return TensorRTLLM(config)
        if name == "llamacpp":
            from llm_backend.llamacpp_runtime import LlamaCpp

            return LlamaCpp(config)
    except ImportError as error:
        raise ConfigProblem(f"TRITON_RUNTIME={name} needs a package that is not installed here: {error}") from error
    raise ConfigProblem(f"TRITON_RUNTIME={name} is not known: set it to tensorrt_llm or llamacpp")


def adapter(request: Request, config: ModelConfig) -> str | None:
    """The name of the LoRA adapter that the request wants, if any.

    Raises:
        Refused: the server has no such adapter, or has it at another path.
    """
    name = request.lora_name
    if name is None:
        return None
    adapters = config.triton.lora_adapters
    if name not in adapters:
        known = ", ".join(sorted(adapters)) or "none"
        raise Refused("NOT_FOUND", f"lora_name: there is no adapter {name!r}; this server has: {known}")
    if request.lora_path is not None and request.lora_path != str(adapters[name]):
        raise Refused("INVALID_ARG", f"lora_path: adapter {name!r} is at another path; leave lora_path out")
    return name
