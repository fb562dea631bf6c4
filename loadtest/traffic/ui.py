"""What the web UI shows beside Locust's own: a tab that compares the backends, and a page with charts of them."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Blueprint, Response, abort, jsonify, request
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from markupsafe import escape

from loadtest.traffic import charts
from loadtest.traffic.history import History, table
from loadtest.traffic.run import CANNOT_BEGIN, Run
from services.router.settings import is_loopback

_TAB = "backends"
_RUNNING = (STATE_SPAWNING, STATE_RUNNING)
_COLUMNS = {
    "name": "Backend (times: p50 / p95 / p99 in ms)",
    "completed": "Completed",
    "refused": "Refused",
    "failed": "Failed",
    "timed_out": "Timed out",
    "invalid": "Invalid program",
    "goodput": "Goodput, requests/s",
    "tokens": "Output tokens/s",
    "ttft": "TTFT",
    "ttfa": "TTFA",
    "itl": "ITL",
    "tpot": "TPOT",
    "e2e": "E2E",
}
#: Locust's page has no place for a link of ours, so it floats above it.
_LINK = (
    '<a href="./backends" target="_blank" style="position:fixed;right:1rem;bottom:1rem;z-index:9;padding:.5rem 1rem;'
    'border-radius:4px;background:#15803d;color:#fff;font:500 .9rem sans-serif;text-decoration:none">'
    "Charts of the backends</a>"
)


def install(environment: Any) -> None:
    """Add ours to the web UI of an environment that has one."""
    web = environment.web_ui
    history = History(environment.stats)
    environment.events.test_start.add_listener(lambda **_: history.clear())
    gevent.spawn(history.watch, lambda: time.time() if environment.runner.state in _RUNNING else None)
    run = Run.of(environment)
    names = {name.strip().lower() for name in environment.parsed_options.allowed_hosts.split(",")}
    # Fields of the form in the order in which they were declared.
    web.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}
    web.template_args |= {
        "extended_tabs": [{"title": "Backends", "key": _TAB}],
        "extended_tables": [
            {"key": _TAB, "structure": [{"key": key, "title": title} for key, title in _COLUMNS.items()]}
        ],
    }

    @web.app.before_request
    def refuse_strangers() -> None:
        """A page in a browser must not be able to start a run, nor a name that was made to mean this machine."""
        host = urlsplit(f"//{request.host}").hostname or ""
        if not is_loopback(host) and host not in names:
            abort(403, "This web UI answers to loopback's names only: call it by 127.0.0.1, or use --allowed-hosts.")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            abort(403, "This web UI takes no requests from other sites' pages.")

    @web.app.before_request
    def check_form() -> Response | None:
        """Say in the form what is wrong with it, before Locust takes it over."""
        if request.endpoint != "locust.swarm":
            return None
        given = Namespace(**vars(environment.parsed_options))
        vars(given).update({name: ",".join(values) for name, values in request.form.lists()})
        given.num_users = request.form.get("user_count") or 1
        try:
            run.check(given, request.form.get("host") or environment.host)
        except CANNOT_BEGIN as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return None

    @web.app.after_request
    def add_ours(response: Response) -> Response:
        if request.endpoint == "locust.request_stats" and response.is_json:
            stats = environment.stats
            rows = table(stats, (stats.last_request_timestamp or 0.0) - stats.start_time)
            document = {**json.loads(response.get_data()), "extended_stats": [{"key": _TAB, "data": rows}]}
            response.set_data(json.dumps(document))
        elif request.endpoint == "locust.index" and response.status_code == 200:
            response.set_data(response.get_data(as_text=True).replace("</body>", f"{_LINK}</body>"))
        return response

    blueprint = Blueprint("loadtest", __name__, url_prefix=environment.parsed_options.web_base_path or None)

    @blueprint.get("/backends")
    @web.auth_required_if_enabled
    def page() -> str:
        return charts.page()

    @blueprint.get("/backends/<chart>")
    @web.auth_required_if_enabled
    def data(chart: str) -> Response:
        if chart not in charts.CHARTS:
            abort(404, f"There is no chart {escape(chart)}.")
        return jsonify(charts.data(history, chart))

    web.app.register_blueprint(blueprint)
