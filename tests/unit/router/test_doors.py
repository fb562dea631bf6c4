"""What each door takes where a backend does not speak its language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.router.doors import Door, read

BODIES: dict[Door, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Wave"}]},
    "/v1/completions": {"prompt": "Wave"},
    "/generate": {"inputs": "Wave"},
}


def ask(door: Door, **fields: Any) -> None:
    given = {"parameters": fields} if door == "/generate" else fields
    read(door, json.dumps({**BODIES[door], **given}).encode())


@pytest.mark.parametrize(
    ("door", "name", "value"),
    [
        *[
            ("/v1/chat/completions", name, True)
            for name in ("logprobs", "tools", "n", "response_format", "tool_choice")
        ],
        *[("/v1/chat/completions", name, 1.0) for name in ("frequency_penalty", "presence_penalty", "top_logprobs")],
        ("/v1/chat/completions", "response_format", {"type": "json_object"}),
        ("/v1/chat/completions", "modalities", ["text", "audio"]),
        ("/v1/completions", "echo", True),
        ("/v1/completions", "logprobs", 1),
        ("/v1/completions", "logprobs", 0),
        ("/v1/completions", "suffix", "auto"),
        *[("/generate", name, True) for name in ("watermark", "decoder_input_details", "grammar", "best_of")],
        *[("/generate", name, 1) for name in ("frequency_penalty", "truncate", "top_n_tokens", "adapter_id")],
        ("/generate", "repetition_penalty", 0),
    ],
)
def test_what_would_have_an_effect_is_refused_by_name(door: Door, name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        ask(door, **{name: value})
    assert [fault["loc"][-1] for fault in refused.value.errors()] == [name]


@pytest.mark.parametrize(
    ("door", "fields"),
    [
        (
            "/v1/chat/completions",
            {
                "n": 1,
                "logprobs": False,
                "top_logprobs": 0,
                "tools": [],
                "tool_choice": "auto",
                "response_format": {"type": "text"},
                "logit_bias": {},
                "presence_penalty": 0.0,
                "frequency_penalty": 0,
                "modalities": ["text"],
            },
        ),
        ("/v1/completions", {"n": 1, "best_of": 1, "echo": False, "suffix": "", "logprobs": None}),
        (
            "/generate",
            {
                "best_of": 1,
                "watermark": False,
                "decoder_input_details": False,
                "repetition_penalty": 1.0,
                "frequency_penalty": 0.0,
                "top_n_tokens": 0,
                "typical_p": 1.0,
                "truncate": None,
                "adapter_id": None,
                "grammar": None,
            },
        ),
    ],
)
def test_what_has_no_effect_is_taken(door: Door, fields: dict[str, Any]) -> None:
    ask(door, **fields)
