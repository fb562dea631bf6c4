"""How a LoRA is asked for, by each kind of server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.backends.base import GenerationRequest
from services.backends.config import load_backends
from services.backends.registry import dialect_for


def asked(name: str, tuned: str, adapter: str | None) -> dict[str, Any]:
    config = load_backends({"BACKEND": name, f"{name.upper()}_TUNED": tuned, f"{name.upper()}_MODEL": "tiny"})
    request = GenerationRequest([{"role": "user", "content": "Wave"}], 8, adapter=adapter)
    document: dict[str, Any] = json.loads(dialect_for(config.configured[name]).encode(request).body)
    return document


def test_a_server_that_has_them_by_name_is_asked_for_a_model() -> None:
    assert asked("vllm", "nao=behaviours", "behaviours")["model"] == "behaviours"
    assert asked("vllm", "nao=behaviours", None)["model"] == "tiny"


@pytest.mark.parametrize(("adapter", "scales"), [("0", [1, 0]), ("1", [0, 1]), (None, [0, 0])])
def test_llama_cpp_is_told_of_every_one_whether_it_is_on(adapter: str | None, scales: list[int]) -> None:
    document = asked("llamacpp", "nao=0,porter=1", adapter)
    assert document["lora"] == [{"id": number, "scale": scale} for number, scale in enumerate(scales)]
    assert document["model"] == "tiny"


def test_llama_cpp_without_adapters_is_told_of_none() -> None:
    assert "lora" not in asked("llamacpp", "", None)
