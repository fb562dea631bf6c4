"""``/info``: what TGI's clients ask beside its doors, told of the default backend. (``/health`` is in ``health``.)"""

from __future__ import annotations

from flask import Blueprint, Response
from pydantic import BaseModel

from services.router.context import Context
from services.router.doors import MOST_STOPS, MOST_TOKENS
from services.router.openapi import engine_version
from services.router.operations import Operation, describes


class Info(BaseModel):
    """TGI's description of itself. Limits are those of the doors; what the model can take, its server judges."""

    model_id: str
    max_concurrent_requests: int
    max_best_of: int = 1
    max_stop_sequences: int = MOST_STOPS
    max_input_tokens: int = MOST_TOKENS
    max_total_tokens: int = MOST_TOKENS
    validation_workers: int = 1
    max_client_batch_size: int = 1
    router: str = "robot-behavior-engine"
    version: str


def create_blueprint(context: Context) -> Blueprint:
    """The views beside TGI's doors."""
    blueprint = Blueprint("tgi", __name__)
    default = context.backends.configured[context.backends.default]
    info_body = Info(
        model_id=default.model or default.name,
        max_concurrent_requests=default.max_concurrency,
        version=engine_version(),
    ).model_dump_json()

    @blueprint.get("/info")
    @describes(Operation(summary="TGI's description of the server", answers={200: Info}))
    def info() -> Response:
        return Response(info_body, content_type="application/json")

    return blueprint
