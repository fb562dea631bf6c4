"""Adapter to servers with OpenAI's chat completions API: llama.cpp's, and others that speak the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Literal

import aiohttp
from pydantic_core import from_json

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
from services.backends.config import BackendConfig
from services.backends.sse import DataLines, LineTooLong

_FINISH_REASONS: dict[str, Literal["stop", "length"]] = {"stop": "stop", "length": "length"}
_ERROR_KINDS: dict[int, type[BackendError]] = {
    400: Invalid,
    413: Invalid,
    422: Invalid,
    429: Overloaded,
    502: Unavailable,
    503: Overloaded,
    504: Unavailable,
}
_MAX_ERROR_BYTES = 4096
_MAX_ERROR_CHARACTERS = 300
# Below the 5 s after which llama.cpp's server and uvicorn drop an idle connection, so that ours is never the stale one.
_KEEPALIVE_S = 3.0
# How long the end of the HTTP body may come after the end of the answer; later, the connection is not kept.
_DRAIN_S = 0.1


class OpenAIBackend:
    """Streams chat completions over aiohttp, one pooled connection for each generation in flight."""

    def __init__(self, config: BackendConfig) -> None:
        self.config = config
        self._places = asyncio.Semaphore(config.max_concurrency)
        self._session: aiohttp.ClientSession | None = None
        self._chat_url = f"{config.url}/v1/chat/completions"
        self._health_url = f"{config.url}{config.health_path}"

    async def ready(self) -> bool:
        """See ``Backend.ready``: asks the server's health path."""
        try:
            async with asyncio.timeout(self.config.connect_timeout_s):
                async with self._open_session().get(self._health_url) as response:
                    return response.status == 200
        except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
            return False

    async def close(self) -> None:
        """See ``Backend.close``."""
        if self._session is not None:
            await self._session.close()

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        """See ``Backend.stream``."""
        loop = asyncio.get_running_loop()
        body = self._body(request)
        await self._take_place()
        try:
            deadline = loop.time() + self.config.first_token_timeout_s
            response = await self._post(body, deadline)
            try:
                answer = _Answer(self.config)
                first = True
                while not answer.ended:
                    if text := answer.feed(await self._next_chunk(response, deadline, first)):
                        yield Delta(text)
                        first = False
                        deadline = loop.time() + self.config.idle_timeout_s
                finish = answer.finish()
                await self._drain(response)
            finally:
                # A no-op once the body was read to its end; otherwise closes the socket, which cancels the engine.
                response.close()
        finally:
            self._places.release()
        yield finish

    def _body(self, request: GenerationRequest) -> bytes:
        body: dict[str, Any] = {
            "messages": request.messages,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.config.model:
            body["model"] = self.config.model
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = request.stop
        if request.grammar is not None and self.config.grammar:
            body["grammar"] = request.grammar
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
            if self.config.api_key is not None:
                headers["Authorization"] = f"Bearer {self.config.api_key.get_secret_value()}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                # One above the cap: the readiness probe never waits for a generation.
                connector=aiohttp.TCPConnector(limit=self.config.max_concurrency + 1, keepalive_timeout=_KEEPALIVE_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.config.connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(self.config.first_token_timeout_s):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded(
                f"all {self.config.max_concurrency} places at {self.config.name} stayed taken for "
                f"{self.config.first_token_timeout_s:g} s; try again later"
            ) from None

    async def _post(self, body: bytes, deadline: float) -> aiohttp.ClientResponse:
        """Send the request and return its response, known to be an event stream."""
        name, url = self.config.name, self.config.url
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._send(body)
                if response.status != 200:
                    raise await self._refusal(response)
                if response.content_type != "text/event-stream":
                    response.close()
                    raise Failed(f"{name} at {url} answered {response.content_type}, not an event stream")
        except aiohttp.ConnectionTimeoutError:
            raise TimedOut(f"no connection to {name} at {url} in {self.config.connect_timeout_s:g} s") from None
        except TimeoutError:
            raise self._no_token(first=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{name} at {url} cannot be reached: {error or type(error).__name__}") from error
        return response

    async def _send(self, body: bytes) -> aiohttp.ClientResponse:
        """Send the request, once more for each kept connection that the server had dropped without answering."""
        session = self._open_session()
        for _ in range(self.config.max_concurrency):  # no more than that are kept
            try:
                return await session.post(self._chat_url, data=body)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                continue
        return await session.post(self._chat_url, data=body)

    async def _refusal(self, response: aiohttp.ClientResponse) -> BackendError:
        try:
            text = (await response.content.read(_MAX_ERROR_BYTES)).decode(errors="replace")
        finally:
            response.close()
        try:
            document = json.loads(text)
        except ValueError:
            document = text
        return _error(self.config, response.status, document)

    async def _next_chunk(self, response: aiohttp.ClientResponse, deadline: float, first: bool) -> bytes:
        """Wait for the next bytes of the body; empty at its end."""
        try:
            # Comments that a server sends to keep the connection alive do not move the deadline: only tokens do.
            async with asyncio.timeout_at(deadline):
                return await response.content.readany()
        except TimeoutError:
            raise self._no_token(first) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"the connection to {self.config.name} was lost in the middle of its answer") from error

    async def _drain(self, response: aiohttp.ClientResponse) -> None:
        """Read the end of the body, which puts the connection back in the pool."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                while await response.content.readany():
                    pass
        except (aiohttp.ClientError, OSError):
            return  # the answer is complete; only the connection is lost

    def _no_token(self, first: bool) -> TimedOut:
        seconds = self.config.first_token_timeout_s if first else self.config.idle_timeout_s
        return TimedOut(f"{self.config.name} sent no {'first' if first else 'further'} token in {seconds:g} s")


class _Answer:
    """What an event stream has said so far."""

    def __init__(self, config: BackendConfig) -> None:
        self.ended = False
        self._config = config
        self._lines = DataLines()
        self._reason: str | None = None
        self._model = config.model or config.name
        self._usage: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> str:
        """Take the next bytes (empty: the end) and return the text they bring; raise the error they bring.

        What arrived together is handed on together: the engine's pace is kept, and each hand-over costs.
        """
        try:
            payloads = self._lines.feed(chunk) if chunk else self._lines.close()
        except LineTooLong as error:
            raise Failed(f"{self._config.name}: {error}") from None
        self.ended = not chunk
        texts: list[str] = []
        for payload in payloads:
            if payload == b"[DONE]":
                self.ended = True
                self._reason = self._reason or "stop"  # some servers end a stream without any finish_reason
                break
            event = self._event(payload)
            self._model = event.get("model") or self._model
            self._usage = event.get("usage") or self._usage
            for choice in event.get("choices") or ():
                if text := (choice.get("delta") or {}).get("content"):
                    texts.append(text)
                self._reason = choice.get("finish_reason") or self._reason
        return "".join(texts)

    def finish(self) -> Finish:
        """Return how the answer ended; raise if it did not end well."""
        if self._reason is None:
            raise Unavailable(f"{self._config.name} ended its answer in the middle; it may have been stopped")
        if self._reason not in _FINISH_REASONS:
            raise Failed(f"{self._config.name} ended its answer with finish_reason {self._reason!r}")
        return Finish(
            reason=_FINISH_REASONS[self._reason],
            model=self._model,
            prompt_tokens=self._usage.get("prompt_tokens") or 0,
            completion_tokens=self._usage.get("completion_tokens") or 0,
        )

    def _event(self, payload: bytes) -> dict[str, Any]:
        """Parse one event; raise what it says if it is an error, which servers send on a stream begun with 200."""
        try:
            event = from_json(payload)
        except ValueError:
            event = None
        if isinstance(event, dict) and not event.get("error"):
            return event
        error = event["error"] if isinstance(event, dict) else payload.decode(errors="replace")
        code = error.get("code") if isinstance(error, dict) else None
        raise _error(self._config, code if isinstance(code, int) else 500, error)


def _error(config: BackendConfig, status: int, document: object) -> BackendError:
    """Turn an HTTP status, or an in-stream error's code, and what came with it into our error."""
    hint = f"; check the key in {config.name.upper()}_API_KEY_FILE" if status in (401, 403) else ""
    return _ERROR_KINDS.get(status, Failed)(f"{config.name} answered {status}: {_message(document)}{hint}")


def _message(document: object) -> str:
    """Find the sentence for people in an error document: servers disagree on where it is."""
    while isinstance(document, dict):
        document = next((document[key] for key in ("error", "message", "detail") if document.get(key)), str(document))
    text = " ".join(str(document).split()) or "no reason given"
    return text if len(text) <= _MAX_ERROR_CHARACTERS else text[:_MAX_ERROR_CHARACTERS] + "…"
