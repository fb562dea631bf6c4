"""Header fields of the pass-through: which of the client's the backend gets, and which of the backend's the client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.router.upstream import Reply

Fields = list[tuple[str, str]]

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# Not for the backend: what concerns one connection, what the client wrote for us, and what is made anew.
_KEPT_BACK = frozenset(
    "HTTP_" + name.upper().replace("-", "_")
    for name in _HOP_BY_HOP
    | {"host", "content-length", "expect", "authorization", "proxy-authorization", "cookie", "origin", "referer"}
    | {"x-backend", "x-request-id"}
)
# Not for the client: what concerns one connection, and what our own server adds.
_DROPPED = frozenset(_HOP_BY_HOP | {"proxy-authenticate", "date", "server", "set-cookie", "x-request-id"})


def fields_for_backend(environ: dict[str, Any], request_id: str) -> Fields:
    """The client's header fields that the backend gets, trace context among them."""
    nominated = {f"HTTP_{name.upper().replace('-', '_')}" for name in _tokens(environ.get("HTTP_CONNECTION", ""))}
    fields = [("Content-Type", environ["CONTENT_TYPE"]), ("X-Request-Id", request_id)]
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in _KEPT_BACK and key not in nominated:
            fields.append((key[5:].replace("_", "-").title(), value))
    return fields


def fields_for_client(reply: Reply) -> Fields:
    """The backend's header fields that the client gets."""
    nominated = {token for name, value in reply.items() if name.lower() == "connection" for token in _tokens(value)}
    fields = [
        (name, value)
        for name, value in reply.items()
        if (lowered := name.lower()) not in _DROPPED and lowered not in nominated
    ]
    if str(reply.get("content-type")).startswith("text/event-stream"):
        fields.append(("X-Accel-Buffering", "no"))
    return fields


def _tokens(field: str) -> Iterable[str]:
    return (token.strip().lower() for token in field.split(",") if token.strip())
