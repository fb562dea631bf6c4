"""Our adapters for Triton, over gRPC and over HTTP, with a real Triton behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from running_triton import Triton

from services.backends.base import Backend, Delta, Finish, GenerationRequest, Invalid, Overloaded, Unavailable
from services.backends.config import load_backends
from services.backends.dialects.triton import TritonDialect
from services.backends.http import HttpBackend
from services.backends.http_client import StreamClient
from services.backends.registry import create_backend

PROMPT = "Once upon a time"
#: Some 900 tokens: as many as the context has room for.
ENDLESS = GenerationRequest([], 900, prompt=PROMPT, grammar='root ::= ("one ")+')
Test = Callable[[Backend], Awaitable[None]]


@pytest.fixture(params=["grpc", "http"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(triton: Triton, way: str, test: Test, **settings: object) -> None:
    """Run ``test`` with a backend; the whole takes 60 s at most."""

    async def running() -> None:
        given = {"url": f"http://127.0.0.1:{triton.http_port}", "grpc_port": triton.grpc_port, **settings}
        environ = {f"TENSORRTLLM_{name.upper()}": str(value) for name, value in given.items()}
        config = load_backends(environ).configured["tensorrtllm"]
        backend = create_backend(config) if way == "grpc" else HttpBackend(config, TritonDialect(config))
        try:
            async with asyncio.timeout(60):
                await test(backend)
        finally:
            await backend.close()

    asyncio.run(running())


async def collect(backend: Backend, request: GenerationRequest) -> tuple[list[str], Finish]:
    *deltas, finish = [piece async for piece in backend.stream(request)]
    assert isinstance(finish, Finish)
    assert all(isinstance(delta, Delta) and delta.text for delta in deltas)
    return [delta.text for delta in deltas if isinstance(delta, Delta)], finish


async def text(backend: Backend, **fields: Any) -> str:
    return "".join((await collect(backend, GenerationRequest(**{"messages": [], "max_tokens": 16, **fields})))[0])


def test_the_pieces_join_to_tritons_own_answer_and_the_tokens_are_counted(triton: Triton, way: str) -> None:
    counts = {"return_num_input_tokens": True, "return_num_output_tokens": True}
    whole = triton.generate(
        PROMPT, sampling_param_max_tokens=32, sampling_param_exclude_input_from_output=True, **counts
    )

    async def test(backend: Backend) -> None:
        pieces, finish = await collect(backend, GenerationRequest([], 32, prompt=PROMPT))
        assert "".join(pieces) == whole["text_output"]
        assert len(pieces) > 1  # what arrives together is one piece, but not the whole answer
        assert finish == Finish("length", "tensorrt_llm", whole["num_input_tokens"], whole["num_output_tokens"])
        assert finish.completion_tokens == 32

    run(triton, way, test)


def test_a_conversation_is_asked_with_the_models_template(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        messages = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]
        pieces, finish = await collect(backend, GenerationRequest(messages, 32))
        assert "Paris" in "".join(pieces)
        assert finish.reason == "stop"

    run(triton, way, test)


def test_greedy_is_the_same_twice_and_a_seed_repeats(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        assert await text(backend, prompt=PROMPT) == await text(backend, prompt=PROMPT)
        first, again, other = [await text(backend, prompt=PROMPT, temperature=1.2, seed=seed) for seed in (1, 1, 2)]
        assert first == again != other

    run(triton, way, test)


def test_a_grammar_is_obeyed(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        grammar = 'root ::= "機器人 " ("twice" | "once")'
        answer = await text(backend, prompt="Answer: ", grammar=grammar)
        assert answer in ("機器人 twice", "機器人 once")

    run(triton, way, test)


def test_a_stop_string_ends_the_answer_and_is_not_in_it(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        whole = await text(backend, prompt=PROMPT)
        stop = whole[9:14]  # begins and ends within words
        pieces, finish = await collect(backend, GenerationRequest([], 16, prompt=PROMPT, stop=["never", stop]))
        assert "".join(pieces) == whole[: whole.index(stop)]
        assert finish.reason == "stop"

    run(triton, way, test)


def test_an_adapter_is_chosen_by_its_name(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        assert await text(backend, prompt=PROMPT, adapter="noise") == triton.text(
            PROMPT, lora_name="noise", sampling_param_max_tokens=16
        )

    run(triton, way, test)


def test_what_is_wrong_with_a_request_is_told(triton: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        for fields, told in (
            ({"prompt": "long " * 2000}, "exceeds the available context size"),
            ({"prompt": PROMPT, "grammar": "nonsense"}, "failed to parse grammar"),
            ({"prompt": PROMPT, "top_p": 1.5, "temperature": 1}, "sampling_param_top_p"),
        ):
            with pytest.raises(Invalid, match=told):
                await text(backend, **fields)

    run(triton, way, test)


def test_it_is_ready_when_its_model_is(triton: Triton, way: str) -> None:
    async def ready(backend: Backend) -> None:
        assert await backend.ready()

    async def not_ready(backend: Backend) -> None:
        assert not await backend.ready()

    run(triton, way, ready)
    run(triton, way, not_ready, model="another", health_path="/v2/models/another/ready")


def test_who_stops_listening_frees_the_slot(one_slot: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        loop = asyncio.get_running_loop()
        times: list[float] = []
        async with aclosing(backend.stream(ENDLESS)) as stream:
            async for _ in stream:
                times.append(loop.time())
                if len(times) == 6:
                    break
        per_token = (times[-1] - times[0]) / (len(times) - 1)
        await text(backend, prompt="Hello", max_tokens=1)
        took = loop.time() - times[-1]
        assert took < 300 * per_token, f"{took:.2f} s, at {per_token:.4f} s for each token of 900"

    run(one_slot, way, test)


def test_the_cancel_call_ends_a_generation_that_has_sent_nothing_yet(one_slot: Triton) -> None:
    async def test(backend: Backend) -> None:
        dialect = TritonDialect(backend.config)
        client = StreamClient(backend.config, dialect)
        deadline = asyncio.get_running_loop().time() + 30
        async with aclosing(backend.stream(ENDLESS)) as running:
            await anext(running)
            call = dialect.encode(ENDLESS)
            waiting = asyncio.create_task(client.post(call, {}, deadline))
            # Until it has arrived, the cancel call finds nothing to end.
            while not waiting.done():
                with pytest.raises(Unavailable, match="Request cancelled by client"):
                    await client.post(dialect.cancel(call), {}, deadline)
            with pytest.raises(Unavailable, match="Request cancelled by client"):
                await waiting
            assert isinstance(await anext(running), Delta)
        await client.close()

    run(one_slot, "grpc", test)


def test_a_full_queue_is_overload(one_slot: Triton, way: str) -> None:
    async def test(backend: Backend) -> None:
        async with aclosing(backend.stream(ENDLESS)) as running:
            await anext(running)
            hello = GenerationRequest([], 1, prompt="Hello")
            tasks = [asyncio.create_task(collect(backend, hello)) for _ in range(2)]
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            with pytest.raises(Overloaded, match="1 requests are being answered and 1 wait"):
                await done.pop()
        await asyncio.gather(*waiting)  # who had waited is served

    run(one_slot, way, test)
