"""``/v1/backends``: what is configured, how requests are spread, and the state of every backend."""

from __future__ import annotations

from typing import Literal

import gevent
from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from services.jobs.errors import StoreUnavailable
from services.router.context import Context
from services.router.health import NotReady, backend_check
from services.router.operations import Operation, describes

_CHECK_TIMEOUT_S = 2.0

CircuitState = Literal["closed", "half-open", "open"]


class BackendState(BaseModel):
    """One LLM server."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    kind: str
    """What it speaks: openai, tgi or triton."""
    model: str | None
    """The model that is asked for; null: whatever the server serves."""
    vision: bool
    constrained: bool
    """Whether it can be held to the grammar of programs, TGI to a wider one; else the checks alone stand."""
    max_concurrency: int
    """Requests at once, per worker and over all router processes."""
    share: float
    """Share of the requests that name no backend."""
    shadow: float
    """Share of the requests of which it gets a copy."""
    ready: bool
    """Whether its health check answers now."""
    detail: str
    circuit: CircuitState
    """open: left alone after failures, as seen by the router process that answers."""
    worker_circuits: dict[str, CircuitState]
    """The same as seen by each worker."""


class BackendList(BaseModel):
    """Every configured backend, and who takes over from whom."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    default: str
    failover: list[str]
    """Backends that take over, in this order, from one that fails a request which named none."""
    backends: list[BackendState]


def create_blueprint(context: Context) -> Blueprint:
    """The view of the backends."""
    blueprint = Blueprint("backends", __name__)

    @blueprint.get("/v1/backends")
    @describes(Operation(summary="State of every backend, and how requests are spread", answers={200: BackendList}))
    def backends() -> Response:
        configured = context.backends.configured
        checks = {name: gevent.spawn(_ready, context, name) for name in configured}
        try:
            seen_by_workers = context.store.circuits()
        except StoreUnavailable:
            seen_by_workers = {}
        gevent.joinall(list(checks.values()), timeout=_CHECK_TIMEOUT_S)
        states = []
        for name, config in configured.items():
            ready, detail = checks[name].value or (False, f"no answer within {_CHECK_TIMEOUT_S:g} s")
            states.append(
                BackendState(
                    name=name,
                    kind=config.kind,
                    model=config.model or None,
                    vision=config.vision,
                    constrained=config.grammar != "none",
                    max_concurrency=config.max_concurrency,
                    share=context.routing.split.get(name, 0.0),
                    shadow=context.routing.shadow.get(name, 0.0),
                    ready=ready,
                    detail=detail,
                    circuit=context.circuits[name].state,
                    worker_circuits={worker: state[name] for worker, state in seen_by_workers.items() if name in state},
                )
            )
        gevent.killall(list(checks.values()), block=False)
        document = BackendList(
            default=context.backends.default, failover=list(context.routing.failover), backends=states
        )
        return Response(
            document.model_dump_json(), headers={"Cache-Control": "no-store"}, content_type="application/json"
        )

    return blueprint


def _ready(context: Context, name: str) -> tuple[bool, str]:
    try:
        return True, backend_check(context, name)()
    except NotReady as reason:
        return False, str(reason)


def watch_circuits(context: Context, every_s: float = 1.0) -> None:
    """Run for ever in a greenlet of its own: try backends that could not be reached as soon as they answer again."""
    while True:
        gevent.sleep(every_s)
        for name, circuit in context.circuits.items():
            if circuit.waits_for_health and _ready(context, name)[0]:
                circuit.healthy()
