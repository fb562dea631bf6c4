"""Triton over gRPC, which notices at once when a generation is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

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
from services.backends.config import BackendConfig
from services.backends.dialects.base import understood
from services.backends.dialects.triton import GrowingText, error_of, finish, tensors
from services.backends.places import Places
from services.backends.template import ChatTemplate

#: Types of inputs that JSON does not tell apart; the others are strings and booleans.
_TYPES: dict[str, tuple[str, Any]] = {
    "sampling_param_max_tokens": ("INT32", np.int32),
    "sampling_param_top_k": ("INT32", np.int32),
    "sampling_param_temperature": ("FP32", np.float32),
    "sampling_param_top_p": ("FP32", np.float32),
    "sampling_param_seed": ("UINT64", np.uint64),
}
_OUTPUTS = ("text_output", "finish_reason", "num_input_tokens", "num_output_tokens")
_STATUS_KINDS: dict[grpc.StatusCode, type[BackendError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Invalid,
    grpc.StatusCode.UNIMPLEMENTED: Invalid,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.NOT_FOUND: Invalid,
    grpc.StatusCode.CANCELLED: Unavailable,
}
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
# Errors with their status, at the price of the stream, which carries one request anyway.
_WITH_STATUS = {"triton_grpc_error": "true"}
# How long the end of the stream may come after the last response.
_DRAIN_S = 0.1


class TritonBackend:
    """See ``Backend``: one gRPC stream for each generation, all over one connection."""

    def __init__(self, config: BackendConfig) -> None:
        self.config = config
        url = urlsplit(config.url)
        host = url.hostname or "127.0.0.1"
        self._address = f"[{host}]:{config.grpc_port}" if ":" in host else f"{host}:{config.grpc_port}"
        self._tls = url.scheme == "https"
        self._headers = dict(_WITH_STATUS)
        if config.api_key is not None:
            self._headers["authorization"] = f"Bearer {config.api_key.get_secret_value()}"
        self._template = ChatTemplate(config.chat_template)
        self._places = Places(config)
        self._client: InferenceServerClient | None = None

    async def ready(self) -> bool:
        """See ``Backend.ready``."""
        try:
            async with asyncio.timeout(self.config.connect_timeout_s):
                return bool(await self._open().is_model_ready(self.config.model, headers=self._headers))
        except (InferenceServerException, TimeoutError):
            return False

    async def close(self) -> None:
        """See ``Backend.close``."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Delta | Finish, None]:
        """See ``Backend.stream``."""
        inputs = _inputs(tensors(self.config, self._template, request))
        growing = GrowingText(request)
        last: dict[str, Any] = {}
        async with self._places.one():
            loop = asyncio.get_running_loop()
            deadline = loop.time() + self.config.first_token_timeout_s
            headers = {**self._headers, **{name.lower(): value for name, value in request.trace.items()}}
            responses = self._open().stream_infer(self._one(inputs), headers=headers)
            first, final = True, False
            try:
                while not growing.stopped and not final:
                    try:
                        async with asyncio.timeout_at(deadline):
                            result, error = await anext(responses)
                    except StopAsyncIteration:
                        break
                    if error is not None:
                        raise error_of(self.config, str(error.message()))
                    last, final = _values(result) or last, _is_final(result)
                    if text := understood(self.config, partial(growing.feed, last.get("text_output", ""))):
                        yield Delta(text)
                        first = False
                        deadline = loop.time() + self.config.idle_timeout_s
                if final:
                    await self._drain(responses)
            except grpc.aio.AioRpcError as error:
                raise self._failure(error) from None
            except TimeoutError:
                seconds = self.config.first_token_timeout_s if first else self.config.idle_timeout_s
                raise TimedOut(
                    f"{self.config.name} sent no {'first' if first else 'further'} token in {seconds:g} s"
                ) from None
            finally:
                responses.cancel()
            if rest := growing.rest():
                yield Delta(rest)
        yield understood(self.config, partial(finish, self.config, growing.stopped, last))

    def _open(self) -> InferenceServerClient:
        if self._client is None:
            connect_ms = int(self.config.connect_timeout_s * 1000)
            # gRPC has no other name for how long connecting may take. After a failure it waits about as long before
            # the next try, and not two minutes, so that a server which was started again is found.
            backoff = [(f"grpc.{which}_reconnect_backoff_ms", connect_ms) for which in ("initial", "min", "max")]
            limit = ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES)
            self._client = InferenceServerClient(self._address, ssl=self._tls, channel_args=[*backoff, limit])
        return self._client

    async def _drain(self, responses: Any) -> None:
        """Wait for the end of a stream that is complete, so that it is not cancelled."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                async for _ in responses:
                    pass
        except (TimeoutError, grpc.aio.AioRpcError):
            return

    async def _one(self, inputs: list[InferInput]) -> AsyncIterator[dict[str, Any]]:
        yield {"model_name": self.config.model, "inputs": inputs}

    def _failure(self, error: grpc.aio.AioRpcError) -> BackendError:
        message = str(error.details())
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            # A server that cannot be reached, one that stops, and one whose queue is full: only the last says so.
            refused = error_of(self.config, message)
            if isinstance(refused, Overloaded):
                return refused
            return Unavailable(f"{self.config.name} at {self._address} cannot be reached: {message}")
        if "unknown model" in message.lower():  # not loaded, or not yet: other things not found are the request's fault
            return Unavailable(f"{self.config.name} answered: {message}")
        kind = _STATUS_KINDS.get(error.code(), Failed)
        return kind(f"{self.config.name} answered: {message}")


def _inputs(values: dict[str, Any]) -> list[InferInput]:
    inputs = []
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        if name in _TYPES:
            kind, dtype = _TYPES[name]
            array = np.array(items, dtype)
        elif isinstance(items[0], bool):
            kind, array = "BOOL", np.array(items, np.bool_)
        else:
            kind, array = "BYTES", np.array([item.encode() for item in items], np.object_)
        tensor = InferInput(name, list(array.shape), kind)
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def _values(result: Any) -> dict[str, Any]:
    """The outputs of one response by name; empty for the empty one that may mark the end."""
    values = {}
    for name in _OUTPUTS:
        array = result.as_numpy(name)
        if array is not None and array.size:
            item = array.ravel()[0]
            values[name] = item.decode(errors="replace") if isinstance(item, bytes) else item
    return values


def _is_final(result: Any) -> bool:
    """Whether Triton says that no response follows."""
    parameters = result.get_response().parameters
    return "triton_final_response" in parameters and bool(parameters["triton_final_response"].bool_param)
