"""How batches fail: the adapter for static batches against a stand-in that says, byte for byte, what the test wants."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from scripted_batch import DONE, echo, piece, play, prompt, together
from scripted_llm import STREAM_HEAD, Exchange, Server, collect, failing, silent

from services.backends.base import (
    BackendError,
    Failed,
    Invalid,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.batch import BatchBackend


async def both_fail(backend: BatchBackend) -> BackendError:
    first, second = await asyncio.gather(failing(backend, prompt("a")), failing(backend, prompt("b")))
    assert (type(first), first.message) == (type(second), second.message)
    return first


@pytest.mark.parametrize(
    ("status", "message", "kind"), [(400, "a prompt is empty", Invalid), (429, "8 prompts wait", Overloaded)]
)
def test_a_refusal_is_told_to_all(status: int, message: str, kind: type[BackendError]) -> None:
    async def test(backend: BatchBackend, server: Server) -> None:
        error = await both_fail(backend)
        assert type(error) is kind
        assert message in error.message
        server.script = echo
        assert (await collect(backend, prompt("c")))[0] == "c"

    play(lambda exchange: exchange.reply(status, f'{{"error": {{"message": "{message}"}}}}'), test)


@pytest.mark.parametrize(
    ("chunks", "kind", "told"),
    [
        (['data: {"error": {"message": "no memory", "code": 500}}\n\n'], Failed, "no memory"),
        (['data: {"error": {"message": "full", "code": 429}}\n\n'], Overloaded, "full"),
        (['data: {"error": "text"}\n\n'], Failed, "text"),
        ([piece(0, "a") + piece(1, "b")], Unavailable, "in the middle"),
        ([DONE], Unavailable, "in the middle"),
        (["data: <html>\n\n"], Failed, "cannot be understood"),
        (["data: [1]\n\n"], Failed, "cannot be understood"),
        ([piece(2, "nobody's")], Failed, "cannot be understood"),
        (["data: " + "x" * 2_000_000], Failed, "longer than"),
    ],
)
def test_an_error_in_the_stream_is_told_to_all(chunks: list[str], kind: type[BackendError], told: str) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for chunk in chunks:
            await exchange.chunk(chunk)
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: BatchBackend, _: Server) -> None:
        error = await both_fail(backend)
        assert type(error) is kind
        assert told in error.message

    play(script, test)


def test_an_item_that_is_missing_at_the_end_has_failed_and_only_that_one() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a", "stop") + piece(1, "b") + piece(2, "c", "abort") + DONE)
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: BatchBackend, _: Server) -> None:
        whole, missing, aborted = together(backend, prompt("a"), prompt("b"), prompt("c"))
        assert (await whole)[0] == "a"
        with pytest.raises(Unavailable, match="in the middle"):
            await missing
        with pytest.raises(Failed, match="'abort'"):
            await aborted

    play(script, test)


def test_no_first_token_in_time() -> None:
    async def test(backend: BatchBackend, _: Server) -> None:
        error = await both_fail(backend)
        assert type(error) is TimedOut
        assert error.message == "deepspeed sent no first token in 0.2 s"

    play(silent, test, first_token_timeout_s=0.2)


def test_no_further_token_in_time() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a") + piece(1, "b"))
        await exchange.client_gone()

    async def test(backend: BatchBackend, _: Server) -> None:
        error = await both_fail(backend)
        assert type(error) is TimedOut
        assert error.message == "deepspeed sent no further token in 0.1 s"

    play(script, test, idle_timeout_s=0.1)


def test_who_waits_too_long_for_a_batch_is_told_of_overload() -> None:
    began = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a"))
        began.set()
        await exchange.client_gone()

    async def test(backend: BatchBackend, server: Server) -> None:
        async with aclosing(backend.stream(prompt("a"))) as running:
            await anext(running)
            error = await failing(backend, prompt("b"))
            assert type(error) is Overloaded
            assert "busy with other batches for 1 s" in error.message
        assert len(server.exchanges) == 1

    play(script, test, first_token_timeout_s=1)


def test_closing_ends_the_batch_and_those_who_wait_for_the_next() -> None:
    began, gone = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        began.set()
        await exchange.client_gone()
        gone.set()

    async def test(backend: BatchBackend, _: Server) -> None:
        running = asyncio.create_task(failing(backend, prompt("a")))
        await began.wait()
        waiting = asyncio.create_task(failing(backend, prompt("b")))
        await asyncio.sleep(0)  # it has asked
        await backend.close()
        await backend.close()
        for error in (await running, await waiting):
            assert type(error) is Unavailable
            assert error.message == "the connection to deepspeed was closed"
        await gone.wait()

    play(script, test)
