"""Reading requests, with one value for all prompts or one for each."""

from __future__ import annotations

import json

import pytest

from services.engines.static_batch.items import Sampling
from services.engines.static_batch.request import BadRequest, Chat, Completion, for_each, parse


def completion(**fields: object) -> Completion:
    return parse(Completion, json.dumps(fields).encode())


def test_one_value_counts_for_all_prompts() -> None:
    request = completion(prompt=["a", "b"], max_tokens=5, temperature=0, seed=7)
    assert request.prompts() == ["a", "b"]
    assert for_each(request) == [(5, None, Sampling(0, seed=7))] * 2


def test_each_prompt_can_have_its_own() -> None:
    request = completion(
        prompt=["a", "b"], max_tokens=[1, 2], temperature=[0, 0.5], seed=[None, 3], grammar=[None, 'root ::= "a"']
    )
    assert for_each(request) == [(1, None, Sampling(0.0)), (2, 'root ::= "a"', Sampling(0.5, seed=3))]


def test_a_conversation_or_several() -> None:
    one = [{"role": "user", "content": "hello"}]
    for messages, conversations in ((one, [one]), ([one, one], [one, one])):
        assert parse(Chat, json.dumps({"messages": messages}).encode()).prompts() == conversations


def test_newer_clients_say_max_completion_tokens() -> None:
    assert completion(prompt="a", max_completion_tokens=3).max_tokens == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "prompt: Field required"),
        ({"prompt": []}, "prompt: "),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens: "),
        ({"prompt": "a", "temperature": -1}, "temperature: "),
        ({"prompt": "a", "top_p": 0}, "top_p: "),
        ({"prompt": "a", "seed": 2**63}, "seed: "),
        ({"prompt": "a", "stop": ""}, "stop: "),
        ({"prompt": "a", "n": 2}, "n: "),
        ({"prompt": "a", "response_format": {"type": "json_object"}}, "response_format: this engine cannot do that"),
        ({"prompt": "a", "max_token": 5}, "max_token: there is no such field"),
        ({"prompt": "a", "frobnicate": None}, "frobnicate: there is no such field"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequest, match=f"^{message}"):
        completion(**fields)


def test_a_list_of_the_wrong_length_is_told() -> None:
    with pytest.raises(BadRequest, match="max_tokens: a list of 3 for 1 prompts"):
        for_each(completion(prompt="a", max_tokens=[1, 2, 3]))


def test_a_body_that_is_no_json_is_told() -> None:
    with pytest.raises(BadRequest, match="body: Invalid JSON"):
        parse(Completion, b"{")
