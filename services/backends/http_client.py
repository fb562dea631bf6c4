"""The HTTP client that the worker's adapters share: pooled connections, event streams, time-outs, errors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import aiohttp

from services.backends.base import BackendError, Failed, TimedOut, Unavailable
from services.backends.config import BackendConfig
from services.backends.dialects.base import Call, Dialect

_MAX_ERROR_BYTES = 4096
# Below the 5 s after which llama.cpp's server and uvicorn drop an idle connection, so that ours is never the stale one.
_KEEPALIVE_S = 3.0
# How long the end of the HTTP body may come after the end of the answer; later, the connection is not kept.
_DRAIN_S = 0.1


class StreamClient:
    """Sends calls to one server and reads the event streams that answer them."""

    def __init__(self, config: BackendConfig, dialect: Dialect) -> None:
        self._config = config
        self._dialect = dialect
        self._session: aiohttp.ClientSession | None = None
        self._health_url = f"{config.url}{config.health_path}"

    async def ready(self) -> bool:
        """See ``Backend.ready``: asks the server's health path."""
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                async with self._open_session().get(self._health_url) as response:
                    return response.status == 200
        except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
            return False

    async def close(self) -> None:
        """Close every connection. Closing twice is allowed."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
            if self._config.api_key is not None:
                headers["Authorization"] = f"Bearer {self._config.api_key.get_secret_value()}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                # One above the cap: the readiness probe never waits for a generation.
                connector=aiohttp.TCPConnector(limit=self._config.max_concurrency + 1, keepalive_timeout=_KEEPALIVE_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._config.connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def post(self, call: Call, trace: Mapping[str, str], deadline: float) -> aiohttp.ClientResponse:
        """Send a request and return its response, known to be an event stream. Raises a BackendError."""
        name, url = self._config.name, self._config.url
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._send(call, trace)
                if response.status != 200:
                    raise await self._refusal(response)
                if response.content_type != "text/event-stream":
                    response.close()
                    raise Failed(f"{name} at {url} answered {response.content_type}, not an event stream")
        except aiohttp.ConnectionTimeoutError:
            raise TimedOut(f"no connection to {name} at {url} in {self._config.connect_timeout_s:g} s") from None
        except TimeoutError:
            raise self._no_token(first=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{name} at {url} {_fault(error)}") from error
        return response

    async def _send(self, call: Call, trace: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Send the request, once more for each kept connection that the server had dropped without answering.

        llama.cpp, for one, drops the connection of every stream when it ends, and says so a moment later.
        """
        session, url = self._open_session(), f"{self._config.url}{call.path}"
        for _ in range(self._config.max_concurrency):  # no more than that are kept
            try:
                return await session.post(url, data=call.body, headers=trace, allow_redirects=False)
            except aiohttp.ClientConnectorError:
                raise  # a new connection was refused
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError):
                continue
        return await session.post(url, data=call.body, headers=trace, allow_redirects=False)

    async def _refusal(self, response: aiohttp.ClientResponse) -> BackendError:
        try:
            body = await response.content.read(_MAX_ERROR_BYTES)
        finally:
            response.close()
        return self._dialect.refusal(response.status, body)

    async def next_chunk(self, response: aiohttp.ClientResponse, deadline: float, first: bool) -> bytes:
        """Wait for the next bytes of a response; empty at its end. Raises a BackendError."""
        try:
            # Comments that a server sends to keep the connection alive do not move the deadline: only tokens do.
            async with asyncio.timeout_at(deadline):
                return await response.content.readany()
        except TimeoutError:
            raise self._no_token(first) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"the connection to {self._config.name} was lost in the middle of its answer") from error

    async def drain(self, response: aiohttp.ClientResponse) -> None:
        """Read the end of a response, which puts its connection back in the pool."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                while await response.content.readany():
                    pass
        except (aiohttp.ClientError, OSError):
            return  # the answer is complete; only the connection is lost

    def _no_token(self, first: bool) -> TimedOut:
        seconds = self._config.first_token_timeout_s if first else self._config.idle_timeout_s
        return TimedOut(f"{self._config.name} sent no {'first' if first else 'further'} token in {seconds:g} s")


def _fault(error: Exception) -> str:
    """What a server did instead of answering, in words for people: the library's hold its own objects."""
    match error:
        case aiohttp.ClientResponseError():
            return "answered what is no HTTP"
        case aiohttp.ServerDisconnectedError():
            return "closed the connection without an answer"
        case aiohttp.ClientConnectorDNSError():
            return "cannot be reached: its name is not known"
        case aiohttp.ClientSSLError():
            return "cannot be reached: TLS with it fails, or its certificate is not to be trusted"
        case OSError(errno=int(number)) if number > 0:
            return f"cannot be reached: {os.strerror(number)}"
        case _:
            return "broke the connection off"
