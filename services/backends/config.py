"""Which backends there are and how to reach them, read from the environment.

Every field of ``BackendConfig`` can be set as ``<NAME>_<FIELD>``, for instance ``LLAMACPP_MAX_CONCURRENCY=16``;
the API key is read from the file that ``<NAME>_API_KEY_FILE`` names.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from services.backends.names import own_name
from services.settings import Seconds, SettingError, fault_of


def checked_url(url: str) -> str:
    """The address, if it names a host, no impossible port and no password. Raises ValueError."""
    parts = urlsplit(url)
    if "@" in parts.netloc:  # which messages would carry to clients and logs
        raise ValueError(
            "it must not hold a user name or password; a key belongs in the file that …_API_KEY_FILE names"
        )
    if not parts.hostname or parts.port == 0:  # an impossible port raises by itself
        raise ValueError("it needs a host, and a port from 1 to 65535 if any")
    return url


#: Address of a service of ours, without a path and a slash at its end.
HttpUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s/]+/?$"),
    AfterValidator(lambda url: checked_url(url).rstrip("/")),
]


def tuned_robots(value: object) -> object:
    """``robot=adapter`` pairs of a setting, by robot; a robot alone has no adapter: the model itself is tuned."""
    if not isinstance(value, str):
        return value
    robots: dict[str, str] = {}
    for pair in (part for part in value.split(",") if part.strip()):
        robot, _, adapter = (part.strip() for part in pair.partition("="))
        if robot in robots:
            raise ValueError(f"it names the robot {robot} twice")
        robots[robot] = adapter
    return robots


class BackendConfig(BaseModel):
    """One LLM server. ``url`` has no trailing slash and no ``/v1``; times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["openai", "tgi", "triton"]
    url: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s/]+")]
    model: str = Field(default="", description="name to ask for; empty: whatever the server serves")
    max_concurrency: int = Field(default=64, ge=1, le=4096, description="generations in flight at once, per worker")
    connect_timeout_s: Seconds = 2.0
    first_token_timeout_s: Seconds = 60.0
    idle_timeout_s: Seconds = 30.0
    vision: bool = False
    grammar: Literal["none", "gbnf", "tgi", "vllm", "triton"] = Field(
        default="none", description="how the server is told a grammar, if it can be told one"
    )
    tuned: Annotated[dict[str, str], BeforeValidator(tuned_robots)] = Field(
        default={},
        description="robots that its model is fine-tuned for, each with the LoRA that makes it so (nao=NAME), or none "
        "where it is in the weights; these are asked for in few words, without the robot's API",
    )
    adapters_by: Literal["name", "number"] = Field(
        default="name", description="how the server is told a LoRA: as the model, or by its place among those it has"
    )
    chat_template: str = Field(
        default="chatml", description="for servers that apply none: chatml, llama3, or a path of a .jinja file"
    )
    batching: Literal["continuous", "static"] = Field(
        default="continuous", description="static: the server gains from requests that come together as one"
    )
    batch_wait_ms: Annotated[float, Field(ge=0, le=10_000)] = 20.0
    grpc_port: int = Field(default=8001, ge=1, le=65535)
    health_path: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")] = "/health"
    api_key: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _base_url(cls, url: str) -> str:
        # OpenAI clients are given the address with /v1, so people write it that way; we add the path ourselves.
        checked_url(url)
        return url.rstrip("/").removesuffix("/v1").rstrip("/")

    @model_validator(mode="after")
    def _adapters_are_told_as_the_server_knows_them(self) -> Self:
        for robot, adapter in self.tuned.items():
            if self.adapters_by == "number" and adapter and not (adapter.isascii() and adapter.isdecimal()):
                raise ValueError(
                    f"{self.name.upper()}_TUNED={robot}={adapter}: the server knows adapters by their numbers, from 0"
                )
        return self

    def adapter(self, robot: str) -> str | None:
        """The LoRA to ask for behaviours of a robot, if there is one."""
        return self.tuned.get(robot) or None

    def numbered_adapters(self, chosen: str | None) -> list[dict[str, float]]:
        """Every adapter, on or off, as llama.cpp is told them.

        One that is not named keeps what the last request made of it, and its prompts in the cache with it.
        """
        numbers = sorted({adapter for adapter in self.tuned.values() if adapter})
        return [{"id": int(number), "scale": float(number == chosen)} for number in numbers]


@dataclass(frozen=True, slots=True)
class Backends:
    """The configured backends by name, and the name of the one that serves a request which names none."""

    default: str
    configured: dict[str, BackendConfig]


# What is particular to each server: settings may override it.
_KNOWN: dict[str, dict[str, Any]] = {
    # Twice the engine's default of 4 slots: one generation waits inside the engine for each that runs, so that no slot
    # stands idle between two, while the rest wait in our queue, where priority and cancelling count. On a busy CPU the
    # first prompts of all slots together can take more than a minute.
    "llamacpp": {
        "kind": "openai",
        "url": "http://127.0.0.1:8080",
        "grammar": "gbnf",
        "adapters_by": "number",
        "max_concurrency": 8,
        "first_token_timeout_s": 120.0,
    },
    # A regular expression that it has not seen it compiles first: 16 s of a core for 49,000 tokens, longer for more.
    "tgi": {"kind": "tgi", "url": "http://127.0.0.1:8081", "grammar": "tgi", "first_token_timeout_s": 120.0},
    # TensorRT-LLM behind Triton, or whatever runtime the repository triton_models/ is started with.
    "tensorrtllm": {
        "kind": "triton",
        "url": "http://127.0.0.1:8082",
        "grpc_port": 8083,
        "model": "tensorrt_llm",
        "grammar": "triton",
        "health_path": "/v2/models/tensorrt_llm/ready",
    },
    "vllm": {"kind": "openai", "url": "http://127.0.0.1:8084", "grammar": "vllm"},
    "transformers": {"kind": "openai", "url": "http://127.0.0.1:8085", "max_concurrency": 32},
    "deepspeed": {
        "kind": "openai",
        "url": "http://127.0.0.1:8086",
        "batching": "static",
        "grammar": "gbnf",
        "max_concurrency": 32,
        # A batch that runs ends before the next begins.
        "first_token_timeout_s": 120.0,
    },
}
_DEFAULT_BACKEND = "llamacpp"
# Decided by what the server is, not by its operator.
_NOT_SETTINGS = {"name", "kind", "api_key", "adapters_by"}


def load_backends(environ: Mapping[str, str] = os.environ) -> Backends:
    """Read the backends from ``environ``: ``BACKEND`` is the default one, ``BACKENDS`` names all of them.

    Without ``BACKENDS`` they are the default one and those whose ``<NAME>_URL`` is set; with nothing set there is one,
    llama.cpp on this machine. ``triton`` is another name of ``tensorrtllm``. Raises ``SettingError``.
    """
    chosen = [own_name(name.strip().lower()) for name in environ.get("BACKENDS", "").split(",") if name.strip()]
    wanted = own_name(environ.get("BACKEND", "").strip().lower())
    default = wanted or (chosen or [_DEFAULT_BACKEND])[0]
    # BACKEND first: compose makes BACKENDS of it, and who set only the one would look in vain for the other.
    for setting, name in (*([("BACKEND", wanted)] if wanted else []), *(("BACKENDS", name) for name in chosen)):
        if name not in _KNOWN:
            raise SettingError(f"{setting}={name} is not a known backend; choose one of: {', '.join(_KNOWN)}.")
    if twice := sorted({name for name in chosen if chosen.count(name) > 1}):
        raise SettingError(f"BACKENDS names {', '.join(twice)} more than once; name each backend once.")
    if chosen and default not in chosen:
        raise SettingError(f"BACKEND={default} is not among BACKENDS={','.join(chosen)}; add it there.")
    if not chosen:
        chosen = [name for name in _KNOWN if name == default or environ.get(f"{name.upper()}_URL", "").strip()]
    named = [name for name in _KNOWN if name in chosen]
    return Backends(default=default, configured={name: _load(name, environ) for name in named})


def check_robots(backends: Backends, robots: Collection[str]) -> None:
    """See that the models are fine-tuned for ``robots`` that there are. Raises ``SettingError``."""
    for config in backends.configured.values():
        for robot in config.tuned:
            if robot not in robots:
                raise SettingError(
                    f"{config.name.upper()}_TUNED names a robot {robot!r}, which there is not; it takes robots, each "
                    f"with its adapter if it has one, as in nao=0, and known are: {', '.join(sorted(robots))}."
                )


def _load(name: str, environ: Mapping[str, str]) -> BackendConfig:
    prefix = name.upper()
    values: dict[str, Any] = {"name": name, **_KNOWN[name]}
    for field in BackendConfig.model_fields.keys() - _NOT_SETTINGS:
        # An empty value means unset: Compose passes optional variables on as empty ones.
        if value := environ.get(f"{prefix}_{field.upper()}", "").strip():
            values[field] = value
    if key_file := environ.get(f"{prefix}_API_KEY_FILE", "").strip():
        values["api_key"] = _read_key(f"{prefix}_API_KEY_FILE", key_file)
    try:
        return BackendConfig.model_validate(values)
    except ValidationError as error:
        raise SettingError(f"{fault_of(error, f'{prefix}_')}.") from None


def _read_key(setting: str, path: str) -> SecretStr:
    try:
        key = Path(path).read_text(encoding="utf-8-sig").strip()  # editors on Windows begin files with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{setting}={path} cannot be read: {error}.") from None
    if not key or not key.isprintable() or not key.isascii():
        raise SettingError(f"{setting}={path} must hold one key in printable ASCII characters, on one line.")
    return SecretStr(key)
