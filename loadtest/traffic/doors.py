"""The two doors of the engine as a robot uses them: asked, then read event by event until the end or the deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import gevent

from loadtest.records import Record
from loadtest.traffic.answers import Answer, Ask, NoAnswer, from_failure, from_status
from loadtest.traffic.events import Event, EventReader
from services.behavior.catalogue import load_catalogue
from services.behavior.prompt import build_messages
from services.behavior.schema import TERMINAL_EVENTS, BehaviorRequest, Scene
from services.router.upstream import BrokenReply, Reply, TimedOut, Unreachable, Upstream, UpstreamError

_CONNECT_TIMEOUT_S = 5.0
#: Longest silence in an answer; each request's deadline, which is over all of it, comes before.
_SILENCE_S = 24 * 3600.0
#: How long a behaviour that nobody waits for any more may take to be cancelled.
_CANCEL_S = 2.0
_RECONNECT_S = 0.2
#: How long the end of the HTTP body may come after the end of the answer; later, the connection is not kept.
_DRAIN_S = 0.1
_OK, _ACCEPTED, _NO_CONTENT = 200, 202, 204
_MOST_OF_AN_ERROR_BODY = 64 * 1024


class Client:
    """A robot's connections to the engine. Requests may overlap: each in flight has a connection of its own."""

    def __init__(self, url: str, *, timeout_s: float, key: str = "", idle: int = 1) -> None:
        """``timeout_s`` is the deadline of every request; ``key`` is an API key; ``idle`` connections are kept."""
        self._upstream = Upstream(url, connect_timeout_s=min(_CONNECT_TIMEOUT_S, timeout_s), max_idle=idle)
        self._timeout_s = timeout_s
        self._fields = [("Content-Type", "application/json")]
        self._fields += [("Authorization", f"Bearer {key}")] if key else []

    def ask(self, ask: Ask) -> tuple[Record, int]:
        """Send one request and follow its answer; returns the record and the answer's size in bytes. Never raises."""
        durable = ask.door == "durable"
        follow = self._durable if durable else self._pass_through
        body = json.dumps(behavior_request(ask) if durable else chat_request(ask)).encode()
        answer = Answer(ask)  # sent from here on
        trouble: NoAnswer | None = None
        try:
            # Over everything, so that no server can stretch it by sending a little now and then.
            with gevent.Timeout(self._timeout_s, TimedOut(f"no end within {self._timeout_s:g} s")):
                follow(answer, body)
        except NoAnswer as reason:
            trouble = reason
        except TimedOut as error:
            trouble = NoAnswer("timed_out", str(error))
        except (UpstreamError, ValueError, LookupError, TypeError, AttributeError) as error:
            trouble = NoAnswer("failed", f"{type(error).__name__}: {error}")
        return answer.record(trouble), answer.size

    def close(self) -> None:
        """Close the connections that are kept."""
        self._upstream.close_idle()

    # The durable door

    def _durable(self, answer: Answer, body: bytes) -> None:
        with closing(self._send("POST", "/v1/behaviors", body=body)) as reply:
            _check(answer, reply, _ACCEPTED)
            accepted = _read_all(reply)
        accepted_s = time.perf_counter() - answer.sent
        answer.size += len(accepted)
        path = f"/v1/behaviors/{json.loads(accepted)['id']}"
        result = None
        try:
            result = self._follow(answer, f"{path}/events")
        finally:
            if result is None:  # who gives up waiting says so, as a robot would: the engine is free for others
                gevent.spawn(self._cancel, path)
        _read_usage(answer, result.get("usage") or {})
        ttft_ms = (result.get("timings") or {}).get("ttft_ms")
        if ttft_ms is not None:
            # No token comes this way. The engine tells when it had the first, counted from when it took the request,
            # which was at the latest when we heard of that; and no statement is there before its first token.
            answer.ttft_s = min(accepted_s + ttft_ms / 1000, answer.ttfa_s or float("inf"))
        if result["status"] not in ("succeeded", "refused"):  # the model may decline an order: that is an answer
            raise from_failure(result.get("error") or {"code": result["status"]})

    def _follow(self, answer: Answer, path: str) -> dict[str, Any]:
        """The result document at the end of the event stream, which is taken up again where it breaks off."""
        last = "0-0"
        while True:
            with (
                suppress(BrokenReply, Unreachable),
                closing(self._send("GET", path, ("Last-Event-ID", last))) as reply,
            ):
                _check(answer, reply, _OK)
                for event in _events(answer, reply):
                    last = event.id or last
                    if event.name == "statement":
                        answer.statement()
                    elif event.name in TERMINAL_EVENTS:
                        answer.end()
                        _drain(reply)
                        result: dict[str, Any] = json.loads(event.data)
                        return result
            gevent.sleep(_RECONNECT_S)

    def _cancel(self, path: str) -> None:
        try:
            with (
                gevent.Timeout(_CANCEL_S, TimedOut("not cancelled in time")),
                closing(self._send("DELETE", path)) as reply,
            ):
                _read_all(reply)
        except UpstreamError:
            pass  # it ends by itself, when its own time is over

    # The pass-through

    def _pass_through(self, answer: Answer, body: bytes) -> None:
        with closing(self._send("POST", "/v1/chat/completions", ("X-Backend", answer.ask.backend), body=body)) as reply:
            _check(answer, reply, _OK)
            for event in _events(answer, reply):
                if event.data == "[DONE]":
                    answer.end()
                    _drain(reply)
                    return
                chunk = json.loads(event.data)
                if error := chunk.get("error"):
                    raise NoAnswer("failed", str(error.get("message") if isinstance(error, dict) else error))
                if any((choice.get("delta") or {}).get("content") for choice in chunk.get("choices") or ()):
                    answer.token()
                _read_usage(answer, chunk.get("usage") or {})
        raise NoAnswer("failed", "the stream ended before [DONE]")

    def _send(self, method: str, path: str, *fields: tuple[str, str], body: bytes = b"") -> Reply:
        return self._upstream.request(
            method, path, fields=[*self._fields, *fields], body=body, timeout_s=self._timeout_s
        )


def behavior_request(ask: Ask) -> dict[str, Any]:
    """Body of ``POST /v1/behaviors``."""
    return {
        "instruction": ask.instruction.text,
        "robot": ask.kind,
        "backend": ask.backend,
        "execute": ask.execute,
        "mode": "stream",
        "priority": ask.priority,
        "max_tokens": ask.max_tokens,
        **({"scene": ask.instruction.scene} if ask.instruction.scene else {}),
    }


def chat_request(ask: Ask) -> dict[str, Any]:
    """Body of ``POST /v1/chat/completions``: the prompt that the worker sends for the same instruction."""
    order = BehaviorRequest(
        instruction=ask.instruction.text, robot=ask.kind, scene=Scene.model_validate(ask.instruction.scene)
    )
    return {
        "messages": build_messages(load_catalogue(ask.kind), order),
        "max_tokens": ask.max_tokens,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _check(answer: Answer, reply: Reply, good: int) -> None:
    status = reply.get_code()
    if status == good:
        return
    if status == _NO_CONTENT:
        raise NoAnswer("failed", "the event stream ended without a result")
    body = _read_all(reply)[:_MOST_OF_AN_ERROR_BODY]
    answer.size += len(body)
    retry_after = reply.get("Retry-After")
    raise from_status(status, body, str(retry_after) if retry_after else None)


def _events(answer: Answer, reply: Reply) -> Iterator[Event]:
    reader = EventReader()
    while data := reply.read(_SILENCE_S):
        answer.size += len(data)
        yield from reader.feed(data)


def _read_all(reply: Reply) -> bytes:
    parts = []
    while data := reply.read(_SILENCE_S):
        parts.append(data)
    return b"".join(parts)


def _drain(reply: Reply) -> None:
    """Read what follows an answer's end, so that the connection can be used again; it is not waited for."""
    with suppress(UpstreamError):
        while reply.read(_DRAIN_S):
            pass


def _read_usage(answer: Answer, usage: dict[str, Any]) -> None:
    """Tokens as the engine counted them; 0 is what one says that did not."""
    answer.prompt_tokens = usage.get("prompt_tokens") or answer.prompt_tokens
    answer.output_tokens = usage.get("completion_tokens") or answer.output_tokens
