"""What each server with OpenAI's API is asked, and how its answers end, on a stand-in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scripted_llm import REQUEST, Server, answering, collect, event, failing, play

from services.backends.base import Failed, Finish, GenerationRequest
from services.backends.http import HttpBackend

GRAMMAR = 'root ::= "x"'


@pytest.mark.parametrize(
    ("name", "asked", "fields"),
    [
        ("llamacpp", {"grammar": GRAMMAR}, {"grammar": GRAMMAR}),
        ("vllm", {"grammar": GRAMMAR}, {"structured_outputs": {"grammar": GRAMMAR}}),
        # Transformers' server refuses fields that it does not know.
        ("transformers", {"grammar": GRAMMAR}, {}),
        ("vllm", {"top_p": 0.9, "top_k": 40, "seed": 7}, {"top_p": 0.9, "top_k": 40, "seed": 7}),
        ("vllm", {"adapter": "nao"}, {"model": "nao"}),
        ("vllm", {"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
    ],
)
def test_what_is_asked(name: str, asked: dict[str, Any], fields: dict[str, Any]) -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        await collect(backend, replace(REQUEST, **asked))
        always = {
            "messages": REQUEST.messages,
            "max_tokens": 8,
            "temperature": 0.0,  # greedy, in all of them
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        assert server.exchanges[0].body == always | fields

    play(answering(event({"delta": {"content": "x"}, "finish_reason": "stop"})), test, name)


def test_the_text_of_a_prompt_goes_to_completions_and_the_trace_with_it() -> None:
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"}

    async def test(backend: HttpBackend, server: Server) -> None:
        answer = await collect(backend, GenerationRequest([], 8, prompt="Wave", trace=trace))
        assert answer == ("ab", Finish("length", "tiny", 5, 2))
        (exchange,) = server.exchanges
        assert exchange.head.startswith("POST /v1/completions ")
        assert exchange.body["prompt"] == "Wave"
        assert "messages" not in exchange.body
        for name, value in trace.items():
            assert f"{name}: {value}\r\n" in exchange.head

    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    end = event({"text": "b", "finish_reason": "length"}, usage=usage)
    play(answering(event({"text": "a"}), end, "data: [DONE]\n\n"), test, "vllm")


@pytest.mark.parametrize("reason", ["abort", "error", "repetition", "tool_calls"])
def test_an_answer_that_did_not_end_well_is_an_error(reason: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend)
        assert type(error) is Failed
        assert reason in error.message

    play(answering(event({"delta": {"content": "a"}, "finish_reason": reason}), "data: [DONE]\n\n"), test, "vllm")
