"""Who may call: checked before every request.

With API keys, everything but the open endpoints wants one. Without, the router serves this machine alone, and refuses
what a web page in a browser on this machine could be made to send: requests under a foreign host name (DNS
rebinding) or from a foreign origin (cross-site request forgery).
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, g, request

from services.router.keys import KeyRing
from services.router.problems import Problem
from services.router.settings import RouterSettings, is_loopback

#: Answered without a key: what orchestrators probe, and what tells a newcomer how to use the rest.
OPEN_ENDPOINTS = frozenset({"health.healthz", "health.readyz", "health.health", "about.landing", "about.openapi"})


def install_guard(app: Flask, settings: RouterSettings, keys: KeyRing | None) -> None:
    """Check every request of ``app``, and set ``g.principal`` to the name of the client ("" without keys)."""
    allowed = settings.allowed_hosts

    @lru_cache(maxsize=64)
    def is_allowed(host_field: str) -> bool:
        return _is_allowed(host_field, allowed)

    def check_key() -> None:
        if request.endpoint in OPEN_ENDPOINTS:
            g.principal = ""
            return
        scheme, _, key = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        name = keys.name_of(key.strip()) if keys is not None and scheme.lower() == "bearer" else None
        if name is None:
            raise Problem(
                401,
                "unauthorized",
                "A valid API key is needed; send it as Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": 'Bearer realm="router"'},
            )
        g.principal = name

    def check_origin() -> None:
        g.principal = ""
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        if not is_allowed(host) and request.endpoint not in OPEN_ENDPOINTS:
            raise Problem(
                403,
                "foreign-host",
                "A router without API keys answers to loopback's names only; call it by 127.0.0.1, add the name to "
                "ROUTER_ALLOWED_HOSTS, or set API_KEYS_FILE.",
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and _host_of(origin) != host.lower():
            raise Problem(
                403,
                "foreign-origin",
                "A router without API keys takes no requests from other sites' pages; call it from its own origin, or "
                "set API_KEYS_FILE.",
            )

    app.before_request(check_origin if keys is None else check_key)


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_allowed(host_field: str, allowed: frozenset[str]) -> bool:
    try:
        name = urlsplit(f"//{host_field}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name in allowed
