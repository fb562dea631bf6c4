"""The TGI adapter against a stand-in: TGI itself cannot be had without a GPU and its image.

What it is asked, and the events that it sends, are checked against the contract that TGI publishes.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import ValidationError
from scripted_llm import REQUEST, STREAM_HEAD, Exchange, Server, answering, collect, failing
from scripted_tgi import DONE, check, chunk, ended, play, token

from services.backends.base import (
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Invalid,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.config import load_backends
from services.backends.dialects.tgi import TGIDialect
from services.backends.http import HttpBackend

MESSAGES = REQUEST.messages
CHAT = REQUEST
PROMPT = GenerationRequest([], 8, prompt="Wave")
GBNF = 'root ::= "x"'
BOTH_DOORS = pytest.mark.parametrize("request_", [CHAT, PROMPT], ids=["chat", "generate"])


# What is asked


async def asked(backend: HttpBackend, server: Server, request: GenerationRequest) -> tuple[str, dict[str, Any]]:
    """Where a request goes, and its body."""
    await collect(backend, request)
    exchange = server.exchanges[-1]
    method, path, _ = exchange.head.split(" ", 2)
    assert method == "POST"
    assert "Content-Type: application/json\r\n" in exchange.head  # without it, TGI answers 415
    return path, exchange.body


async def either_door(exchange: Exchange) -> None:
    answer = [token("x", **ended("length"))] if "/generate" in exchange.head else [chunk("x", "length"), DONE]
    await answering(*answer)(exchange)


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({}, {"do_sample": False}),
        # Each of these would make TGI sample, or is refused beside temperature 0.
        ({"top_p": 0.5, "top_k": 3, "seed": 7}, {"do_sample": False}),
        ({"temperature": 1.0}, {"do_sample": True, "temperature": 1.0}),
        ({"temperature": 0.5, "top_p": 1.0}, {"do_sample": True, "temperature": 0.5}),
        (
            {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 7},
            {"do_sample": True, "temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 7},
        ),
        ({"stop": list("abcdef")}, {"do_sample": False, "stop": list("abcd")}),
        ({"adapter": "nao"}, {"do_sample": False, "adapter_id": "nao"}),
        ({"grammar": GBNF}, {"do_sample": False}),
        ({"grammar": GBNF, "regex": "x+"}, {"do_sample": False, "grammar": {"type": "regex", "value": "x+"}}),
    ],
)
def test_a_prompt_goes_to_generate(fields: dict[str, Any], parameters: dict[str, Any]) -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        path, body = await asked(backend, server, GenerationRequest([], 8, prompt="Wave", **fields))
        check("GenerateRequest", body)
        check("GenerateParameters", body["parameters"])
        always = {"max_new_tokens": 8, "details": True, "return_full_text": False, "stop": []}
        assert (path, body) == ("/generate_stream", {"inputs": "Wave", "parameters": {**always, **parameters}})

    play(either_door, test)


@pytest.mark.parametrize(
    ("fields", "sampling"),
    [
        ({}, {"temperature": 0.0}),
        ({"top_p": 0.5, "seed": 7}, {"temperature": 0.0, "seed": 7}),
        ({"temperature": 0.5, "top_p": 1.0}, {"temperature": 0.5}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"stop": list("abcdef")}, {"temperature": 0.0, "stop": list("abcd")}),
        ({"adapter": "nao"}, {"temperature": 0.0, "model": "nao"}),
        ({"grammar": GBNF}, {"temperature": 0.0}),
        ({"grammar": GBNF, "regex": "x+"}, {"temperature": 0.0, "response_format": {"type": "regex", "value": "x+"}}),
    ],
)
def test_messages_go_to_the_chat_door(fields: dict[str, Any], sampling: dict[str, Any]) -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        path, body = await asked(backend, server, GenerationRequest(MESSAGES, 8, **fields))
        check("ChatRequest", body)
        always = {
            "model": "tgi",  # any other name, that of the model too, is taken for an adapter's
            "messages": MESSAGES,
            "max_tokens": 8,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        assert (path, body) == ("/v1/chat/completions", {**always, **sampling})

    play(either_door, test, model="HuggingFaceTB/SmolLM2-135M-Instruct")


def test_sampling_that_the_chat_door_has_not_is_refused_rather_than_left_out() -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        error = await failing(backend, GenerationRequest(MESSAGES, 8, temperature=0.5, top_k=3))
        assert type(error) is Invalid
        assert "top_k" in error.message
        assert not server.exchanges
        await collect(backend, GenerationRequest(MESSAGES, 8, top_k=3))  # greedy, it says nothing

    play(either_door, test)


@BOTH_DOORS
def test_one_that_is_started_without_grammars_is_sent_none(request_: GenerationRequest) -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        assert await asked(backend, server, replace(request_, regex="x+")) == await asked(backend, server, request_)

    play(either_door, test, grammar="none")


@pytest.mark.parametrize("wrong", [{"type": "gbnf", "value": GBNF}, {"type": "regex"}, {"type": "regex", "value": 1}])
def test_the_contract_knows_a_wrong_grammar(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check("GenerateParameters", {"grammar": wrong})


# What is answered


@pytest.mark.parametrize(("reason", "told"), [("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop")])
def test_a_whole_answer_of_generate(reason: str, told: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        text, finish = await collect(backend, PROMPT)
        assert text == "grüß dich"
        assert finish == Finish(told, "tgi", 5, 3)  # type: ignore[arg-type]

    events = [
        ":\n\n",
        token("<s>", special=True),
        token("grüß"),
        ":\n\n",
        token(" dich").replace("data: ", "data:"),  # as TGI 1 and 2 write it
        token("</s>", special=True, **ended(reason)),
    ]
    play(answering(*events), test)


@pytest.mark.parametrize(("reason", "told"), [("length", "length"), ("stop", "stop"), ("stop_sequence", "stop")])
def test_a_whole_answer_of_the_chat_door(reason: str, told: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        text, finish = await collect(backend, CHAT)
        assert text == "grüß dich"
        assert finish == Finish(told, "tiny", 5, 3)  # type: ignore[arg-type]

    play(answering(chunk("grüß"), ":\n\n", chunk(" dich"), chunk("", reason), chunk(usage=(5, 3)), DONE), test)


def test_generates_last_event_ends_the_answer_and_the_connection_is_kept() -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        for _ in range(2):
            assert (await collect(backend, PROMPT))[0] == "one"
        assert server.connections == 1

    play(answering(token("one", **ended("length"))), test)


@BOTH_DOORS
def test_a_stop_string_that_tgi_left_in_the_text_is_cut_and_the_tokens_are_counted(request_: GenerationRequest) -> None:
    request = GenerationRequest(request_.messages, 8, prompt=request_.prompt, stop=["\n\n"])
    chat = [chunk("wave"), chunk("\n"), chunk("\n", "stop_sequence"), chunk(usage=(5, 3)), DONE]
    generate = [token("wave"), token("\n"), token("\n", **ended("stop_sequence"))]
    # Without a network, which might join the events: each is read before the next has come.
    answer = TGIDialect(load_backends({"BACKEND": "tgi"}).configured["tgi"]).answer(request)
    texts: list[str] = []
    for event in chat if request_ is CHAT else generate:
        assert not answer.ended
        texts.append(answer.feed(event.encode()))
    assert answer.ended
    assert "".join(texts) == "wave"
    finish = answer.finish()
    assert (finish.reason, finish.prompt_tokens, finish.completion_tokens) == ("stop", 5, 3)


@BOTH_DOORS
def test_the_fifth_stop_string_is_ours_to_cut_and_tgi_is_hung_up_on(request_: GenerationRequest) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for text in ("wave", "E", "ND"):
            await exchange.chunk(chunk(text) if request_ is CHAT else token(text))
        await exchange.client_gone()
        gone.set()

    async def test(backend: HttpBackend, _: Server) -> None:
        request = GenerationRequest(request_.messages, 8, prompt=request_.prompt, stop=[*"1234", "END"])
        text, finish = await collect(backend, request)
        assert (text, finish.reason) == ("wave", "stop")
        await gone.wait()

    play(script, test)


@BOTH_DOORS
def test_what_was_held_back_comes_when_the_answer_ends_otherwise(request_: GenerationRequest) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        request = GenerationRequest(request_.messages, 8, prompt=request_.prompt, stop=["\n\n"])
        text, finish = await collect(backend, request)
        assert (text, finish.reason) == ("wave\n", "length")

    chat = [chunk("wave"), chunk("\n", "length"), chunk(usage=(5, 3)), DONE]
    play(answering(*(chat if request_ is CHAT else [token("wave"), token("\n", **ended("length"))])), test)


@BOTH_DOORS
def test_who_stops_listening_hangs_up(request_: GenerationRequest) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(chunk("a") if request_ is CHAT else token("a"))
        await exchange.client_gone()
        gone.set()

    async def test(backend: HttpBackend, _: Server) -> None:
        async with aclosing(backend.stream(request_)) as stream:
            assert await anext(stream) == Delta("a")
        await gone.wait()

    play(script, test)


# How answers fail


@pytest.mark.parametrize(
    ("error_type", "message", "kind"),
    [
        ("overloaded", "Model is overloaded", Overloaded),
        ("validation", "Input validation error: `temperature` must be strictly positive", Invalid),
        ("generation", "Request failed during generation: Server error: CUDA out of memory", Failed),
        ("incomplete_generation", "Incomplete generation", Unavailable),
    ],
)
@pytest.mark.parametrize("begun", [False, True], ids=["at once", "in the middle"])
def test_generate_tells_errors_on_a_200(begun: bool, error_type: str, message: str, kind: type[BackendError]) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend, PROMPT)
        assert type(error) is kind
        assert error.message == f"tgi answered: {message}"

    document = {"error": message, "error_type": error_type}
    check("ErrorResponse", document)
    play(answering(*([token("a")] if begun else []), f"data: {json.dumps(document)}\n\n"), test)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Model is overloaded", Overloaded),
        ("Input validation error: `inputs` must have less than 1024 tokens", Invalid),
        ("Template error: unknown role", Invalid),
        ("Request failed during generation: Server error: CUDA out of memory", Failed),
        ("Incomplete generation stream", Unavailable),
    ],
)
def test_the_chat_door_numbers_every_error_422(message: str, kind: type[BackendError]) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend, CHAT)
        assert type(error) is kind
        assert message in error.message

    document = {"error": {"message": message, "http_status_code": 422}}
    play(answering(chunk("a"), f"data: {json.dumps(document)}\n\n", DONE), test)


@BOTH_DOORS
@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (422, '{"error": "Input validation error: top_p", "error_type": "validation"}', Invalid, "top_p"),
        (424, '{"error": "Request failed during generation", "error_type": "generation"}', Failed, "during generation"),
        (429, '{"error": "Model is overloaded", "error_type": "overloaded"}', Overloaded, "Model is overloaded"),
        (500, '{"error": "Incomplete generation", "error_type": "incomplete_generation"}', Failed, "Incomplete"),
        (503, '{"error": "unhealthy", "error_type": "healthcheck"}', Overloaded, "unhealthy"),
        (401, "", Failed, "no reason given; check the key in TGI_API_KEY_FILE"),
        (400, "Failed to parse the request body as JSON", Invalid, "Failed to parse the request body as JSON"),
        (413, "length limit exceeded", Invalid, "length limit exceeded"),
    ],
)
def test_a_refusal_says_why(
    request_: GenerationRequest, status: int, body: str, kind: type[BackendError], told: str
) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend, request_)
        assert type(error) is kind
        assert told in error.message
        assert error.message.startswith(f"tgi answered {status}: ")

    content_type = "application/json" if body.startswith("{") else "text/plain; charset=utf-8"
    play(lambda exchange: exchange.reply(status, body, content_type), test)


@pytest.mark.parametrize(
    ("request_", "chunks", "kind"),
    [
        pytest.param(PROMPT, [token("a")], Unavailable, id="generate closes without a last event"),
        pytest.param(PROMPT, [], Unavailable, id="generate closes at once"),
        pytest.param(PROMPT, ["data: <html>\n\n"], Failed, id="generate sends no JSON"),
        pytest.param(PROMPT, ["data: 1\n\n"], Failed, id="generate sends no document"),
        pytest.param(CHAT, [chunk("a")], Unavailable, id="chat closes without a finish_reason"),
        pytest.param(CHAT, [chunk("a", "tool_calls"), DONE], Failed, id="chat ends otherwise"),
    ],
)
def test_an_incomplete_answer_is_an_error(
    request_: GenerationRequest, chunks: list[str], kind: type[BackendError]
) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        assert type(await failing(backend, request_)) is kind

    play(answering(*chunks), test)


@BOTH_DOORS
def test_comments_while_a_request_waits_do_not_put_off_the_time_out(request_: GenerationRequest) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        while not exchange.reader.at_eof():
            await exchange.chunk(":\n\n")
            await asyncio.sleep(0.02)

    async def test(backend: HttpBackend, _: Server) -> None:
        assert type(await failing(backend, request_)) is TimedOut

    play(script, test, first_token_timeout_s=0.2)


def test_ready_is_what_health_says() -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        assert await backend.ready()
        answers[:] = [503]
        assert not await backend.ready()

    answers = [200]

    async def script(exchange: Exchange) -> None:
        assert exchange.head.startswith("GET /health ")
        await exchange.reply(answers[0], "")

    play(script, test)
