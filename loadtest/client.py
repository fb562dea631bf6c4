"""A closed-loop HTTP load generator, lean enough to measure servers that answer in fractions of a millisecond.

``python -m loadtest.client`` keeps N clients busy for some seconds, each sending one request over and over on its own
kept-alive connection, and prints what it saw as one JSON object. It runs in a process of its own, so that measuring
costs the measured nothing but the core it runs on, and tells how busy it was itself: near 1, it was the bottleneck.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

_END_OF_CHUNKED = b"\r\n0\r\n\r\n"
_CONNECT_TIMEOUT_S = 5.0
#: How long answers that are still missing at the end may take.
_LAST_ANSWERS_S = 30.0
_RECONNECT_S = 0.05


@dataclass(slots=True)
class Sample:
    """What the clients saw. Times in ms, one for each good answer; ``ttft_ms`` to the first byte of its content."""

    seconds: float = 0.0
    busy: float = 0.0
    errors: int = 0
    first_error: str = ""
    latency_ms: list[float] = field(default_factory=list)
    ttft_ms: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One client: sends its request again as soon as the answer is complete."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = bytearray()
        self._sent = 0.0
        self._first = 0.0
        self._content = 0  # where the content begins; 0: the head is not complete
        self._end: int | None = None  # of the whole answer; None: chunked
        self._finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._finished:
            self._load.lost(f"connection lost: {exc or 'closed by the server'}")

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._content and not self._read_head():
            return
        if not self._first and len(buffer) > self._content:
            self._first = time.perf_counter()
        # Nothing is pipelined, so the answer's end is the end of what has arrived; JSON never holds these bytes.
        if buffer.endswith(_END_OF_CHUNKED) if self._end is None else len(buffer) >= self._end:
            self._load.answered(buffer, self._sent, self._first)
            self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        if self._sent >= self._load.until:
            self._finished = True
            self._transport.close()
            self._load.client_finished()
            return
        self._buffer.clear()
        self._first = 0.0
        self._content = 0
        self._transport.write(self._load.request)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._content = end + 4
        _, _, rest = bytes(self._buffer[:end]).lower().partition(b"\r\ncontent-length:")
        self._end = self._content + int(rest.split(b"\r\n", 1)[0]) if rest else None
        return True


class Load:
    """The clients and what they saw."""

    def __init__(self, url: str, body: bytes, fields: list[str], expect: bytes, clients: int, seconds: float) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        head = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json", *fields]
        self.request = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
        self._expect = expect
        self._clients = clients
        self._seconds = seconds
        self.until = 0.0
        self.sample = Sample()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> Sample:
        """Load the server; every client that loses its connection makes a new one, until the time is over."""
        began, cpu = time.perf_counter(), _cpu_s()
        self.until = began + self._seconds
        self._running = self._clients
        self._over = asyncio.Event()
        for _ in range(self._clients):
            self._connect()
        try:
            async with asyncio.timeout(self._seconds + _LAST_ANSWERS_S):
                await self._over.wait()
        except TimeoutError:
            self.error(f"{self._running} answers did not come within {_LAST_ANSWERS_S:g} s", self._running)
        self.sample.seconds = time.perf_counter() - began
        self.sample.busy = (_cpu_s() - cpu) / self.sample.seconds
        return self.sample

    def answered(self, answer: bytearray, sent: float, first: float) -> None:
        """Count a complete answer: good only with status 200 and the expected bytes in it."""
        now = time.perf_counter()
        if answer.startswith(b"HTTP/1.1 200") and self._expect in answer:
            self.sample.latency_ms.append((now - sent) * 1000)
            self.sample.ttft_ms.append((first - sent) * 1000)
        else:
            self.error(answer[:300].decode(errors="replace"))

    def error(self, what: str, count: int = 1) -> None:
        """Count what is not a good answer; the first is kept as an example."""
        self.sample.errors += count
        self.sample.first_error = self.sample.first_error or what

    def client_finished(self) -> None:
        """One client has had its last answer."""
        self._running -= 1
        if self._running == 0:
            self._over.set()

    def lost(self, why: str) -> None:
        """A client's connection ended too early; it makes a new one while there is time."""
        self.error(why)
        if time.perf_counter() < self.until:
            self._connect()
        else:
            self.client_finished()

    def _connect(self) -> None:
        task = asyncio.get_running_loop().create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(lambda: Client(self), self._host, self._port)
        except OSError as error:  # TimeoutError is one
            await asyncio.sleep(_RECONNECT_S)
            self.lost(f"no connection: {error}")


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Run the load and print the sample."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.client", description=__doc__)
    parser.add_argument("url", help="where to POST")
    parser.add_argument("--body", type=Path, required=True, help="file with the request's body, JSON")
    parser.add_argument("--field", action="append", default=[], help="further header field, 'Name: value'")
    parser.add_argument("--expect", default="", help="bytes that every good answer holds")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    load = Load(
        options.url, options.body.read_bytes(), options.field, options.expect.encode(), options.clients, options.seconds
    )
    json.dump(asdict(asyncio.run(load.run())), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
