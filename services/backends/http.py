"""Speaks any dialect to its server over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

from services.backends.base import Delta, Finish, GenerationRequest
from services.backends.config import BackendConfig
from services.backends.dialects.base import Dialect, understood
from services.backends.http_client import StreamClient
from services.backends.places import Places


class HttpBackend:
    """See ``Backend``: one pooled connection for each generation in flight."""

    def __init__(self, config: BackendConfig, dialect: Dialect) -> None:
        self.config = config
        self._dialect = dialect
        self._client = StreamClient(config, dialect)
        self._places = Places(config)

    async def ready(self) -> bool:
        """See ``Backend.ready``."""
        return await self._client.ready()

    async def close(self) -> None:
        """See ``Backend.close``."""
        await self._client.close()

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        """See ``Backend.stream``."""
        loop = asyncio.get_running_loop()
        call = self._dialect.encode(request)
        async with self._places.one():
            deadline = loop.time() + self.config.first_token_timeout_s
            response = await self._client.post(call, request.trace, deadline)
            try:
                answer = self._dialect.answer(request)
                first = True
                while not answer.ended:
                    chunk = await self._client.next_chunk(response, deadline, first)
                    if text := understood(self.config, partial(answer.feed, chunk)):
                        yield Delta(text)
                        first = False
                        deadline = loop.time() + self.config.idle_timeout_s
                finish = understood(self.config, answer.finish)
                await self._client.drain(response)
            finally:
                # A no-op once the body was read to its end; otherwise closes the socket, which cancels the engine.
                response.close()
        yield finish
