"""The OpenAI adapter against a server that says, byte for byte, what the test wants.

The server is a stand-in on a real socket: what it says are answers that real servers give, and ways in which they fail.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from scripted_llm import (
    REQUEST,
    STREAM_HEAD,
    Exchange,
    Script,
    Server,
    answering,
    collect,
    event,
    failing,
    play,
    silent,
)

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
from services.backends.http import HttpBackend
from services.backends.registry import create_backend

# What a good answer may look like


def test_a_whole_answer_and_what_was_asked() -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        request = GenerationRequest(REQUEST.messages, 8, temperature=0.5, seed=7, stop=["\n\n"], grammar='root ::= "x"')
        text, finish = await collect(backend, request)
        assert text == "grüß dich"
        assert finish == Finish("length", "tiny", 5, 2)
        assert server.exchanges[0].body == {
            "messages": REQUEST.messages,
            "max_tokens": 8,
            "temperature": 0.5,
            "seed": 7,
            "stop": ["\n\n"],
            "grammar": 'root ::= "x"',
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    chunks = [
        event({"delta": {"role": "assistant", "content": None}}),
        event({"delta": {"content": "grüß"}}),
        event({"delta": {"content": " dich"}}),
        event({"delta": {}, "finish_reason": "length"}),
        'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}\n\n',
        "data: [DONE]\n\n",
    ]
    play(answering(*chunks), test)


def test_what_the_server_does_not_take_is_left_out() -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        await collect(backend, GenerationRequest(REQUEST.messages, 8, grammar='root ::= "x"'))
        assert server.exchanges[0].body.keys() == {
            "messages",
            "max_tokens",
            "temperature",
            "stream",
            "stream_options",
            "model",
        }
        assert server.exchanges[0].body["model"] == "big"

    play(answering(event({"delta": {"content": "x"}, "finish_reason": "stop"})), test, grammar="none", model="big")


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        pytest.param([event({"delta": {"content": "ab"}, "finish_reason": "stop"})], "stop", id="no [DONE]"),
        pytest.param(
            [event({"delta": {"content": "ab"}, "finish_reason": "length"}).strip()], "length", id="no newline"
        ),
        pytest.param(
            [event({"delta": {"content": "a"}}) + event({"delta": {"content": "b"}, "finish_reason": "stop"})],
            "stop",
            id="events joined",
        ),
        pytest.param(
            [
                ": ping\n\n",
                event({"delta": {"content": "ab"}, "finish_reason": "stop"}),
                ": ping\n\n",
                "data:[DONE]\n\n",
            ],
            "stop",
            id="pings",
        ),
    ],
)
def test_the_ways_in_which_servers_end_a_stream(chunks: list[str], reason: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        text, finish = await collect(backend)
        assert (text, finish.reason, finish.prompt_tokens) == ("ab", reason, 0)

    play(answering(*chunks), test)


def test_a_character_cut_in_two_comes_out_whole() -> None:
    whole = event({"delta": {"content": "機"}, "finish_reason": "stop"}).replace("\\u6a5f", "機").encode()
    middle = whole.index("機".encode()) + 1

    async def test(backend: HttpBackend, _: Server) -> None:
        assert (await collect(backend))[0] == "機"

    play(answering(whole[:middle], whole[middle:]), test)


def test_tokens_are_handed_on_as_they_come() -> None:
    seen = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("first")
        await seen.wait()  # the rest comes only once the first token was received
        await exchange.chunk(event({"delta": {"content": " last"}, "finish_reason": "stop"}))
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: HttpBackend, _: Server) -> None:
        pieces = []
        async for piece in backend.stream(REQUEST):
            pieces.append(piece)
            seen.set()
        assert pieces[:2] == [Delta("first"), Delta(" last")]

    play(script, test)


def test_connections_are_kept_and_stale_ones_are_no_failure() -> None:
    async def test(backend: HttpBackend, server: Server) -> None:
        await collect(backend)
        await collect(backend)
        assert server.connections == 1
        await asyncio.gather(*(collect(backend) for _ in range(3)))
        assert server.connections == 3
        answer = server.script
        kept = {exchange.writer for exchange in server.exchanges}

        async def hang_up_on_kept_connections(exchange: Exchange) -> None:
            if exchange.writer in kept:
                exchange.writer.close()
            else:
                await answer(exchange)

        server.script = hang_up_on_kept_connections
        assert (await collect(backend))[0] == "x"
        assert server.connections == 4

    play(answering(event({"delta": {"content": "x"}, "finish_reason": "stop"}), "data: [DONE]\n\n"), test)


# How answers fail


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (
            400,
            '{"error": {"code": 400, "message": "prompt too long"}}',
            Invalid,
            "llamacpp answered 400: prompt too long",
        ),
        (422, '{"detail": "unexpected field"}', Invalid, "unexpected field"),
        (429, '{"error": "Model is overloaded"}', Overloaded, "Model is overloaded"),
        (503, '{"error": {"message": "Loading model"}}', Overloaded, "Loading model"),
        (502, "<html>\nbad   gateway</html>", Unavailable, "<html> bad gateway</html>"),
        (401, "", Failed, "no reason given; check the key in LLAMACPP_API_KEY_FILE"),
        (500, '{"object": "error", "message": "CUDA"}', Failed, "CUDA"),
        (404, "x" * 100_000, Failed, "x…"),
    ],
)
def test_a_refusal_says_why(status: int, body: str, kind: type[BackendError], told: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend)
        assert type(error) is kind
        assert told in error.message
        assert len(error.message) < 500

    play(lambda exchange: exchange.reply(status, body), test)


@pytest.mark.parametrize(
    ("payload", "kind", "told"),
    [
        ('{"error": {"code": 500, "message": "out of memory"}}', Failed, "out of memory"),
        ('{"error": {"code": 429, "message": "queue full"}}', Overloaded, "queue full"),
        ('{"error": "text with "quotes" that nobody escaped"}', Failed, "nobody escaped"),
        ('{"choices": [{"delta": {"content": "\\ud800"}}]}', Failed, "{"),
        ("[1]", Failed, "[1]"),
    ],
)
def test_an_error_on_a_stream_begun_with_200_is_an_error(payload: str, kind: type[BackendError], told: str) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend)
        assert type(error) is kind
        assert error.message.startswith("llamacpp broke off its answer: ")
        assert told in error.message

    play(answering(event({"delta": {"content": "a"}}), f"data: {payload}\n\n", "data: [DONE]\n\n"), test)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        pytest.param(answering(event({"delta": {"content": "a"}})), Unavailable, id="body ends without an end"),
        pytest.param(answering(event({"delta": {"content": "a"}}), end=b"zz\r\n"), Unavailable, id="not HTTP"),
        pytest.param(answering(event({"delta": {}, "finish_reason": "abort"})), Failed, id="aborted"),
        pytest.param(answering(event({"delta": {"content": "a"}}), "data: [DONE]\n\n"), Failed, id="no finish_reason"),
        pytest.param(answering("wave\n", "data: [DONE]\n\n"), Failed, id="nothing but an end"),
        pytest.param(lambda exchange: exchange.reply(200, "{}"), Failed, id="not a stream"),
        pytest.param(answering("data: " + "x" * 2_000_000), Failed, id="an endless line"),
    ],
)
def test_an_incomplete_answer_is_an_error(script: Script, kind: type[BackendError]) -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        assert type(await failing(backend)) is kind

    play(script, test)


def test_a_connection_lost_in_the_middle_is_an_error() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("a")
        exchange.writer.close()

    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend)
        assert type(error) is Unavailable
        assert "lost in the middle" in error.message

    play(script, test)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "llamacpp at http://127.0.0.1:{port} answered what is no HTTP"),
        (b"", "llamacpp at http://127.0.0.1:{port} closed the connection without an answer"),
    ],
)
def test_a_server_of_another_kind_is_told_in_words_for_people(said: bytes, told: str) -> None:
    async def run() -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            backend = create_backend(load_backends({"LLAMACPP_URL": f"http://127.0.0.1:{port}"}).configured["llamacpp"])
            error = await failing(backend)
            assert (type(error), error.message) == (Unavailable, told.format(port=port))
            await backend.close()

    asyncio.run(run())


def test_a_server_that_is_away_is_unavailable_and_not_ready() -> None:
    async def run() -> None:
        listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await listener.wait_closed()
        backend = create_backend(load_backends({"LLAMACPP_URL": f"http://127.0.0.1:{port}"}).configured["llamacpp"])
        error = await failing(backend)
        assert type(error) is Unavailable
        assert error.message.endswith("cannot be reached: Connection refused")
        assert not await backend.ready()
        await backend.close()
        await backend.close()

    asyncio.run(run())


# Time-outs, cancelling, the cap


def test_no_first_token_in_time_though_the_server_pings() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        while not exchange.reader.at_eof():
            await exchange.chunk(": ping\n\n")
            await asyncio.sleep(0.02)

    async def test(backend: HttpBackend, server: Server) -> None:
        error = await failing(backend)
        assert type(error) is TimedOut
        assert error.message == "llamacpp sent no first token in 0.2 s"

    play(script, test, first_token_timeout_s=0.2)


def test_no_answer_at_all_in_time() -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        assert type(await failing(backend)) is TimedOut

    play(silent, test, first_token_timeout_s=0.1)


def test_no_further_token_in_time() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("a")
        await exchange.client_gone()

    async def test(backend: HttpBackend, _: Server) -> None:
        error = await failing(backend)
        assert type(error) is TimedOut
        assert error.message == "llamacpp sent no further token in 0.1 s"

    play(script, test, idle_timeout_s=0.1)


def test_the_time_that_the_consumer_takes_is_not_the_servers() -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        async for _piece in backend.stream(REQUEST):
            await asyncio.sleep(0.3)

    play(
        answering(event({"delta": {"content": "a"}}), event({"delta": {"content": "b"}, "finish_reason": "stop"})),
        test,
        first_token_timeout_s=5,
        idle_timeout_s=0.2,
    )


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_who_stops_listening_hangs_up_at_the_server(how: str) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("a")
        await exchange.client_gone()
        gone.set()

    async def test(backend: HttpBackend, server: Server) -> None:
        if how == "close":
            async with aclosing(backend.stream(REQUEST)) as stream:
                assert await anext(stream) == Delta("a")
        else:
            started = asyncio.Event()

            async def listen() -> None:
                async for _piece in backend.stream(REQUEST):
                    started.set()

            task = asyncio.create_task(listen())
            await started.wait()
            task.cancel()
            await asyncio.wait({task})
        await gone.wait()

    play(script, test)


def test_no_more_generations_at_once_than_the_cap() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("a")
        await asyncio.sleep(0.01)
        await exchange.chunk(event({"delta": {}, "finish_reason": "stop"}))
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: HttpBackend, server: Server) -> None:
        await asyncio.gather(*(collect(backend) for _ in range(12)))
        assert len(server.exchanges) == 12
        assert server.most_running == 3

    play(script, test, max_concurrency=3)


def test_a_place_that_does_not_come_free_is_overload() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.token("a")
        await exchange.client_gone()

    async def test(backend: HttpBackend, _: Server) -> None:
        async with aclosing(backend.stream(REQUEST)) as stream:
            await anext(stream)
            error = await failing(backend)
            assert type(error) is Overloaded
            assert "all 1 places" in error.message

    play(script, test, max_concurrency=1, first_token_timeout_s=0.2)


def test_readiness_and_the_key() -> None:
    async def script(exchange: Exchange) -> None:
        assert exchange.head.startswith("GET /health ")
        await exchange.reply(503 if len(statuses) else 200, "{}")
        statuses.append(exchange.head)

    statuses: list[str] = []

    async def test(backend: HttpBackend, server: Server) -> None:
        assert await backend.ready()
        assert not await backend.ready()

    play(script, test)


def test_a_health_check_that_does_not_answer_is_not_ready() -> None:
    async def test(backend: HttpBackend, _: Server) -> None:
        assert not await backend.ready()

    play(silent, test, connect_timeout_s=0.1)


def test_the_key_goes_with_each_request(tmp_path: Any) -> None:
    (tmp_path / "key").write_text("s3cret")

    async def test(backend: HttpBackend, server: Server) -> None:
        await collect(backend)
        assert "Authorization: Bearer s3cret\r\n" in server.exchanges[0].head

    play(answering(event({"delta": {"content": "x"}, "finish_reason": "stop"})), test, api_key_file=tmp_path / "key")
