"""The adapter for static batches against a stand-in: what goes together, and how each item is answered for itself."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from scripted_batch import DONE, echo, piece, play, prompt, together
from scripted_llm import STREAM_HEAD, Exchange, Server, collect

from services.backends.base import (
    Delta,
    Finish,
    GenerationRequest,
)
from services.backends.batch import BatchBackend

# What becomes one request


def test_requests_that_come_together_are_one_with_lists() -> None:
    async def test(backend: BatchBackend, server: Server) -> None:
        requests = [
            prompt("Wave", max_tokens=4),
            prompt("Sit", temperature=0.5, top_p=0.9, top_k=3, seed=7),
            prompt("機", stop=[]),
        ]
        answers = await asyncio.gather(*together(backend, *requests))
        assert answers == [
            ("Wave", Finish("stop", "tiny", 4, 1)),
            ("Sit", Finish("stop", "tiny", 3, 1)),
            ("機", Finish("stop", "tiny", 1, 1)),
        ]
        [exchange] = server.exchanges
        assert exchange.head.startswith("POST /v1/completions ")
        assert exchange.body == {
            "prompt": ["Wave", "Sit", "機"],
            "max_tokens": [4, 8, 8],
            "temperature": [0.0, 0.5, 0.0],
            "top_p": [1.0, 0.9, 1.0],
            "top_k": [0, 3, 0],
            "seed": [None, 7, None],
            "stream": True,
        }

    play(echo, test)


def test_only_what_is_alike_goes_together() -> None:
    conversation = GenerationRequest([{"role": "user", "content": "Hello"}], 8)

    async def test(backend: BatchBackend, server: Server) -> None:
        requests = [
            prompt("a"),
            conversation,
            prompt("b", stop=["\n"]),
            prompt("c"),
            prompt("d", adapter="nao"),
            conversation,
            prompt("e", stop=["\n"]),
        ]
        answers = await asyncio.gather(*together(backend, *requests))
        assert [text for text, _ in answers] == ["a", "Hello", "b", "c", "d", "Hello", "e"]
        bodies = [exchange.body for exchange in server.exchanges]
        assert [body.get("prompt") or body["messages"] for body in bodies] == [
            ["a", "c"],
            [conversation.messages] * 2,
            ["b", "e"],
            ["d"],
        ]
        assert [body.get("stop") for body in bodies] == [None, None, ["\n"], None]
        assert [body.get("model") for body in bodies] == ["big", "big", "big", "nao"]
        assert server.most_running == 1

    play(echo, test, model="big")


def test_a_batch_is_full_at_the_cap_and_then_does_not_wait() -> None:
    async def test(backend: BatchBackend, server: Server) -> None:
        # Were a full batch to wait for more, this would take ten seconds for each.
        async with asyncio.timeout(5):
            await asyncio.gather(*together(backend, *[prompt(str(number)) for number in range(6)]))
        assert [exchange.body["prompt"] for exchange in server.exchanges] == [["0", "1", "2"], ["3", "4", "5"]]

    play(echo, test, max_concurrency=3, batch_wait_ms=10_000)


def test_the_next_batch_gathers_while_one_runs() -> None:
    async def test(backend: BatchBackend, server: Server) -> None:
        began, end = asyncio.Event(), asyncio.Event()

        async def script(exchange: Exchange) -> None:
            began.set()
            await end.wait()
            await echo(exchange)

        server.script = script
        first = together(backend, prompt("a"))
        await began.wait()
        others = [*together(backend, prompt("b")), *together(backend, prompt("c"))]
        await asyncio.sleep(0)  # they have asked
        end.set()
        await asyncio.gather(*first, *others)
        assert [exchange.body["prompt"] for exchange in server.exchanges] == [["a"], ["b", "c"]]

    play(echo, test, batch_wait_ms=0)


def test_the_connection_is_kept_for_the_next_batch() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a", "stop"))
        await answered.wait()  # the end of the body comes by itself
        answered.clear()
        await exchange.chunk(DONE)
        await exchange.send(b"0\r\n\r\n")

    answered = asyncio.Event()

    async def test(backend: BatchBackend, server: Server) -> None:
        for _ in range(2):
            assert (await collect(backend, prompt("x")))[0] == "a"
            answered.set()
        assert server.connections == 1

    play(script, test)


def test_the_next_batch_begins_though_the_body_of_an_answered_one_does_not_end() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a", "stop"))
        await exchange.client_gone()

    async def test(backend: BatchBackend, server: Server) -> None:
        for _ in range(2):
            assert (await collect(backend, prompt("x")))[0] == "a"
        assert server.connections == 2

    play(script, test)


# Each for itself


def test_an_item_is_answered_as_soon_as_it_ends() -> None:
    short_is_over = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for index in (0, 1):
            await exchange.chunk(piece(index, f"{index}"))
        await exchange.chunk(piece(1, "!", "length", (4, 2)))
        await short_is_over.wait()
        await exchange.chunk(piece(0, "…", "stop", (9, 7)) + DONE)
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: BatchBackend, _: Server) -> None:
        long, short = together(backend, prompt("long"), prompt("short"))
        assert await short == ("1!", Finish("length", "tiny", 4, 2))
        assert not long.done()
        short_is_over.set()
        assert await long == ("0…", Finish("stop", "tiny", 9, 7))

    play(script, test)


def test_pieces_are_handed_on_as_they_come() -> None:
    seen = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "first"))
        await seen.wait()
        await exchange.chunk(piece(0, " last", "stop") + DONE)

    async def test(backend: BatchBackend, _: Server) -> None:
        async with aclosing(backend.stream(prompt("x"))) as stream:
            assert await anext(stream) == Delta("first")
            seen.set()
            assert await anext(stream) == Delta(" last")

    play(script, test)


def test_who_leaves_is_forgotten_and_the_others_go_on() -> None:
    left = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await exchange.chunk(piece(0, "a") + piece(1, "b"))
        await left.wait()
        await exchange.chunk(piece(0, "a") + piece(1, "b", "stop") + piece(0, "a", "stop") + DONE)
        await exchange.send(b"0\r\n\r\n")

    async def test(backend: BatchBackend, server: Server) -> None:
        async with aclosing(backend.stream(prompt("leaves"))) as leaving:
            first = asyncio.ensure_future(anext(leaving))
            [staying] = together(backend, prompt("stays"))
            assert await first == Delta("a")
        left.set()
        assert (await staying)[0] == "bb"
        assert len(server.exchanges) == 1

    play(script, test)


@pytest.mark.parametrize("begun", [False, True], ids=["before a token", "after some"])
def test_when_all_have_left_the_connection_is_closed_though_the_server_is_silent(begun: bool) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if begun:
            await exchange.send(STREAM_HEAD)
            await exchange.chunk(piece(0, "a") + piece(1, "b"))
        asked.set()
        await exchange.client_gone()
        gone.set()

    async def test(backend: BatchBackend, server: Server) -> None:
        tasks = together(backend, prompt("a"), prompt("b"))
        await asked.wait()
        tasks[0].cancel()
        await asyncio.wait({tasks[0]})
        assert not gone.is_set()
        tasks[1].cancel()
        await gone.wait()
        server.script = echo
        assert (await collect(backend, prompt("c")))[0] == "c"

    play(script, test)


def test_who_leaves_before_the_batch_begins_is_not_in_it() -> None:
    async def test(backend: BatchBackend, server: Server) -> None:
        leaving, staying = together(backend, prompt("leaves"), prompt("stays"))
        await asyncio.sleep(0)  # both have asked
        leaving.cancel()
        assert (await staying)[0] == "stays"
        assert [exchange.body["prompt"] for exchange in server.exchanges] == [["stays"]]

    play(echo, test)
