"""Has an engine read the part of the prompt that behaviours share, so that the first robot need not wait for it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import structlog

from services.backends.base import Backend, BackendError, GenerationRequest, Overloaded, Unavailable
from services.behavior.catalogue import load_catalogue
from services.behavior.methods import CardSize
from services.behavior.schema import BehaviorRequest, Scene, SceneItem
from services.worker.asking import Asking

log = structlog.get_logger("worker.warmup")
_RETRY_S = 0.2
#: Where something is, more can be written than where nothing is.
_SOMETHING = Scene(objects=[SceneItem(name="ball", position=[1.0, 0.0, 0.0])])


async def warm_up(backend: Backend, card: CardSize, limit_s: float) -> None:
    """Generate one token for the robot of requests that name none: each further robot would hold up the start.

    Gives up after ``limit_s`` seconds or at an error: it only saves time.
    """
    try:
        async with asyncio.timeout(limit_s):
            await _read_prompt(backend, card)
    except (TimeoutError, BackendError) as error:
        log.info("engine not warmed up", backend=backend.config.name, reason=repr(error))


async def _read_prompt(backend: Backend, card: CardSize) -> None:
    # Of both scenes the grammar is made now and kept, each in a fifth of a second; the engine reads the first prompt.
    request, _ = (_asked(scene, backend, card) for scene in (Scene(), _SOMETHING))
    while True:
        try:
            async with aclosing(backend.stream(request)) as stream:
                async for _ in stream:
                    pass
                return
        except (Unavailable, Overloaded):  # it is not there yet, or still loads its model
            await asyncio.sleep(_RETRY_S)


def _asked(scene: Scene, backend: Backend, card: CardSize) -> GenerationRequest:
    hello = BehaviorRequest(instruction="Hello", scene=scene, max_tokens=1)
    return Asking(hello, load_catalogue(hello.robot), card).of(backend.config)
