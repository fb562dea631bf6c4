"""model.yaml: the engine's own arguments, and ``triton_config``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ConfigProblem(Exception):
    """Why the model cannot be loaded, in one sentence that says what to mend."""


class TritonConfig(BaseModel):
    """The part of model.yaml that is not the engine's."""

    model_config = ConfigDict(extra="forbid")

    #: Only these values hold: config.pbtxt, not this file, says how Triton treats the model.
    max_batch_size: Literal[0] = 0
    decoupled: Literal[True] = True
    cancellation_check_period_ms: Annotated[int, Field(ge=1, le=10_000)] = 100
    #: Requests that may wait while the engine is full.
    max_queued: Annotated[int, Field(ge=0, le=100_000)] = 256
    #: Name to path on the server.
    lora_adapters: dict[str, Path] = {}


class ModelConfig(BaseModel):
    """All of model.yaml."""

    #: Keyword arguments of TensorRT-LLM's ``LLM``, unchecked: it checks them itself.
    engine: dict[str, Any]
    triton: TritonConfig


def load(folder: Path, environ: Mapping[str, str]) -> ModelConfig:
    """Read the file that LLM_CONFIG_PATH names, in ``folder`` unless absolute; else its model.yaml.

    Raises:
        ConfigProblem: there is no such file, it is no YAML mapping, or ``triton_config`` is not valid.
    """
    path = folder / (environ.get("LLM_CONFIG_PATH") or "model.yaml")
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigProblem(f"{path} cannot be read ({error.strerror}): set LLM_CONFIG_PATH") from None
    except yaml.YAMLError as error:
        raise ConfigProblem(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise ConfigProblem(f"{path} must map names to values")
    try:
        triton = TritonConfig.model_validate(document.pop("triton_config", {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("triton_config", *first["loc"])))
        raise ConfigProblem(f"{path}: {where}: {first['msg']} (it is {first['input']!r})") from None
    if model := environ.get("LLM_MODEL"):
        document["model"] = model
    return ModelConfig(engine=document, triton=triton)
