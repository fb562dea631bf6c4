"""What is answered to bytes that are no HTTP request: gunicorn says it in HTML, here it is a problem document too."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gunicorn import util

from services.router.problems import PROBLEM_JSON, ProblemDocument

_MOST_CHARACTERS = 200


def write_error(sock: Any, status_int: int, reason: str, mesg: str) -> None:
    """Answer on a connection on which no request could be read; for ``gunicorn.util``, whose signature this is.

    ``mesg`` says what was wrong, and may repeat what came. It is empty where the fault is ours.
    """
    said = mesg[:_MOST_CHARACTERS].rstrip(".")
    detail = (
        f"The request could not be read: {said}; mend that and send it again."
        if said
        else "The router failed over this request; its log says why."
    )
    title = HTTPStatus(status_int).phrase  # gunicorn calls some things a bad request that have names of their own
    document = ProblemDocument(type="about:blank", title=title, status=status_int, detail=detail)
    body = document.model_dump_json(exclude_none=True).encode()
    head = (
        f"HTTP/1.1 {status_int} {title}\r\nConnection: close\r\nContent-Type: {PROBLEM_JSON}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode() + body)
