"""Settings of vLLM's server, from environment variables that begin with ``VLLM_SERVER_``.

Not with ``VLLM_``: those are vLLM's own, and ``VLLM_PORT`` is not the port that it serves on.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

#: The rank of our adapter, and of most that there are.
_MOST_RANK = 128


class EngineSettings(BaseSettings):
    """What vLLM serves, where, and with how much of the machine."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_prefix="VLLM_SERVER_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    #: Folder with a Hugging Face model, or its name on the hub.
    model: Annotated[str, Field(min_length=1)]
    #: What the clients call the model; empty: as ``model``.
    served_name: str = ""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    #: Longest prompt and answer together; unset: the model's context.
    max_model_len: Annotated[int, Field(ge=512, le=10_485_760)] | None = None
    #: Share of the GPU's memory, or of the machine's on a CPU, that vLLM may take.
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    #: Generations that advance together; more requests wait inside the engine.
    max_num_seqs: Annotated[int, Field(ge=1, le=8192)] = 128
    #: Requests that wait at most: beyond them vLLM answers 503 at once.
    max_waiting: Annotated[int, Field(ge=0)] = 256
    #: Our long common prompt is computed once.
    prefix_caching: bool = True
    #: ``guidance`` is ready for a grammar it has not seen at once, where ``xgrammar`` compiles it for seconds.
    grammar_backend: Literal["auto", "guidance", "xgrammar"] = "guidance"
    #: LoRA adapter as NAME=FOLDER, for requests that ask for a model of that name; empty: none.
    lora: Annotated[str, Field(pattern=r"^([^=\s]+=\S+)?$")] = ""
    #: No compilation at the start: ready much sooner, slower afterwards.
    enforce_eager: bool = False

    def arguments(self) -> list[str]:
        """The command line of vLLM's server that says the same."""
        options = ["--model", self.model, "--host", self.host, "--port", str(self.port), "--dtype", self.dtype]
        options += ["--served-model-name", self.served_name or self.model]
        options += ["--gpu-memory-utilization", str(self.gpu_memory_utilization)]
        options += ["--max-num-seqs", str(self.max_num_seqs)]
        # Whatever its name says, it counts those that run too.
        options += ["--max-num-queued-reqs", str(self.max_num_seqs + self.max_waiting)]
        options += ["--structured-outputs-config.backend", self.grammar_backend]
        if self.lora:
            options += ["--enable-lora", "--max-lora-rank", str(_MOST_RANK), "--lora-modules", self.lora]
        options.append("--enable-prefix-caching" if self.prefix_caching else "--no-enable-prefix-caching")
        if self.max_model_len is not None:
            options += ["--max-model-len", str(self.max_model_len)]
        if self.enforce_eager:
            options.append("--enforce-eager")
        return options
