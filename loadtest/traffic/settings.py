"""What one run does, out of its options, wherever those were given."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from loadtest.records import Door
from loadtest.traffic.answers import Ask
from loadtest.traffic.mix import Instruction, mixes
from services.backends.names import own_name

Arrivals = Literal["closed", "poisson", "constant", "replay"]
Execute = Literal["none", "simulate"]
Shape = Literal["constant", "ramp", "steps", "spike", "soak"]
#: Stands for the backend that the router itself would choose.
DEFAULT_BACKEND = "default"


class BadOption(ValueError):
    """An option that no run can begin with; the message is one sentence that says how to mend it."""


def _weights(value: Any) -> Any:
    """Weights by priority out of "0=1,5=9"; "5" alone is all of them."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"\s*\d(=\d+(\.\d+)?)?(\s*,\s*\d=\d+(\.\d+)?)*\s*", value):
        raise ValueError(f"{value!r} is not read: write priorities from 0 to 9 with weights, as in 0=1,5=9")
    return {pair.partition("=")[0].strip(): pair.partition("=")[2] or 1 for pair in value.split(",")}


Positive = Annotated[float, Field(gt=0, le=1e6)]


class Settings(BaseModel):
    """What one run does. Seconds, and requests a second; named as the options are."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    url: str
    backends: tuple[str, ...]
    robots: Annotated[int, Field(ge=1, le=100_000)]
    door: Door
    mix: str
    seed: int
    arrivals: Arrivals
    rate: Positive
    shape: Shape
    trace: str
    think_time_s: Annotated[float, Field(ge=0, le=1e6)]
    priorities: Annotated[dict[Annotated[int, Field(ge=0, le=9)], Positive], BeforeValidator(_weights)]
    robot_kind: str
    execute: Execute
    max_tokens: Annotated[int, Field(ge=1, le=1024)]
    max_in_flight: Annotated[int, Field(ge=1)]
    timeout_s: Positive
    slo_ttft_s: Positive
    slo_ttfa_s: Positive
    slo_e2e_s: Positive
    #: API key; empty: none.
    key: str = Field(default="", repr=False)

    @field_validator("mix")
    @classmethod
    def _is_known(cls, mix: str) -> str:
        if mix not in mixes():
            raise ValueError(f"there is no mix {mix!r}; choose one of: {', '.join(mixes())}")
        return mix

    @field_validator("robots")
    @classmethod
    def _are_enough(cls, robots: int, info: ValidationInfo) -> int:
        backends = info.data.get("backends", ())
        if robots < len(backends):
            raise ValueError(f"{len(backends)} backends need at least one robot each, and there are {robots}")
        return robots

    @field_validator("trace")
    @classmethod
    def _is_there(cls, trace: str, info: ValidationInfo) -> str:
        if info.data.get("arrivals") == "replay" and not trace:
            raise ValueError("replaying needs a file: the records of a run, or lines with at_s and item")
        return trace

    def ask(self, instruction: Instruction, backend: str, robot: str, priority: int) -> Ask:
        """A robot's request, with what is the same for all."""
        return Ask(instruction, backend, self.door, robot, self.robot_kind, priority, self.execute, self.max_tokens)


def named_backends(value: str | Sequence[str]) -> tuple[str, ...]:
    """Backends as the command line or the form gives them, each once; none: the router is to choose."""
    parts = [value] if isinstance(value, str) else value
    names = [own_name(name.strip()) for part in parts for name in part.split(",")]
    return tuple(dict.fromkeys(name for name in names if name and name != DEFAULT_BACKEND))


def read_settings(options: Namespace, url: str, default_backend: str) -> Settings:
    """The settings of a run. Raises BadOption for what cannot be."""
    values = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    values["url"] = url
    values["backends"] = backends = named_backends(options.backend) or (default_backend,)
    values["robots"] = options.num_users or len(backends)
    values["key"] = read_key(options.api_keys_file)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as errors:
        error = errors.errors(include_url=False)[0]
        option = {"robots": "users"}.get(str(error["loc"][0]), str(error["loc"][0])).replace("_", "-")
        raise BadOption(f"--{option}: {error['msg'].removeprefix('Value error, ')}.") from None
    if settings.shape != "constant" and not options.run_time:
        raise BadOption(f"The shape {settings.shape} is drawn over the run time: set --run-time, as in 60s.")
    return settings


def read_key(path: str) -> str:
    """The first key of a file such as the router's own; empty without one. Raises BadOption."""
    if not path:
        return ""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadOption(f"--api-keys-file: {path} cannot be read: {error.strerror}.") from None
    keys = [line.strip().rpartition(":")[2] for line in lines if line.strip() and not line.startswith("#")]
    return keys[0] if keys else ""
