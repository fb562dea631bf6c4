"""Speaks any dialect to its server over aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp

from services.backends.base import (
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.config import BackendConfig
from services.backends.dialects.base import Call, Dialect, refusal

_MAX_ERROR_BYTES = 4096
# Below the 5 s after which llama.cpp's server and uvicorn drop an idle connection, so that ours is never the stale one.
_KEEPALIVE_S = 3.0
# How long the end of the HTTP body may come after the end of the answer; later, the connection is not kept.
_DRAIN_S = 0.1


class HttpBackend:
    """Streams answers over aiohttp, one pooled connection for each generation in flight."""

    def __init__(self, config: BackendConfig, dialect: Dialect) -> None:
        self.config = config
        self._dialect = dialect
        self._places = asyncio.Semaphore(config.max_concurrency)
        self._session: aiohttp.ClientSession | None = None
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
        call = self._dialect.encode(request)
        await self._take_place()
        try:
            deadline = loop.time() + self.config.first_token_timeout_s
            response = await self._post(call, request, deadline)
            try:
                answer = self._dialect.answer(request)
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

    async def _post(self, call: Call, request: GenerationRequest, deadline: float) -> aiohttp.ClientResponse:
        """Send the request and return its response, known to be an event stream."""
        name, url = self.config.name, self.config.url
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._send(call, request)
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

    async def _send(self, call: Call, request: GenerationRequest) -> aiohttp.ClientResponse:
        """Send the request, once more for each kept connection that the server had dropped without answering."""
        session, url = self._open_session(), f"{self.config.url}{call.path}"
        for _ in range(self.config.max_concurrency):  # no more than that are kept
            try:
                return await session.post(url, data=call.body, headers=request.trace)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                continue
        return await session.post(url, data=call.body, headers=request.trace)

    async def _refusal(self, response: aiohttp.ClientResponse) -> BackendError:
        try:
            body = await response.content.read(_MAX_ERROR_BYTES)
        finally:
            response.close()
        return refusal(self.config, response.status, body)

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
