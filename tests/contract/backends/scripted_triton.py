"""A stand-in for Triton: a real gRPC server with Triton's own service definition, which says what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from services.backends.config import load_backends
from services.backends.registry import create_backend
from services.backends.triton import TritonBackend

Response = service_pb2.ModelStreamInferResponse
Script = Callable[[Any, grpc.aio.ServicerContext], AsyncGenerator[Any, None]]


def response(text: str, reason: str = "None", tokens: tuple[int, int] | None = None) -> Any:
    """A response with the tensors that our Triton model sends."""
    message = Response()
    for name, value in (("text_output", text), ("finish_reason", reason)):
        message.infer_response.outputs.add(name=name, datatype="BYTES", shape=[1])
        content = value.encode(errors="surrogateescape")
        message.infer_response.raw_output_contents.append(len(content).to_bytes(4, "little") + content)
    for name, count in zip(("num_input_tokens", "num_output_tokens"), tokens or (), strict=False):
        message.infer_response.outputs.add(name=name, datatype="INT32", shape=[1])
        message.infer_response.raw_output_contents.append(count.to_bytes(4, "little"))
    return message


class Service(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Answers each generation with a script, and keeps what was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.metadata: list[dict[str, str]] = []

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> AsyncGenerator[Any, None]:
        request = await anext(requests)
        contents = zip(request.inputs, request.raw_input_contents, strict=True)
        self.requests.append({tensor.name: (tensor.datatype, content) for tensor, content in contents})
        self.metadata.append(dict(context.invocation_metadata()))
        async with aclosing(self.script(request, context)) as answers:
            async for answer in answers:
                yield answer

    async def ModelReady(self, request: Any, context: Any) -> Any:
        return service_pb2.ModelReadyResponse(ready=request.name == "tensorrt_llm")


async def start(service: Service, port: int = 0) -> tuple[grpc.aio.Server, int]:
    """A running server, and its port."""
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(service, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    return server, port


def play(script: Script, test: Callable[[TritonBackend, Service], Awaitable[None]], **settings: object) -> None:
    """Run ``test`` with a backend whose server follows ``script``; the whole takes 20 s at most."""

    async def run() -> None:
        service = Service(script)
        server, port = await start(service)
        backend = backend_at(port, **settings)
        try:
            async with asyncio.timeout(20):
                await test(backend, service)
        finally:
            await backend.close()
            await server.stop(None)

    asyncio.run(run())


def backend_at(port: int, **settings: object) -> TritonBackend:
    given = {"url": "http://127.0.0.1:1", "grpc_port": port, **settings}
    environ = {f"TENSORRTLLM_{name.upper()}": str(value) for name, value in given.items()}
    backend = create_backend(load_backends(environ).configured["tensorrtllm"])
    assert isinstance(backend, TritonBackend)
    return backend


def answering(*responses: Any) -> Script:
    async def script(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        for message in responses:
            yield message

    return script


def refusing(status: grpc.StatusCode, message: str, *first: Any) -> Script:
    async def script(_: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
        for answer in first:
            yield answer
        await context.abort(status, message)

    return script


async def silence(_: Any, __: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
    await asyncio.Event().wait()
    yield
