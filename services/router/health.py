"""``/healthz``: this process answers. ``/readyz``: so does everything that it needs. ``/health``: TGI's question."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from flask import Blueprint, Response
from gevent.lock import Semaphore
from pydantic import BaseModel

from services.jobs.errors import StoreUnavailable
from services.router.context import Context
from services.router.operations import Operation, describes
from services.router.upstream import Upstream, UpstreamError

_CHECK_TIMEOUT_S = 2.0
#: Probes and load balancers may ask often; what they set off is bounded by this.
_FRESH_S = 1.0


class Liveness(BaseModel):
    """The process serves requests."""

    status: str = "ok"


class Dependency(BaseModel):
    """State of one service that the router leans on."""

    ready: bool
    needed: bool
    detail: str


class Readiness(BaseModel):
    """Whether a behaviour sent now can be carried out, and what stands in the way."""

    ready: bool
    dependencies: dict[str, Dependency]


Check = Callable[[], str]
"""Returns what is well in a few words; raises NotReady."""


class NotReady(Exception):
    """A service cannot do its work now; the message says why."""


class Unhealthy(BaseModel):
    """TGI's answer while it cannot generate."""

    error: str = "unhealthy"
    error_type: str = "healthcheck"


def create_blueprint(context: Context) -> Blueprint:
    """The views that orchestrators probe."""
    blueprint = Blueprint("health", __name__)
    readiness = _Readiness(context)

    @blueprint.get("/healthz")
    @describes(Operation(summary="Whether this process serves", answers={200: Liveness}))
    def healthz() -> Response:
        return _json(Liveness(), 200)

    @blueprint.get("/readyz")
    @describes(
        Operation(
            summary="Whether the store, a worker, the backends and the robot gateway are ready",
            answers={200: Readiness, 503: Readiness},
        )
    )
    def readyz() -> Response:
        document = readiness.current()
        return _json(document, 200 if document.ready else 503)

    @blueprint.get("/health")
    @describes(
        Operation(summary="TGI's health check: is the default backend ready", answers={200: None, 503: Unhealthy})
    )
    def health() -> Response:
        if not readiness.current().dependencies[f"backend {context.backends.default}"].ready:
            return _json(Unhealthy(), 503)
        return Response(status=200)

    return blueprint


class _Readiness:
    """Asks all dependencies at once, and keeps the answer for a moment."""

    def __init__(self, context: Context) -> None:
        # Where one backend stands in for another, one of them is enough.
        serving = context.routing.serving
        self._one_of = [f"backend {name}" for name in serving]
        self._checks: dict[str, tuple[bool, Check]] = {
            "store": (True, lambda: _check_store(context)),
            "worker": (True, lambda: _check_worker(context)),
            "robot gateway": (True, _http_check(context.gateway, "/readyz")),
        }
        for name in context.backends.configured:
            self._checks[f"backend {name}"] = (serving == {name}, backend_check(context, name))
        self._turn = Semaphore()
        self._document: Readiness | None = None
        self._fresh_until = 0.0

    def current(self) -> Readiness:
        with self._turn:
            if self._document is None or time.monotonic() >= self._fresh_until:
                self._document = self._ask()
                self._fresh_until = time.monotonic() + _FRESH_S
            return self._document

    def _ask(self) -> Readiness:
        asked = {name: gevent.spawn(_outcome, check) for name, (_, check) in self._checks.items()}
        gevent.joinall(list(asked.values()), timeout=_CHECK_TIMEOUT_S)
        dependencies = {}
        for name, greenlet in asked.items():
            ready, detail = greenlet.value or (False, f"no answer within {_CHECK_TIMEOUT_S:g} s")
            dependencies[name] = Dependency(ready=ready, needed=self._checks[name][0], detail=detail)
        gevent.killall(list(asked.values()), block=False)
        ready = all(dependency.ready for dependency in dependencies.values() if dependency.needed)
        ready = ready and any(dependencies[name].ready for name in self._one_of)
        return Readiness(ready=ready, dependencies=dependencies)


def _outcome(check: Check) -> tuple[bool, str]:
    try:
        return True, check()
    except NotReady as reason:
        return False, str(reason)
    except StoreUnavailable as error:
        return False, str(error)


def _check_store(context: Context) -> str:
    context.store.ping()
    return "answers"


def _check_worker(context: Context) -> str:
    workers = context.store.workers()
    if workers == 0:
        raise NotReady("no worker has given a sign of life lately; start one, or see its log")
    return f"{workers} at work"


def backend_check(context: Context, name: str) -> Check:
    """Ask a backend's health path; the check raises NotReady."""
    return _http_check(context.upstreams[name], context.backends.configured[name].health_path)


def _http_check(upstream: Upstream, path: str) -> Check:
    def check() -> str:
        try:
            reply = upstream.request("GET", path, timeout_s=_CHECK_TIMEOUT_S)
        except UpstreamError as error:
            raise NotReady(str(error)) from None
        status = reply.get_code()
        reply.close()
        if status != 200:
            raise NotReady(f"answers {status}")
        return "answers"

    return check


def _json(document: BaseModel, status: int) -> Response:
    body = document.model_dump_json()
    return Response(body, status, {"Cache-Control": "no-store"}, content_type="application/json")
