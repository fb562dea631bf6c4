"""Whether the engine that is to be loaded is there, and knows the backends that are asked for."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from services.backends.names import own_name

#: Backends that the project ships, for the form; the router may know others.
SHIPPED = ("llamacpp", "tgi", "tensorrtllm", "vllm", "transformers", "deepspeed")
_TIMEOUT_S = 5.0


class BadTarget(Exception):
    """The engine cannot be loaded as asked; the message is one sentence that says how to mend it."""


def known_backends() -> list[str]:
    """Names for the form to offer: those of LOADTEST_BACKENDS, which compose sets, else all that are shipped."""
    named = os.environ.get("LOADTEST_BACKENDS", "")
    return [own_name(name) for part in named.split(",") if (name := part.strip().lower())] or list(SHIPPED)


def ask_backends(url: str, key: str = "") -> dict[str, Any]:
    """The router's ``/v1/backends``. Raises BadTarget when there is no router that answers."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadTarget(f"{url!r} is no address of an engine; write one such as http://127.0.0.1:8000.")
    request = urllib.request.Request(f"{url.rstrip('/')}/v1/backends")  # noqa: S310 - http and https only, see above
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
            document = json.load(reply)
        if not isinstance(document, dict) or "backends" not in document:
            raise ValueError
    except urllib.error.HTTPError as error:
        hint = "; name its keys with --api-keys-file" if error.code == 401 else ""
        raise BadTarget(
            f"{url} answers /v1/backends with {error.code} {error.reason}{hint or _not_ours(error.code)}."
        ) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise BadTarget(f"No engine answers at {url} ({reason}): start it, or set --host to where it is.") from None
    except ValueError:
        raise BadTarget(f"What answers at {url} is not the engine's router: set --host to where that is.") from None
    return document


def _not_ours(status: int) -> str:
    if status == 403:
        return "; call it by 127.0.0.1, or add its name to ROUTER_ALLOWED_HOSTS"
    return ": is it the engine's router?"


def check(document: dict[str, Any], backends: tuple[str, ...]) -> None:
    """Raises BadTarget unless the router has these backends and each is ready."""
    states = {state["name"]: state for state in document["backends"]}
    for name in backends:
        if name not in states:
            raise BadTarget(f"The router knows no backend {name}; it has: {', '.join(sorted(states))}.")
        if not states[name]["ready"]:
            raise BadTarget(f"The backend {name} is not ready: {states[name]['detail']}.")
