"""The router's application factory."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import gevent
import structlog
from flask import Flask, Response, g, request
from flask.sessions import SessionInterface

from services.backends.circuit import Circuit, CircuitSettings
from services.backends.config import Backends
from services.backends.routing import Routing
from services.behavior.catalogue import robots
from services.jobs.store import JobStore
from services.router import about, behaviors, health, passthrough, pictures, tgi_views
from services.router import backends as backend_views
from services.router import robots as robot_views
from services.router.body import Bodies, install_body_release
from services.router.connections import install_reserve
from services.router.context import Context, connect_backends, connect_gateway
from services.router.guard import install_guard
from services.router.keys import KeyRing
from services.router.metrics import METHODS, Metrics
from services.router.problems import register_error_handlers
from services.router.settings import RouterSettings

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class _App(Flask):
    """Flask without a look at each function of each request whether it is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


class _NoSession(SessionInterface):
    """The API keeps no sessions, so none is opened for each request."""

    def open_session(self, app: Flask, request: Any) -> None:
        return None


def create_app(
    settings: RouterSettings,
    store: JobStore,
    backends: Backends,
    routing: Routing,
    circuits: CircuitSettings,
    keys: KeyRing | None = None,
) -> Flask:
    """The WSGI application over a store and a set of backends; ``keys`` None lets everybody on this machine in.

    It waits on sockets through gevent: serve it with a gevent worker.
    """
    context = Context(
        settings=settings,
        store=store,
        backends=backends,
        keys=keys,
        metrics=Metrics(store),
        robots=frozenset(robots()),
        upstreams=connect_backends(backends),
        circuits={name: Circuit(circuits) for name in backends.configured},
        routing=routing,
        gateway=connect_gateway(settings.gateway_url),
        bodies=Bodies(settings.router_bodies_max_bytes),
    )
    # No static folder: the API serves no files.
    app = _App(__name__, static_folder=None)
    # Every resource has one address; others are not found rather than redirected.
    app.url_map.merge_slashes = False
    app.session_interface = _NoSession()
    _install_accounting(app, context)
    install_reserve(app)
    install_guard(app, settings, keys)
    install_body_release(app)
    register_error_handlers(app)
    for part in (behaviors, pictures, robot_views, passthrough, backend_views, tgi_views, health, about):
        app.register_blueprint(part.create_blueprint(context))
    gevent.spawn(backend_views.watch_circuits, context)
    return app


def _install_accounting(app: Flask, context: Context) -> None:
    """Give every request an id, count it, and log it when it failed or was slow."""
    metrics = context.metrics
    slow_s = context.settings.router_slow_request_s

    def begin() -> None:
        given = request.environ.get("HTTP_X_REQUEST_ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        g.began = time.perf_counter()

    def account(response: Response) -> Response:
        took_s = time.perf_counter() - g.began
        rule = request.url_rule
        route = rule.rule if rule is not None else "none"
        method = request.method
        method = method if method in METHODS else "other"
        status = response.status_code
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(route).observe(took_s)
        response.headers["X-Request-Id"] = g.request_id
        failed = status >= 500 and route != "/readyz"  # whose 503 is an answer like any other
        if failed or (took_s > slow_s and "wait" not in request.args):
            write = log.warning if failed else log.info
            write(
                "request failed" if failed else "slow request",
                method=method,
                route=route,
                status=status,
                took_s=round(took_s, 3),
                request_id=g.request_id,
            )
        return response

    app.before_request(begin)
    app.after_request(account)
