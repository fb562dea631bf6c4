"""What is made before the first robot asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

from services.backends.base import GenerationRequest
from services.behavior import grammar
from services.behavior.catalogue import load_catalogue
from services.behavior.schema import Scene
from services.worker.warmup import warm_up


class Engine:
    """Notes what it is asked, and writes nothing."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(name="it", grammar="gbnf", tuned=["nao"], adapter=lambda robot: None)
        self.asked: list[GenerationRequest] = []

    async def stream(self, request: GenerationRequest) -> AsyncIterator[str]:
        self.asked.append(request)
        return
        yield


def test_grammars_are_made_for_scenes_with_and_without_things() -> None:
    grammar._build.cache_clear()
    engine = Engine()
    asyncio.run(warm_up(engine, "small", 30))  # type: ignore[arg-type]
    assert [request.max_tokens for request in engine.asked] == [1]
    made = grammar._build.cache_info().misses
    for scene in ({}, {"people": [{"name": "Ann", "position": [2, 0, 0]}]}):
        grammar.build_gbnf(load_catalogue("nao"), Scene.model_validate(scene), learnt=True)
    assert grammar._build.cache_info().misses == made
