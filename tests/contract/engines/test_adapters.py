"""The worker's adapters on the real engines: each writes programs as asked, ends as asked, and is left when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from engine_process import Server, serving

from services.backends.base import Backend, Delta, Finish, GenerationRequest
from services.backends.config import load_backends
from services.backends.registry import create_backend
from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramReader
from services.behavior.schema import Scene

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]

NAO = load_catalogue("nao")
HELLO = GenerationRequest(messages=[{"role": "user", "content": "Wave and say hello."}], max_tokens=24)
#: Module, prefix of its settings, backend, and settings of the engine.
ENGINES = {
    "deepspeed": ("services.engines.static_batch", "STATIC_BATCH_", {"runtime": "deepspeed", "max_batch": 8}),
    "transformers": (
        "services.engines.transformers",
        "TRANSFORMERS_",
        {"continuous_batching": True, "num_blocks": 256},
    ),
    "vllm": (
        "services.engines.vllm",
        "VLLM_SERVER_",
        {"max_model_len": 2048, "gpu_memory_utilization": 0.2, "enforce_eager": True, "dtype": "bfloat16"},
    ),
}

Play = Callable[[Callable[[Backend], Awaitable[None]]], None]


@pytest.fixture(scope="module", params=sorted(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(
    name: str, request: pytest.FixtureRequest, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    python = request.getfixturevalue("vllm_python" if name == "vllm" else "engines_python")
    module, prefix, settings = ENGINES[name]
    log = tmp_path_factory.mktemp("adapter") / f"{name}.log"
    with serving(python, module, prefix, log, 240, model=model_folder, **settings) as server:
        yield server


@pytest.fixture
def play(name: str, engine: Server, model_folder: Path) -> Play:
    """Runs steps with the adapter that BACKEND=<name> chooses."""
    # vLLM and Transformers know their model by where it lies; left out, each takes the one that it has.
    environ = {"BACKEND": name, f"{name.upper()}_URL": engine.url}
    if name == "transformers":
        environ["TRANSFORMERS_MODEL"] = str(model_folder)
    config = load_backends(environ).configured[name]

    def play(steps: Callable[[Backend], Awaitable[None]]) -> None:
        async def run() -> None:
            backend = create_backend(config)
            try:
                async with asyncio.timeout(200):
                    await steps(backend)
            finally:
                await backend.close()

        asyncio.run(run())

    return play


async def collect(backend: Backend, request: GenerationRequest) -> tuple[str, Finish]:
    pieces = [piece async for piece in backend.stream(request)]
    *deltas, finish = pieces
    assert isinstance(finish, Finish)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


def test_it_is_ready_and_answers_the_same_when_greedy(play: Play) -> None:
    async def steps(backend: Backend) -> None:
        assert await backend.ready()
        first, second = [await collect(backend, HELLO) for _ in range(2)]
        assert first[0]
        assert first[0] == second[0]
        assert first[1].reason in ("stop", "length")
        assert first[1].prompt_tokens > 5
        assert 0 < first[1].completion_tokens <= HELLO.max_tokens

    play(steps)


def test_length_is_told_from_stop(play: Play) -> None:
    async def steps(backend: Backend) -> None:
        _, finish = await collect(backend, replace(HELLO, max_tokens=2))
        assert finish.reason == "length"

    play(steps)


def test_it_stops_at_a_stop_string_and_does_not_say_it(play: Play) -> None:
    async def steps(backend: Backend) -> None:
        whole, _ = await collect(backend, HELLO)
        stop = whole.strip()[3:6]
        text, finish = await collect(backend, replace(HELLO, stop=[stop]))
        assert text == whole[: whole.index(stop)]
        assert finish.reason == "stop"

    play(steps)


def test_several_at_once_answer_as_each_alone(play: Play, name: str) -> None:
    async def steps(backend: Backend) -> None:
        asked = [replace(HELLO, max_tokens=4 * count) for count in range(1, 7)]
        answers = await asyncio.gather(*(collect(backend, request) for request in asked))
        # Sums in another order may tip a greedy choice later on, but not the first words.
        assert {text[:5] for text, _ in answers} == {answers[0][0][:5]}
        counts = [finish.completion_tokens for _, finish in answers]
        assert counts == sorted(counts)

    play(steps)


def test_a_closed_stream_is_left_by_the_engine(play: Play) -> None:
    async def steps(backend: Backend) -> None:
        long = replace(HELLO, max_tokens=900, temperature=1.0, seed=1)
        async with aclosing(backend.stream(long)) as stream:
            async for _ in stream:
                break
        async with asyncio.timeout(30):
            await collect(backend, replace(HELLO, max_tokens=1))

    play(steps)


def test_what_it_writes_under_the_grammar_is_a_program(play: Play, name: str) -> None:
    if name == "transformers":
        pytest.skip("transformers serve takes no grammar")

    async def steps(backend: Backend) -> None:
        request = replace(HELLO, max_tokens=160, grammar=build_gbnf(NAO))
        text, finish = await collect(backend, request)
        reader = ProgramReader(NAO, Scene())
        items = reader.feed(text) + (reader.close() if finish.reason == "stop" else [])
        assert items, text

    play(steps)
