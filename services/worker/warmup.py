"""Has an engine read the part of the prompt that all behaviours share, so that the first robot need not wait for it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import structlog

from services.backends.base import Backend, BackendError, GenerationRequest, Overloaded, Unavailable
from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.grammar import build_gbnf
from services.behavior.prompt import build_messages
from services.behavior.schema import BehaviorRequest

log = structlog.get_logger("worker.warmup")
_RETRY_S = 0.2


async def warm_up(backend: Backend, limit_s: float) -> None:
    """Generate one token for each robot. Gives up after ``limit_s`` seconds or at an error: it only saves time."""
    try:
        async with asyncio.timeout(limit_s):
            for name in robots():
                await _read_prompt(backend, load_catalogue(name))
    except (TimeoutError, BackendError) as error:
        log.info("engine not warmed up", backend=backend.config.name, reason=repr(error))


async def _read_prompt(backend: Backend, catalogue: Catalogue) -> None:
    request = GenerationRequest(
        messages=build_messages(catalogue, BehaviorRequest(instruction="Hello", robot=catalogue.name)),
        max_tokens=1,
        grammar=build_gbnf(catalogue),
    )
    while True:
        try:
            async with aclosing(backend.stream(request)) as stream:
                async for _ in stream:
                    pass
                return
        except (Unavailable, Overloaded):  # it is not there yet, or still loads its model
            await asyncio.sleep(_RETRY_S)
