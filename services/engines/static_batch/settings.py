"""Settings of the static batch engine, from environment variables that begin with ``STATIC_BATCH_``."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def usable_cores() -> int:
    """Cores that this process may run on, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0))


class EngineSettings(BaseSettings):
    """What the engine serves, where, how, and with how much of the machine."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_prefix="STATIC_BATCH_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    #: Folder with a Hugging Face model, or its name on the hub.
    model: Annotated[str, Field(min_length=1)]
    #: What the clients call the model; empty: the last part of ``model``.
    served_name: str = ""
    runtime: Literal["transformers", "deepspeed"] = "transformers"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    #: ``auto``: float32 on a CPU, float16 on a GPU.
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    #: Prompts that are generated for together at most.
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 32
    #: Prompts in one padded batch: the longest has at most so many times the tokens of the shortest.
    bucket_factor: Annotated[float, Field(ge=1.0, le=100.0)] = 2.0
    #: Prompts that wait at most; a request that would make it more is refused.
    max_queued: Annotated[int, Field(ge=1, le=100_000)] = 256
    max_prompt_tokens: Annotated[int, Field(ge=16, le=1_048_576)] = 4096
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=usable_cores)

    @property
    def name(self) -> str:
        """What the clients call the model."""
        return self.served_name or self.model.rstrip("/").rsplit("/", 1)[-1]
