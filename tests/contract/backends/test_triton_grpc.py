"""The gRPC adapter for Triton against a stand-in, for what a real Triton cannot be made to show.

tests/contract/triton has the same adapter with a real Triton.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from scripted_llm import REQUEST, collect, failing
from scripted_triton import Response, Script, Service, answering, backend_at, play, refusing, response, silence, start

from services.backends.base import (
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Invalid,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.triton import TritonBackend


def test_what_is_asked_is_tensors_of_the_right_types() -> None:
    async def test(backend: TritonBackend, service: Service) -> None:
        request = GenerationRequest(
            [], 8, 0.5, seed=2**63, stop=["\n", "é"], prompt="Wave", top_p=0.5, top_k=3, grammar='root ::= "x"'
        )
        trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        await collect(backend, request)
        await collect(backend, GenerationRequest([], 8, prompt="Wave", trace=trace))
        sampled, greedy = service.requests
        assert sampled == {
            "text_input": ("BYTES", b"\x04\0\0\0Wave"),
            "streaming": ("BOOL", b"\x01"),
            "sampling_param_max_tokens": ("INT32", b"\x08\0\0\0"),
            "sampling_param_exclude_input_from_output": ("BOOL", b"\x01"),
            "return_finish_reason": ("BOOL", b"\x01"),
            "return_num_input_tokens": ("BOOL", b"\x01"),
            "return_num_output_tokens": ("BOOL", b"\x01"),
            "sampling_param_temperature": ("FP32", b"\0\0\0\x3f"),
            "sampling_param_top_p": ("FP32", b"\0\0\0\x3f"),
            "sampling_param_top_k": ("INT32", b"\x03\0\0\0"),
            "sampling_param_seed": ("UINT64", b"\0\0\0\0\0\0\0\x80"),
            "sampling_param_stop": ("BYTES", b"\x01\0\0\0\n\x02\0\0\0\xc3\xa9"),
            "guided_decoding_guide_type": ("BYTES", b"\x0c\0\0\0ebnf_grammar"),
            "guided_decoding_guide": ("BYTES", b"\x0c\0\0\0" + b'root ::= "x"'),
        }
        assert greedy["sampling_param_top_k"] == ("INT32", b"\x01\0\0\0")
        assert not greedy.keys() & {"sampling_param_temperature", "sampling_param_stop", "guided_decoding_guide"}
        assert service.metadata[0]["triton_grpc_error"] == "true"
        assert service.metadata[1]["traceparent"] == trace["traceparent"]

    play(answering(response("x", "stop")), test)


def test_the_text_so_far_becomes_pieces_and_the_last_response_the_finish() -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        pieces = [piece async for piece in backend.stream(REQUEST)]
        assert pieces == [Delta("grü"), Delta("ß"), Delta(" 機"), Finish("length", "tensorrt_llm", 5, 3)]

    empty = Response()  # may mark the end
    play(
        answering(
            response("grü"),
            response("grü"),
            response("grüß\N{REPLACEMENT CHARACTER}"),
            response("grüß 機", "length", (5, 3)),
            empty,
        ),
        test,
    )


def test_what_follows_a_stop_string_is_not_waited_for() -> None:
    left = asyncio.Event()

    async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        try:
            yield response("wave\n")
            yield response("wave\n\nnow")
            await asyncio.Event().wait()
        finally:
            left.set()

    async def test(backend: TritonBackend, _: Service) -> None:
        text, finish = await collect(backend, GenerationRequest(REQUEST.messages, 8, stop=["\n\n"]))
        assert (text, finish.reason) == ("wave", "stop")
        await left.wait()

    play(script, test)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "sampling_param_top_p: Input should be less than 1", Invalid),
        (grpc.StatusCode.UNIMPLEMENTED, "image_url: not supported", Invalid),
        (grpc.StatusCode.UNAVAILABLE, "2 requests are being answered and 1 wait; try again later", Overloaded),
        (grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size", Overloaded),
        (grpc.StatusCode.UNAVAILABLE, "Server is stopping, scheduler for model has stopped accepting", Unavailable),
        (grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'tensorrt_llm' is not found", Unavailable),
        (grpc.StatusCode.CANCELLED, "Request cancelled by client", Unavailable),
        (grpc.StatusCode.INTERNAL, "Error generating request: CUDA out of memory", Failed),
        (grpc.StatusCode.UNKNOWN, "nobody knows", Failed),
    ],
)
@pytest.mark.parametrize("first", [(), (response("Wa"),)], ids=["at once", "in the middle"])
def test_the_status_of_an_error_says_what_it_is(
    first: tuple[Any, ...], status: grpc.StatusCode, message: str, kind: type[BackendError]
) -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        error = await failing(backend)
        assert type(error) is kind
        assert message in error.message
        assert error.message.startswith("tensorrtllm ")

    play(refusing(status, message, *first), test)


def test_an_error_without_a_status_is_told_by_its_text() -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        assert type(await failing(backend)) is Failed

    play(answering(Response(error_message="Error generating request: no memory")), test)


@pytest.mark.parametrize(
    ("script", "kind", "told"),
    [
        (answering(response("Wa")), Unavailable, "ended its answer in the middle"),
        (answering(), Unavailable, "ended its answer in the middle"),
        (answering(response("Wa", "timeout")), Failed, "'timeout'"),
    ],
    ids=["no final response", "nothing", "timeout"],
)
def test_an_incomplete_answer_is_an_error(script: Script, kind: type[BackendError], told: str) -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        error = await failing(backend)
        assert type(error) is kind
        assert told in error.message

    play(script, test)


def test_no_first_token_in_time() -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        error = await failing(backend)
        assert type(error) is TimedOut
        assert error.message == "tensorrtllm sent no first token in 0.2 s"

    play(silence, test, first_token_timeout_s=0.2)


def test_no_further_token_in_time_though_responses_come() -> None:
    async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        while True:
            yield response("Wa")
            await asyncio.sleep(0.02)

    async def test(backend: TritonBackend, _: Service) -> None:
        error = await failing(backend)
        assert type(error) is TimedOut
        assert error.message == "tensorrtllm sent no further token in 0.2 s"

    play(script, test, idle_timeout_s=0.2)


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_who_stops_listening_ends_the_generation(how: str) -> None:
    left = asyncio.Event()

    async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        try:
            yield response("Wa")
            await asyncio.Event().wait()
        finally:
            left.set()

    async def test(backend: TritonBackend, _: Service) -> None:
        started = asyncio.Event()

        async def listen() -> None:
            async for _piece in backend.stream(REQUEST):
                started.set()

        if how == "close":
            async with aclosing(backend.stream(REQUEST)) as stream:
                assert await anext(stream) == Delta("Wa")
        else:
            task = asyncio.create_task(listen())
            await started.wait()
            task.cancel()
            await asyncio.wait({task})
        await left.wait()

    play(script, test)


def test_a_place_that_does_not_come_free_is_overload() -> None:
    async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        yield response("Wa")
        await asyncio.Event().wait()

    async def test(backend: TritonBackend, _: Service) -> None:
        async with aclosing(backend.stream(REQUEST)) as stream:
            await anext(stream)
            assert type(await failing(backend)) is Overloaded

    play(script, test, max_concurrency=1, first_token_timeout_s=1)


def test_ready_is_what_the_server_says_of_the_model() -> None:
    async def test(backend: TritonBackend, _: Service) -> None:
        assert await backend.ready()

    async def other(backend: TritonBackend, _: Service) -> None:
        assert not await backend.ready()

    play(silence, test)
    play(silence, other, model="another")


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "nobody answers"])
def test_an_unreachable_server_is_unavailable_within_the_connect_timeout(listening: bool) -> None:
    async def run(port: int) -> None:
        backend = backend_at(port, connect_timeout_s=0.3)
        async with asyncio.timeout(10):  # the first token's time-out is 60 s, gRPC's own for connecting 20 s
            error = await failing(backend)
            assert type(error) is Unavailable
            assert f"tensorrtllm at 127.0.0.1:{port} cannot be reached" in error.message
            assert not await backend.ready()
        await backend.close()
        await backend.close()

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        if listening:
            holder.listen()
        asyncio.run(run(holder.getsockname()[1]))


def test_a_server_that_stops_and_comes_back_is_lost_and_found() -> None:
    async def run() -> None:
        service = Service(silence)
        server, port = await start(service, 0)
        backend = backend_at(port, connect_timeout_s=0.2)
        try:
            async with asyncio.timeout(20):
                service.script = answering(response("x", "stop"))
                assert (await collect(backend))[0] == "x"
                began = asyncio.Event()

                async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
                    yield response("Wa")
                    began.set()
                    await asyncio.Event().wait()

                service.script = script
                cut_off = asyncio.create_task(failing(backend))
                await began.wait()
                await server.stop(None)
                assert type(await cut_off) is Unavailable
                for _ in range(5):
                    assert type(await failing(backend)) is Unavailable
                    assert not await backend.ready()
                server, _ = await start(service, port)
                service.script = answering(response("x", "stop"))
                while not await backend.ready():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                assert (await collect(backend))[0] == "x"
        finally:
            await backend.close()
            await server.stop(None)

    asyncio.run(run())
