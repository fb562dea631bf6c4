"""A stand-in for an LLM server: answers every prompt at once, or at a set pace, with one fixed program.

It generates nothing. It exists so that what the router, the queue and the worker cost can be measured apart from what
an engine costs, and so that load tests can set an engine's pace, and its failures, at will.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from pydantic_core import from_json

DEFAULT_PROGRAM = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")\nALTextToSpeech.say("Hello, welcome!")\n'
MODEL = "fake-engine"
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 32 * 1024 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 411: "Length Required", 413: "Content Too Large"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How the stand-in behaves: seconds to the first token, tokens a second of each answer (0: all at once), answers
    that advance together (0: all; more requests wait), share of errors.
    """

    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    slots: int = 0
    error_rate: float = 0.0
    error_status: int = 500


@dataclass(slots=True)
class Stats:
    """What happened since the start; ``cancelled`` counts clients that hung up before their answer was complete."""

    requests: int = 0
    completed: int = 0
    cancelled: int = 0
    errors: int = 0
    running: int = 0
    most_running: int = 0


def tokenize(program: str) -> list[str]:
    """Cut a text into pieces about as long as an LLM's tokens: at most 4 letters, digits or signs, spaces with them."""
    return re.findall(r"\s*(?:[A-Za-z]{1,4}|\d{1,3}|[^\sA-Za-z\d]{1,2})|\s+", program)


class Answers:
    """The bytes of the one answer, prepared once."""

    def __init__(self, program: str) -> None:
        tokens = tokenize(program)
        usage = {"prompt_tokens": 0, "completion_tokens": len(tokens), "total_tokens": len(tokens)}
        message = {"role": "assistant", "content": program}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        common = {"id": "chatcmpl-fake", "created": 0, "model": MODEL}
        document = {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
        self.whole = response(200, document)
        self.head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

        def event(delta: dict[str, str], reason: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return _event({**common, "object": "chat.completion.chunk", "choices": [choice]})

        first, *rest = tokens
        self.tokens = [event({"role": "assistant", "content": first}), *(event({"content": token}) for token in rest)]
        counted = _event({**common, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        end = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        # By whether the client asked for usage.
        self.end = {False: event({}, "stop") + end, True: event({}, "stop") + counted + end}
        self.at_once = {asked: self.head + b"".join(self.tokens) + end for asked, end in self.end.items()}


def response(status: int, document: object) -> bytes:
    """A complete HTTP response with a JSON body."""
    body = json.dumps(document).encode()
    reason = _REASONS.get(status, "Error")
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _event(document: object) -> bytes:
    return _chunk(b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _error(status: int, message: str) -> bytes:
    return response(status, {"error": {"message": message, "type": "fake_engine", "code": status}})


class Connection(asyncio.Protocol):
    """One client's connection: requests one after another, kept alive."""

    def __init__(
        self, answers: Answers, pace: Pace, slots: asyncio.Semaphore, stats: Stats, chance: random.Random
    ) -> None:
        self._answers = answers
        self._pace = pace
        self._slots = slots
        self._stats = stats
        self._chance = chance
        self._buffer = bytearray()
        self._wanted = 0  # bytes of the request that is being read, once its head is known
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._serve()

    def _serve(self) -> None:
        """Answer every request that is complete, until one takes time."""
        while len(self._buffer) >= self._wanted and self._task is None and not self._transport.is_closing():
            head, found, _ = self._buffer.partition(b"\r\n\r\n")
            if not found:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    self._refuse(400, f"the header is longer than {MAX_HEAD_BYTES} bytes")
                return
            fields = _fields(head)
            length = fields.get(b"content-length", b"0")
            if b"transfer-encoding" in fields:
                return self._refuse(411, "send Content-Length: chunked requests are not taken")
            if not length.isdigit():
                return self._refuse(400, "Content-Length is not a number")
            if int(length) > MAX_BODY_BYTES:
                return self._refuse(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
            body_start = len(head) + 4
            if self._wanted == 0 and fields.get(b"expect", b"").lower() == b"100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._wanted = body_start + int(length)
            if len(self._buffer) < self._wanted:
                return
            body = bytes(self._buffer[body_start : self._wanted])
            del self._buffer[: self._wanted]
            self._wanted = 0
            line = bytes(head).split(b"\r\n", 1)[0].split(b" ")
            if len(line) != 3:
                return self._refuse(400, "the request line is not METHOD PATH VERSION")
            self._answer(line[0], line[1].partition(b"?")[0], body)
            if fields.get(b"connection", b"").lower() == b"close" and self._task is None:
                self._transport.close()

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        match method, path:
            case b"POST", b"/v1/chat/completions":
                self._complete(body)
            case b"GET", b"/health":
                self._transport.write(response(200, {"status": "ok"}))
            case b"GET", b"/v1/models":
                model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "loadtest"}
                self._transport.write(response(200, {"object": "list", "data": [model]}))
            case b"GET", b"/stats":
                self._transport.write(response(200, asdict(self._stats)))
            case _:
                self._transport.write(_error(404, f"no {method!r} {path!r} here"))

    def _complete(self, body: bytes) -> None:
        stats = self._stats
        stats.requests += 1
        try:
            request = from_json(body)
            if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
                raise ValueError("the body must be an object with messages")
        except ValueError as error:
            stats.errors += 1
            self._transport.write(_error(400, str(error)))
            return
        if self._pace.error_rate and self._chance.random() < self._pace.error_rate:
            stats.errors += 1
            self._transport.write(_error(self._pace.error_status, "an error, as asked for with --error-rate"))
            return
        stream = request.get("stream") is True
        usage = stream and (request.get("stream_options") or {}).get("include_usage") is True
        if not self._pace.ttft_s and not self._pace.tokens_per_s:
            stats.completed += 1
            stats.most_running = max(stats.most_running, stats.running + 1)
            self._transport.write(self._answers.at_once[usage] if stream else self._answers.whole)
            return
        self._task = asyncio.get_running_loop().create_task(self._answer_in_time(stream, usage))

    async def _answer_in_time(self, stream: bool, usage: bool) -> None:
        """Answer at the set pace once there is a slot, then go on with what the client sent meanwhile."""
        try:
            async with self._slots:
                await self._generate(stream, usage)
        except asyncio.CancelledError:
            self._stats.cancelled += 1
            raise
        self._task = None
        asyncio.get_running_loop().call_soon(self._serve)

    async def _generate(self, stream: bool, usage: bool) -> None:
        # Each token is due at its own time, so that the sleeps' slack does not add up.
        stats, pace, write = self._stats, self._pace, self._transport.write
        loop = asyncio.get_running_loop()
        due = loop.time() + pace.ttft_s
        gap = 1 / pace.tokens_per_s if pace.tokens_per_s else 0.0
        stats.running += 1
        stats.most_running = max(stats.most_running, stats.running)
        try:
            for index, token in enumerate(self._answers.tokens):
                if (wait := due - loop.time()) > 0:
                    await asyncio.sleep(wait)
                due += gap
                if stream:
                    write(self._answers.head + token if index == 0 else token)
            write(self._answers.end[usage] if stream else self._answers.whole)
            stats.completed += 1
        finally:
            stats.running -= 1

    def _refuse(self, status: int, message: str) -> None:
        self._transport.write(_error(status, message))
        self._transport.close()


def _fields(head: bytearray) -> dict[bytes, bytes]:
    lines = bytes(head).split(b"\r\n")[1:]
    pairs = (line.partition(b":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def serve(host: str, port: int, answers: Answers, pace: Pace) -> None:
    """Serve until SIGTERM or SIGINT; print the address once listening. Port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    stats, chance = Stats(), random.Random(0)  # noqa: S311 - which requests fail is not a secret
    slots = asyncio.Semaphore(pace.slots or sys.maxsize)
    server = await loop.create_server(lambda: Connection(answers, pace, slots, stats, chance), host, port, backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"listening on http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.fake_engine",
        description="A stand-in for an OpenAI-compatible LLM server. It answers every prompt with the same text, at "
        "once or at a set pace, and counts what it saw at GET /stats.",
        epilog="Example, a slow engine that fails now and then: --ttft-ms 200 --tokens-per-second 40 --error-rate 0.01",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port; 0 takes a free one (default %(default)s)")
    parser.add_argument("--ttft-ms", type=float, default=0.0, help="milliseconds to the first token (default 0)")
    parser.add_argument("--tokens-per-second", type=float, default=0.0, help="pace; 0 is all at once (default 0)")
    parser.add_argument("--slots", type=int, default=0, help="answers that advance together; 0 is all (default 0)")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests that fail, 0 to 1 (default 0)")
    parser.add_argument("--error-status", type=int, default=500, help="HTTP status of those (default %(default)s)")
    parser.add_argument("--program", default=DEFAULT_PROGRAM, help="the text to answer with (default: greet by waving)")
    options = parser.parse_args(arguments)
    if options.slots < 0:
        parser.error("--slots must not be negative")
    if not 0 <= options.error_rate <= 1:
        parser.error("--error-rate must be between 0 and 1")
    if not 400 <= options.error_status <= 599:
        parser.error("--error-status must be between 400 and 599")
    if not (0 <= options.ttft_ms <= 3_600_000 and 0 <= options.tokens_per_second <= 1_000_000):
        parser.error("--ttft-ms and --tokens-per-second must not be negative, nor beyond an hour or a million")
    if not options.program.strip():
        parser.error("--program must not be empty")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stand-in; 1 if it cannot listen."""
    options = _parse(arguments)
    pace = Pace(
        options.ttft_ms / 1000, options.tokens_per_second, options.slots, options.error_rate, options.error_status
    )
    try:
        asyncio.run(serve(options.host, options.port, Answers(options.program), pace))
    except (OSError, OverflowError) as error:
        print(f"cannot listen on {options.host}:{options.port}: {error}; choose another --port", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
