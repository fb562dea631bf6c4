"""A stand-in for an LLM server, on a real socket: it says, byte for byte, what the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.backends.base import Backend, BackendError, Delta, Finish, GenerationRequest
from services.backends.config import load_backends
from services.backends.registry import create_backend

Script = Callable[["Exchange"], Awaitable[None]]
REQUEST = GenerationRequest(messages=[{"role": "user", "content": "Wave"}], max_tokens=8)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Exchange:
    """One request as the server sees it, and the means to answer it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        self.reader, self.writer, self.head = reader, writer, head.decode()
        self.body: dict[str, Any] = json.loads(body) if body else {}

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data: str | bytes) -> None:
        data = data.encode() if isinstance(data, str) else data
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def token(self, text: str) -> None:
        await self.chunk(event({"delta": {"content": text}}))

    async def reply(self, status: int, body: str, content_type: str = "application/json") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        await self.send(head.encode() + body.encode())

    async def client_gone(self) -> None:
        assert await self.reader.read() == b""


def event(choice: dict[str, Any], **more: Any) -> str:
    return "data: " + json.dumps({"model": "tiny", "choices": [{"index": 0, **choice}], **more}) + "\n\n"


class Server:
    """Runs a script for each request; counts connections, and the requests that are being answered."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = self.running = self.most_running = 0
        self.exchanges: list[Exchange] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                exchange = Exchange(reader, writer, head, body)
                self.exchanges.append(exchange)
                self.running += 1
                self.most_running = max(self.most_running, self.running)
                try:
                    await self.script(exchange)
                finally:
                    self.running -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def play(
    script: Script, test: Callable[[Any, Server], Awaitable[None]], name: str = "llamacpp", **settings: object
) -> None:
    """Run ``test`` with the backend ``name``, whose server follows ``script``; the whole takes 20 s at most."""

    async def run() -> None:
        scripted = Server(script)
        listener = await asyncio.start_server(scripted.handle, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        given = {"url": f"http://127.0.0.1:{port}", **settings}
        environ = {f"{name}_{setting}".upper(): str(value) for setting, value in given.items()}
        backend = create_backend(load_backends(environ).configured[name])
        try:
            async with asyncio.timeout(20):
                await test(backend, scripted)
        finally:
            await backend.close()
            listener.close()

    asyncio.run(run())


async def collect(backend: Backend, request: GenerationRequest = REQUEST) -> tuple[str, Finish]:
    pieces = [piece async for piece in backend.stream(request)]
    *deltas, finish = pieces
    assert isinstance(finish, Finish)
    assert all(isinstance(delta, Delta) and delta.text for delta in deltas)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


def answering(*chunks: str | bytes, end: bytes = b"0\r\n\r\n") -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for chunk in chunks:
            await exchange.chunk(chunk)
        await exchange.send(end)

    return script


async def failing(backend: Backend, request: GenerationRequest = REQUEST) -> BackendError:
    with pytest.raises(BackendError) as raised:
        await collect(backend, request)
    return raised.value


async def silent(exchange: Exchange) -> None:
    await exchange.client_gone()
