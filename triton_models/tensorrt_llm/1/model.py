"""Triton's side of the model: admits requests, runs each as a task on one event loop, sends what comes of it.

The server imports this file as it is, in a process of its own that knows neither PYTHONPATH nor our packages.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path]

import triton_python_backend_utils as pb_utils

from llm_backend.answer import outputs
from llm_backend.config import ConfigProblem, load
from llm_backend.request import Refused, Request, read
from llm_backend.runtime import Piece, start
from llm_backend.watchdog import Watchdog

_FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
_SHUTDOWN_S = 20
_INPUTS = ("stop", *Request.model_fields, "image_url", "sampling_param_logits_post_processor_name")


class TritonPythonModel:
    """What Triton calls. All state but the loop's own belongs to the loop's thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the engine; what Triton prints if that cannot be is one sentence."""
        self._watchdog = Watchdog()
        try:
            self._config = load(Path(__file__).parent, os.environ)
            self._runtime = start(self._config, os.environ)
        except Exception as problem:
            self._watchdog.release()
            if not isinstance(problem, ConfigProblem):
                raise
            raise pb_utils.TritonModelException(str(problem)) from None
        self._limit = self._runtime.capacity + self._config.triton.max_queued
        self._running: dict[asyncio.Task[None], _Exchange] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="requests")
        self._thread.start()
        self._watch = asyncio.run_coroutine_threadsafe(self._cancel_whose_client_left(), self._loop)

    def execute(self, requests: list[Any]) -> None:
        """Take requests; the answers are sent as they come."""
        for request in requests:
            self._loop.call_soon_threadsafe(self._take, request)

    def finalize(self) -> None:
        """Cancel what is left, and stop the engine."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_SHUTDOWN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SHUTDOWN_S)
        self._watchdog.release()

    def _take(self, triton_request: Any) -> None:
        exchange = _Exchange(triton_request)
        try:
            if exchange.tensors.pop("stop", [False])[0]:
                exchange.refuse(self._stop(exchange.request_id))
            elif len(self._running) >= self._limit:
                exchange.refuse(
                    Refused(
                        "UNAVAILABLE",
                        f"{self._runtime.capacity} requests are being answered and {self._config.triton.max_queued} "
                        "wait, which is all this server takes (max_queued in model.yaml); try again later",
                    )
                )
            else:
                task = self._loop.create_task(self._answer(exchange))
                self._running[task] = exchange
                task.add_done_callback(self._ended)
        except Exception as error:
            exchange.refuse(Refused("INTERNAL", f"Error generating request: {error!r}"))

    async def _answer(self, exchange: _Exchange) -> None:
        try:
            request = read(exchange.tensors)
            async with aclosing(self._runtime.generate(request)) as pieces:
                async for piece in pieces:
                    if request.streaming or piece.finish_reason is not None:
                        exchange.send(request, piece)
        except Refused as refused:
            exchange.refuse(refused)
        except Exception as error:
            exchange.refuse(Refused("INTERNAL", f"Error generating request: {error!r}"))

    def _ended(self, task: asyncio.Task[None]) -> None:
        exchange = self._running.pop(task)
        if task.cancelled():  # answered here, because a task that is cancelled before it began never runs
            exchange.refuse(Refused("CANCELLED", "Request cancelled by client"))

    def _stop(self, request_id: str) -> Refused:
        """Cancel the requests with this id; what the command itself is answered."""
        if not request_id:
            return Refused("INVALID_ARG", "A request id must be provided for request cancellation")
        for task, exchange in self._running.items():
            if exchange.request_id == request_id:
                task.cancel()
        return Refused("CANCELLED", "Request cancelled by client")

    async def _cancel_whose_client_left(self) -> None:
        while True:
            await asyncio.sleep(self._config.triton.cancellation_check_period_ms / 1000)
            for task, exchange in list(self._running.items()):
                if exchange.client_left():
                    task.cancel()

    async def _end(self) -> None:
        self._watch.cancel()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._runtime.close()


class _Exchange:
    """One request of Triton's, and the way back."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._sender = request.get_response_sender()
        self._closed = False
        self.request_id: str = request.request_id()
        found = ((name, pb_utils.get_input_tensor_by_name(request, name)) for name in _INPUTS)
        self.tensors = {name: tensor.as_numpy().ravel().tolist() for name, tensor in found if tensor is not None}

    def client_left(self) -> bool:
        try:
            return not self._closed and bool(self._request.is_cancelled())
        except Exception as error:
            pb_utils.Logger.log_warn(f"Triton did not say whether a client is still there: {error}")
            return False

    def send(self, request: Request, piece: Piece) -> None:
        tensors = [pb_utils.Tensor(name, array) for name, array in outputs(request, piece)]
        self._send(pb_utils.InferenceResponse(tensors), final=piece.finish_reason is not None)

    def refuse(self, refused: Refused) -> None:
        error = pb_utils.TritonError(str(refused), getattr(pb_utils.TritonError, refused.code))
        self._send(pb_utils.InferenceResponse([], error), final=True)

    def _send(self, response: Any, final: bool) -> None:
        if self._closed:  # the answer was complete when it was cancelled
            return
        self._closed = final
        try:
            self._sender.send(response, flags=_FINAL if final else 0)
        except Exception as error:
            pb_utils.Logger.log_warn(f"a response could not be sent: {error}")
