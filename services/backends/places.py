"""The cap on how many generations a process has at one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.base import Overloaded
from services.backends.config import BackendConfig


class Places:
    """As many places as ``max_concurrency``."""

    def __init__(self, config: BackendConfig) -> None:
        self._config = config
        self._free = asyncio.Semaphore(config.max_concurrency)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold one for a block. Raises Overloaded when none comes free within the first token's time-out."""
        config = self._config
        try:
            async with asyncio.timeout(config.first_token_timeout_s):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded(
                f"all {config.max_concurrency} places at {config.name} stayed taken for "
                f"{config.first_token_timeout_s:g} s; try again later"
            ) from None
        try:
            yield
        finally:
            self._free.release()
