"""The stand-in engine behaves as an engine does, seen through the adapter and over raw HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from loadtest.fake_engine import DEFAULT_PROGRAM, MODEL, tokenize
from services.backends.base import Backend, Delta, Finish, GenerationRequest, Overloaded
from services.backends.config import load_backends
from services.backends.registry import create_backend
from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramReader, Statement
from services.behavior.schema import Scene

REQUEST = GenerationRequest([{"role": "user", "content": "Wave"}], 64)


@contextlib.contextmanager
def fake_engine(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "loadtest.fake_engine", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        assert process.wait(timeout=5) == 0
        assert process.stdout is not None
        process.stdout.close()


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/stats", timeout=5) as response:
        counts: dict[str, Any] = json.load(response)
        return counts


def backend_at(url: str) -> Backend:
    return create_backend(load_backends({"LLAMACPP_URL": url}).configured["llamacpp"])


async def collect(backend: Backend) -> tuple[str, Finish]:
    *deltas, finish = [piece async for piece in backend.stream(REQUEST)]
    assert isinstance(finish, Finish)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


def test_its_program_is_one_that_a_robot_may_run() -> None:
    reader = ProgramReader(load_catalogue("nao"), Scene())
    statements = [*reader.feed(DEFAULT_PROGRAM), *reader.close()]
    assert len(statements) == 2
    assert all(isinstance(statement, Statement) for statement in statements)
    assert "".join(tokenize(DEFAULT_PROGRAM)) == DEFAULT_PROGRAM


@pytest.mark.parametrize("pace", [[], ["--ttft-ms", "5", "--tokens-per-second", "2000"]])
def test_it_answers_every_request_with_its_program(pace: list[str]) -> None:
    async def run() -> None:
        with fake_engine(*pace) as url:
            backend = backend_at(url)
            assert await backend.ready()
            for text, finish in await asyncio.gather(*(collect(backend) for _ in range(20))):
                assert text == DEFAULT_PROGRAM
                assert finish == Finish("stop", MODEL, 0, len(tokenize(DEFAULT_PROGRAM)))
            assert stats(url)["completed"] == 20
            await backend.close()

    asyncio.run(run())


def test_it_notices_who_hangs_up() -> None:
    async def run() -> None:
        with fake_engine("--tokens-per-second", "1") as url:
            backend = backend_at(url)
            async with aclosing(backend.stream(REQUEST)) as stream:
                await anext(stream)
                assert stats(url)["running"] == 1
            async with asyncio.timeout(10):
                while stats(url)["cancelled"] != 1:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(0.01)
            assert stats(url)["running"] == 0
            await backend.close()

    asyncio.run(run())


def test_no_more_answers_advance_together_than_it_has_slots() -> None:
    async def run() -> None:
        with fake_engine("--ttft-ms", "5", "--slots", "2") as url:
            backend = backend_at(url)
            await asyncio.gather(*(collect(backend) for _ in range(8)))
            assert (stats(url)["completed"], stats(url)["most_running"]) == (8, 2)
            await backend.close()

    asyncio.run(run())


def test_it_fails_as_often_as_asked() -> None:
    async def run() -> None:
        with fake_engine("--error-rate", "1", "--error-status", "503") as url:
            backend = backend_at(url)
            with pytest.raises(Overloaded):
                await collect(backend)
            await backend.close()

    asyncio.run(run())


def test_requests_in_pieces_and_several_at_once_are_read_right() -> None:
    body = json.dumps({"messages": [], "stream": False}).encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def run(url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for byte in request:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(request + request)
        for _ in range(3):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = json.loads(await reader.readexactly(length))
            assert answer["choices"][0]["message"]["content"] == DEFAULT_PROGRAM
        writer.close()

    for pace in ([], ["--ttft-ms", "3"]):
        with fake_engine(*pace) as url:
            asyncio.run(run(url))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", b"400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", b"400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"x" * 70_000, b"400"),
    ],
)
def test_bad_requests_are_refused(request_bytes: bytes, status: bytes) -> None:
    async def run(url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_bytes)
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == status
        writer.close()

    with fake_engine() as url:
        asyncio.run(run(url))
