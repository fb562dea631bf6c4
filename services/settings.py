"""Reading settings from the environment, the same in every process, with faults told by the variable's name."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)
Value = TypeVar("Value")
#: A time-out or a period: never for ever, and a day at most.
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class SettingError(Exception):
    """A setting is wrong or missing; the message is one sentence, without a full stop, that says which and why."""


def read_settings(kind: type[Settings]) -> Settings:
    """The settings that the environment holds.

    Raises:
        SettingError: one of them is not valid.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        raise SettingError(fault_of(error, prefix)) from None


def from_json(kind: type[Value], text: str) -> Value:
    """What a setting that is written as JSON means. Raises ValueError with one sentence that says where a fault is."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise ValueError(f"{where + ': ' if where else ''}{fault['msg']}") from None


def fault_of(error: ValidationError, prefix: str = "") -> str:
    """What is wrong, each setting by the name of its environment variable: ``prefix`` and the field in capitals."""
    return "; ".join(_sentence(fault, prefix) for fault in error.errors(include_url=False))


def _sentence(fault: ErrorDetails, prefix: str) -> str:
    message = fault["msg"].removeprefix("Value error, ").rstrip(".")
    if not fault["loc"]:
        return message
    setting = f"{prefix}{fault['loc'][0]}".upper()
    if fault["type"] == "missing":
        return f"{setting} is not set"
    text = str(fault["input"])
    # A password may stand before the @ of an address, or be an option of it.
    value = "" if "@" in text or "password" in text else f"={text}"
    return f"{setting}{value} is not valid: {message}"
