"""The conformance suite: every case on the adapter of every backend, each in front of what can be run of its server.

llama.cpp, Triton with our model repository, DeepSpeed, Transformers' server and vLLM are real. TGI has no package and
no CPU build: our router's own TGI doors, in front of llama.cpp, stand in for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import running_triton
from engine_process import serving

from services.backends.base import Backend, Delta, Finish, GenerationRequest, Invalid, Unavailable
from services.backends.config import load_backends
from services.backends.registry import create_backend
from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramReader
from services.behavior.schema import Scene
from services.embedded.ports import port_of, reserve_port
from services.embedded.stack import Stack

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

NAO = load_catalogue("nao")
HELLO = GenerationRequest(messages=[{"role": "user", "content": "Wave and say hello."}], max_tokens=24)
CONTEXT_TOKENS = 2048
#: Engines that are built on torch: module, prefix of its settings, and settings.
BUILT_ON_TORCH = {
    "deepspeed": ("services.engines.static_batch", "STATIC_BATCH_", {"runtime": "deepspeed", "max_batch": 8}),
    "transformers": (
        "services.engines.transformers",
        "TRANSFORMERS_",
        {"continuous_batching": True, "num_blocks": 256},
    ),
    "vllm": (
        "services.engines.vllm",
        "VLLM_SERVER_",
        {"max_model_len": CONTEXT_TOKENS, "gpu_memory_utilization": 0.2, "enforce_eager": True, "dtype": "bfloat16"},
    ),
}
NO_GRAMMAR = {
    "transformers": "transformers serve takes no grammar: the checks alone stand",
    "tgi": "its stand-in takes no regular expression, which TGI does; test_tgi.py has what it is sent",
}
BACKENDS = [
    "llamacpp",
    "tgi",
    "tensorrtllm",
    *(pytest.param(name, marks=pytest.mark.engines) for name in BUILT_ON_TORCH),
]

Play = Callable[[Callable[[Backend], Awaitable[None]]], None]


@pytest.fixture(scope="module", params=BACKENDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def settings(
    name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Starts the server; yields the settings with which its adapter is made."""
    folder = tmp_path_factory.mktemp(name)
    more: dict[str, str] = {}
    with ExitStack() as stack:
        if name in BUILT_ON_TORCH:
            python = request.getfixturevalue("vllm_python" if name == "vllm" else "engines_python")
            model: Path = request.getfixturevalue("model_folder")
            module, prefix, own = BUILT_ON_TORCH[name]
            server = stack.enter_context(serving(python, module, prefix, folder / "log", 240, model=model, **own))
            url = server.url
        elif name == "tensorrtllm":
            triton = stack.enter_context(
                running_triton.serving(folder, LLAMACPP_SLOTS=4, LLAMACPP_CONTEXT_TOKENS=CONTEXT_TOKENS)
            )
            url = f"http://127.0.0.1:{triton.http_port}"
            more["TENSORRTLLM_GRPC_PORT"] = str(triton.grpc_port)
        else:
            services = ["engine"] if name == "llamacpp" else ["store", "engine", "router"]
            ours = stack.enter_context(Stack(services, env={"LLAMACPP_CONTEXT_TOKENS": str(CONTEXT_TOKENS)}))
            url = ours.engine_url if name == "llamacpp" else ours.router_url
        if name == "transformers":  # it knows its model by where it lies; vLLM takes the one that it has
            more["TRANSFORMERS_MODEL"] = str(model)
        yield {"BACKEND": name, f"{name.upper()}_URL": url, **more}


def played(settings: dict[str, str], steps: Callable[[Backend], Awaitable[None]]) -> None:
    config = load_backends(settings).configured[settings["BACKEND"]]

    async def run() -> None:
        backend = create_backend(config)
        try:
            async with asyncio.timeout(200):
                await steps(backend)
        finally:
            await backend.close()

    asyncio.run(run())


@pytest.fixture
def play(settings: dict[str, str]) -> Play:
    """Runs steps with the adapter that BACKEND=<name> chooses."""
    return lambda steps: played(settings, steps)


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


def test_it_streams(play: Play) -> None:
    async def steps(backend: Backend) -> None:
        pieces = [piece async for piece in backend.stream(HELLO)]
        assert len([piece for piece in pieces if isinstance(piece, Delta)]) > 2

    play(steps)


def test_a_seed_makes_sampling_repeatable(play: Play, name: str) -> None:
    if name == "transformers":
        pytest.skip("transformers serve batching continuously decides when it starts whether to sample: it is greedy")

    async def steps(backend: Backend) -> None:
        # A fine-tuned model is sure of nearly every token: a story leaves it a choice.
        story = [{"role": "user", "content": "Tell a story about the sea."}]
        sampled = replace(HELLO, messages=story, max_tokens=48, temperature=2.0)
        one, same, *others = [(await collect(backend, replace(sampled, seed=seed)))[0] for seed in (1, 1, 2, 3)]
        assert one == same
        assert set(others) != {one}

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


def test_a_prompt_longer_than_its_context_is_refused_as_wrong(play: Play, name: str) -> None:
    if name == "transformers":
        pytest.skip("transformers serve batching continuously never answers a prompt that its cache has no room for")

    async def steps(backend: Backend) -> None:
        long = replace(HELLO, messages=[{"role": "user", "content": "Wave. " * 3 * CONTEXT_TOKENS}])
        with pytest.raises(Invalid):
            await collect(backend, long)

    play(steps)


def test_a_server_that_is_not_there_is_told_as_such(settings: dict[str, str], name: str) -> None:
    async def steps(backend: Backend) -> None:
        assert not await backend.ready()
        with pytest.raises(Unavailable):
            await collect(backend, HELLO)

    with reserve_port() as holder:
        port = port_of(holder)
        nowhere = {f"{name.upper()}_URL": f"http://127.0.0.1:{port}", f"{name.upper()}_GRPC_PORT": str(port)}
        played({**settings, **nowhere}, steps)


def test_what_it_writes_under_the_grammar_is_a_program(play: Play, name: str) -> None:
    if name in NO_GRAMMAR:
        pytest.skip(NO_GRAMMAR[name])

    async def steps(backend: Backend) -> None:
        request = replace(HELLO, max_tokens=160, grammar=build_gbnf(NAO))
        text, finish = await collect(backend, request)
        reader = ProgramReader(NAO, Scene())
        items = reader.feed(text) + (reader.close() if finish.reason == "stop" else [])
        assert items, text

    play(steps)
