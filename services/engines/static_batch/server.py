"""The HTTP side: OpenAI's completions and chat, health, models and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import generate_latest

from services.engines.static_batch import answers
from services.engines.static_batch.engine import Engine, GenerationFailed, QueueFull, Request
from services.engines.static_batch.items import Item, Piece
from services.engines.static_batch.metrics import Metrics
from services.engines.static_batch.request import BadRequest, Chat, Completion, for_each, parse
from services.engines.static_batch.settings import EngineSettings

if TYPE_CHECKING:
    from services.engines.static_batch.model import Model

_MAX_BODY_BYTES = 4 * 2**20
# A client that takes nothing for so long is taken for gone.
_WRITE_TIMEOUT_S = 60.0


class Server:
    """The application's handlers."""

    def __init__(self, settings: EngineSettings, engine: Engine, metrics: Metrics) -> None:
        self._settings = settings
        self._engine = engine
        self._metrics = metrics

    def application(self) -> web.Application:
        """What aiohttp runs; it must be run with handlers cancelled when their client hangs up."""
        application = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_errors])
        application.add_routes(
            [
                web.post("/v1/completions", self._completions),
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._models),
                web.get("/health", self._health),
                web.get("/metrics", self._prometheus),
            ]
        )
        return application

    async def _completions(self, http: web.Request) -> web.StreamResponse:
        request = parse(Completion, await http.read())
        model = self._loaded()
        return await self._answer(http, request, [model.encode(prompt) for prompt in request.prompts()])

    async def _chat(self, http: web.Request) -> web.StreamResponse:
        request = parse(Chat, await http.read())
        model = self._loaded()
        try:
            prompts = [model.encode_chat(messages) for messages in request.prompts()]
        except Exception as error:  # templates are programs of the model's: anything can be wrong
            raise BadRequest(f"messages: the model's chat template does not take them: {error}") from None
        return await self._answer(http, request, prompts)

    async def _answer(
        self, http: web.Request, request: Completion | Chat, prompts: list[list[int]]
    ) -> web.StreamResponse:
        client = Request()
        items = self._items(client, request, prompts)
        answer = answers.Answer(self._settings.name, chat=isinstance(request, Chat))
        async with aclosing(self._engine.answer(client, items)) as pieces:
            if not request.stream:
                return web.json_response(answer.whole([piece async for piece in pieces]))
            return await _stream(http, answer, pieces)

    def _items(self, client: Request, request: Completion | Chat, prompts: list[list[int]]) -> list[Item]:
        if request.model not in (None, "", self._settings.name):
            raise web.HTTPNotFound(text=f"there is no model {request.model} here, only {self._settings.name}")
        stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
        if len(prompts) > self._settings.max_queued:
            raise BadRequest(f"{len(prompts)} prompts in one request, {self._settings.max_queued} may be")
        items = []
        for index, (prompt, (max_tokens, grammar, sampling)) in enumerate(zip(prompts, for_each(request), strict=True)):
            self._check_length(index, len(prompt), max_tokens)
            matcher = None if grammar is None else self._loaded().grammars.matcher(grammar)
            items.append(Item(client, index, prompt, max_tokens, sampling, stop, matcher))
        return items

    def _check_length(self, index: int, prompt_tokens: int, max_tokens: int) -> None:
        most, context = self._settings.max_prompt_tokens, self._loaded().context_tokens
        if not prompt_tokens:
            raise BadRequest(f"prompt {index} is empty")
        if prompt_tokens > most:
            raise BadRequest(f"prompt {index} has {prompt_tokens} tokens, at most {most} are taken")
        if prompt_tokens + max_tokens > context:
            raise BadRequest(
                f"prompt {index} has {prompt_tokens} tokens and asks for {max_tokens} more: "
                f"the model's context is {context}"
            )

    def _loaded(self) -> Model:
        if self._engine.model is None:
            raise web.HTTPServiceUnavailable(text="the model is being loaded; try again later")
        return self._engine.model

    async def _models(self, _: web.Request) -> web.Response:
        model = {"id": self._settings.name, "object": "model", "owned_by": "static_batch"}
        return web.json_response({"object": "list", "data": [model]})

    async def _health(self, _: web.Request) -> web.Response:
        self._loaded()
        return web.json_response({"status": "ok"})

    async def _prometheus(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), content_type="text/plain")


async def _stream(http: web.Request, answer: answers.Answer, pieces: AsyncGenerator[Piece, None]) -> web.StreamResponse:
    """Send the pieces as events. Up to the first one an error is still an HTTP status, later an event."""
    piece: Piece | None = await anext(pieces)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(http)
    try:
        while piece is not None:
            await _write(response, answer.chunk(piece))
            piece = await anext(pieces, None)
    except GenerationFailed as error:
        await _write(response, answers.event(answers.error(500, str(error))))
    await _write(response, answers.DONE)
    return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_TIMEOUT_S):
        await response.write(data)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell every error in OpenAI's shape."""
    headers = {}
    try:
        return await handler(request)
    except BadRequest as error:
        status, message = 400, str(error)
    except QueueFull as error:
        status, message, headers = 429, str(error), {"Retry-After": "1"}
    except GenerationFailed as error:
        status, message = 500, str(error)
    except web.HTTPException as error:
        status, message = error.status, error.text or error.reason
    return web.json_response(answers.error(status, message), status=status, headers=headers)
