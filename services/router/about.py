"""What there is: the landing document, the API's description, the models, the metrics."""

from __future__ import annotations

import json
from typing import Literal

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from services.router.context import Context
from services.router.openapi import build_openapi
from services.router.operations import ANY_JSON, Media, Operation, describes

_TEXT = Media(("text/plain",), "Prometheus' text format.", {"type": "string"})


class Landing(BaseModel):
    """Where to go from here."""

    service: str = "robot behavior engine"
    behaviors: str = "/v1/behaviors"
    robots: str = "/v1/robots"
    chat_completions: str = "/v1/chat/completions"
    models: str = "/v1/models"
    openapi: str = "/openapi.json"
    health: str = "/healthz"
    readiness: str = "/readyz"
    metrics: str = "/metrics"


class Model(BaseModel):
    """One model, as OpenAI clients list them; ``owned_by`` is the backend that serves it."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class ModelList(BaseModel):
    """The models behind the configured backends."""

    object: Literal["list"] = "list"
    data: list[Model]


def create_blueprint(context: Context) -> Blueprint:
    """The views that describe the router."""
    blueprint = Blueprint("about", __name__)
    landing_body = Landing().model_dump_json()
    # A backend without a configured model serves whatever it loaded; its own name then stands for it.
    models_body = ModelList(
        data=[Model(id=config.model or name, owned_by=name) for name, config in context.backends.configured.items()]
    ).model_dump_json()
    openapi_body: list[str] = []

    @blueprint.get("/")
    @describes(Operation(summary="Where to go from here", answers={200: Landing}))
    def landing() -> Response:
        return Response(landing_body, content_type="application/json")

    @blueprint.get("/openapi.json")
    @describes(Operation(summary="This description", answers={200: ANY_JSON}))
    def openapi() -> Response:
        if not openapi_body:
            openapi_body.append(json.dumps(build_openapi(needs_key=context.keys is not None)))
        return Response(openapi_body[0], content_type="application/json")

    @blueprint.get("/v1/models")
    @describes(Operation(summary="Models of the configured backends", answers={200: ModelList}, errors="openai"))
    def models() -> Response:
        return Response(models_body, content_type="application/json")

    @blueprint.get("/metrics")
    @describes(Operation(summary="Prometheus metrics; with API keys it needs one, like the API", answers={200: _TEXT}))
    def metrics() -> Response:
        return Response(context.metrics.exposition(), content_type=CONTENT_TYPE_LATEST)

    return blueprint
