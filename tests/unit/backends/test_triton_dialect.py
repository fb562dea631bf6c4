"""Triton's HTTP dialect: what is asked, and what is made of events as Triton sends them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.backends.base import (
    BackendError,
    Failed,
    Finish,
    GenerationRequest,
    Invalid,
    Overloaded,
    Unavailable,
)
from services.backends.config import load_backends
from services.backends.dialects.triton import GrowingText, TritonDialect

REQUEST = GenerationRequest([], 8, prompt="Wave")


def dialect(**settings: str) -> TritonDialect:
    environ = {f"TENSORRTLLM_{name.upper()}": value for name, value in {"url": "http://triton", **settings}.items()}
    return TritonDialect(load_backends(environ).configured["tensorrtllm"])


def asked(request: GenerationRequest, **settings: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(dialect(**settings).encode(request).body)
    assert len(body.pop("id")) == 32
    return body


def event(text: str, reason: str = "None", **more: object) -> bytes:
    document = {"model_name": "tensorrt_llm", "model_version": "1", "text_output": text, "finish_reason": reason}
    return b"data: " + json.dumps({**document, **more}, ensure_ascii=False).encode() + b"\n\n"


def read(*chunks: bytes, request: GenerationRequest = REQUEST) -> tuple[str, Finish]:
    answer = dialect().answer(request)
    texts: list[str] = []
    for chunk in (*chunks, b""):
        if not answer.ended:
            texts.append(answer.feed(chunk))
    return "".join(texts), answer.finish()


# What is asked

ALWAYS = {
    "text_input": "Wave",
    "streaming": True,
    "sampling_param_max_tokens": 8,
    "sampling_param_exclude_input_from_output": True,
    "return_finish_reason": True,
}
COUNTS = {"return_num_input_tokens": True, "return_num_output_tokens": True}


def test_at_temperature_0_the_likeliest_token_is_asked_for_and_nothing_else_about_sampling() -> None:
    request = GenerationRequest([], 8, prompt="Wave", top_p=0.5, top_k=9, seed=3)
    assert asked(request) == {**ALWAYS, **COUNTS, "sampling_param_top_k": 1}


def test_everything_that_can_be_asked() -> None:
    request = GenerationRequest(
        [], 8, 0.5, seed=3, stop=["\n"], grammar="root ::= [a]", prompt="Wave", top_p=0.9, top_k=4, adapter="noise"
    )
    assert asked(request) == {
        **ALWAYS,
        **COUNTS,
        "sampling_param_temperature": 0.5,
        "sampling_param_top_p": 0.9,
        "sampling_param_top_k": 4,
        "sampling_param_seed": 3,
        "sampling_param_stop": ["\n"],
        "lora_name": "noise",
        "guided_decoding_guide_type": "ebnf_grammar",
        "guided_decoding_guide": "root ::= [a]",
    }


def test_nvidias_own_repository_is_not_sent_what_only_ours_knows() -> None:
    assert asked(GenerationRequest([], 8, 0.5, prompt="Wave", grammar="root ::= [a]"), grammar="none") == {
        **ALWAYS,
        "sampling_param_temperature": 0.5,
    }


def test_messages_become_the_text_of_a_prompt() -> None:
    body = asked(GenerationRequest([{"role": "user", "content": "Grüße"}], 8), chat_template="llama3")
    assert body["text_input"] == (
        "<|start_header_id|>user<|end_header_id|>\n\nGrüße<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_the_cancel_call_names_the_generation_that_it_ends() -> None:
    server = dialect()
    call, other = server.encode(REQUEST), server.encode(REQUEST)
    cancel = server.cancel(call)
    assert cancel.path == call.path == "/v2/models/tensorrt_llm/generate_stream"
    assert json.loads(cancel.body) == {"id": json.loads(call.body)["id"], "stop": True, "text_input": ""}
    assert json.loads(call.body)["id"] != json.loads(other.body)["id"]


# What is answered


def test_the_text_so_far_becomes_pieces() -> None:
    answer = dialect().answer(REQUEST)
    assert [answer.feed(event("Wa")), answer.feed(event("Wa")), answer.feed(event("Wave"))] == ["Wa", "", "ve"]
    assert not answer.ended
    assert answer.feed(event("Wave!", "length", num_input_tokens=[4], num_output_tokens=3)) == "!"
    assert answer.ended
    assert answer.finish() == Finish("length", "tensorrt_llm", 4, 3)


@given(st.text(alphabet="aé機🤖", max_size=8), st.lists(st.integers(0, 32)))
def test_a_character_cut_into_tokens_comes_whole(text: str, cuts: list[int]) -> None:
    growing, encoded = GrowingText(REQUEST), text.encode()
    pieces = [growing.feed(encoded[:end].decode(errors="replace")) for end in [*sorted(cuts), len(encoded)]]
    assert "".join([*pieces, growing.rest()]) == text
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces)


@given(st.lists(st.integers(0, 400)))
def test_the_answer_is_the_same_wherever_the_network_cut_it(cuts: list[int]) -> None:
    stream = event("grü") + event("grüß\N{REPLACEMENT CHARACTER}") + event("grüß機 X Y", "stop")
    chunks = [stream[start:end] for start, end in pairwise([0, *sorted(cuts), len(stream)]) if start < end]
    text, finish = read(*chunks, request=GenerationRequest([], 8, prompt="Wave", stop=["X"]))
    assert (text, finish.reason) == ("grüß機 ", "stop")


def test_a_stop_string_ends_the_answer_though_the_server_goes_on() -> None:
    answer = dialect().answer(GenerationRequest([], 8, prompt="Wave", stop=["\n\n"]))
    assert answer.feed(event("wave\n")) == "wave"
    assert answer.feed(event("wave\n\nnow")) == ""
    assert answer.ended
    assert answer.finish().reason == "stop"


def test_what_was_held_back_for_a_stop_string_comes_at_the_end() -> None:
    request = GenerationRequest([], 8, prompt="Wave", stop=["\n\n"])
    assert read(event("wave\n"), event("wave\n", "length"), request=request)[0] == "wave\n"


@pytest.mark.parametrize(
    ("stream", "kind", "told"),
    [
        (b"", Unavailable, "ended its answer in the middle"),
        (event("Wa"), Unavailable, "ended its answer in the middle"),
        (event("Wa", "cancelled"), Failed, "'cancelled'"),
        (b'data: {"error":"Error generating request: no memory"}\n\n', Failed, "no memory"),
        (event("Wa") + b'data: {"error":"Request cancelled by client"}', Unavailable, "cancelled"),
        (b"data: <html>\n\n", Failed, "what is not JSON"),
        (b"data: [1]\n\n", Failed, "what is not an answer"),
        (b"data: 1\n\n", Failed, "what is not an answer"),
        (b"data: " + b"x" * 2_000_000, Failed, "longer than"),
    ],
)
def test_an_answer_that_does_not_end_well_is_an_error(stream: bytes, kind: type[BackendError], told: str) -> None:
    with pytest.raises(BackendError, match=told) as caught:
        read(stream)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (400, b'{"error":"sampling_param_top_p: too large"}', Invalid, "answered: sampling_param_top_p: too large"),
        (500, b'{"error":"Unable to parse \'temperature\'"}', Invalid, "Unable to parse"),
        (400, b'data: {"error":"1 wait; try again later"}\n\n', Overloaded, "1 wait"),
        (400, b'{"error":"Exceeds maximum queue size"}', Overloaded, "queue"),
        (404, b'{"error":"Request for unknown model: \'x\' is not found"}', Unavailable, "unknown model"),
        (400, b'{"error":"Error generating request: CUDA"}', Failed, "CUDA"),
        (502, b"<html>bad gateway</html>", Unavailable, "bad gateway"),
        (404, b"", Failed, "no reason given"),
        (500, b'["error"]', Failed, "error"),
    ],
)
def test_the_body_of_a_refusal_says_what_it_is(status: int, body: bytes, kind: type[BackendError], told: str) -> None:
    error = dialect().refusal(status, body)
    assert type(error) is kind
    assert told in error.message
