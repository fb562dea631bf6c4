"""Settings of ``transformers serve``, from environment variables that begin with ``TRANSFORMERS_``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EngineSettings(BaseSettings):
    """What Transformers' own server serves, where and how."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_prefix="TRANSFORMERS_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    #: Folder with a Hugging Face model, or its name on the hub. Requests must name it exactly so.
    model: Annotated[str, Field(min_length=1)]
    #: Requests join and leave the running batch at every step; without it they run one after the other.
    continuous_batching: bool = True
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    #: Tokens of one step at most, and key-value blocks, with continuous batching; unset: as much as memory allows.
    max_batch_tokens: Annotated[int, Field(ge=1)] | None = None
    num_blocks: Annotated[int, Field(ge=1)] | None = None

    def arguments(self) -> list[str]:
        """The command line of ``transformers serve`` that says the same."""
        options = [self.model, "--host", self.host, "--port", str(self.port)]
        options += ["--device", self.device, "--dtype", self.dtype]
        if self.continuous_batching:
            options.append("--continuous-batching")
            if self.max_batch_tokens is not None:
                options += ["--cb-max-batch-tokens", str(self.max_batch_tokens)]
            if self.num_blocks is not None:
                options += ["--cb-num-blocks", str(self.num_blocks)]
        return options
