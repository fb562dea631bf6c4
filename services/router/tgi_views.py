"""``/info``: what TGI's clients ask beside its doors, told of the default backend. (``/health`` is in ``health``.)"""

from __future__ import annotations

from flask import Blueprint, Response
from pydantic import BaseModel, Field, ValidationError

from services.backends.config import BackendConfig
from services.router.context import Context
from services.router.doors import MOST_STOPS, MOST_TOKENS
from services.router.openapi import engine_version
from services.router.operations import Operation, describes
from services.router.upstream import Upstream, UpstreamError

_TIMEOUT_S = 2.0
_MOST_BYTES = 1_000_000


class Info(BaseModel):
    """TGI's description of itself. Tokens are the doors' limit where its server tells none."""

    model_id: str
    max_concurrent_requests: int
    max_best_of: int = 1
    max_stop_sequences: int = MOST_STOPS
    max_input_tokens: int
    max_total_tokens: int
    validation_workers: int = 1
    max_client_batch_size: int = 1
    router: str = "robot-behavior-engine"
    version: str


class _Longest(BaseModel):
    """Longest prompt, and longest prompt and answer, in tokens; of TGI's own description."""

    max_input_tokens: int = MOST_TOKENS
    max_total_tokens: int = MOST_TOKENS


class _Meta(BaseModel):
    n_ctx: int | None = None


class _Model(BaseModel):
    id: str = ""
    max_model_len: int | None = None  # vLLM
    meta: _Meta | None = None  # llama.cpp


class _Models(BaseModel):
    """What an OpenAI-style server tells of its models."""

    data: list[_Model] = Field(min_length=1)


def create_blueprint(context: Context) -> Blueprint:
    """The views beside TGI's doors."""
    blueprint = Blueprint("tgi", __name__)
    default = context.backends.configured[context.backends.default]
    upstream = context.upstreams[default.name]

    @blueprint.get("/info")
    @describes(Operation(summary="TGI's description of the server", answers={200: Info}))
    def info() -> Response:
        longest = _longest(default, upstream)
        document = Info(
            model_id=default.model or default.name,
            max_concurrent_requests=default.max_concurrency,
            max_input_tokens=longest.max_input_tokens,
            max_total_tokens=longest.max_total_tokens,
            version=engine_version(),
        )
        return Response(document.model_dump_json(), content_type="application/json")

    return blueprint


def _longest(config: BackendConfig, upstream: Upstream) -> _Longest:
    """What the backend takes: TGI, vLLM and llama.cpp tell it, as long as they answer."""
    try:
        if config.kind == "tgi":
            return _Longest.model_validate_json(_get(config, upstream, "/info"))
        if config.kind == "openai":
            models = _Models.model_validate_json(_get(config, upstream, "/v1/models")).data
            model = next((model for model in models if model.id == config.model), models[0])
            if total := model.max_model_len or (model.meta and model.meta.n_ctx):
                return _Longest(max_input_tokens=total - 1, max_total_tokens=total)  # an answer has one at least
    except (UpstreamError, ValidationError):
        pass
    return _Longest()


def _get(config: BackendConfig, upstream: Upstream, path: str) -> bytes:
    fields = [("Authorization", f"Bearer {config.api_key.get_secret_value()}")] if config.api_key is not None else []
    reply = upstream.request("GET", path, fields=fields, timeout_s=_TIMEOUT_S)
    try:
        body = b""
        while len(body) < _MOST_BYTES and (part := reply.read(_TIMEOUT_S)):
            body += part
        return body
    finally:
        reply.close()
