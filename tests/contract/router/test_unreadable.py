"""What is no HTTP request is answered as readably as what is."""

from __future__ import annotations

import json
import socket

import pytest

from services.router.problems import ProblemDocument
from tests.contract.router.running_router import RunningRouter

HEAD = b"POST /v1/behaviors HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "named"),
    [
        (HEAD + b"Expect: miracles\r\n\r\n", 417, "miracles"),
        (HEAD + b"Content-Length: many\r\n\r\n", 400, "CONTENT-LENGTH"),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400, "CONTENT-LENGTH"),
        (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "CONTENT-LENGTH"),
        (HEAD + b"Transfer-Encoding: morse\r\n\r\n", 501, "morse"),
        (HEAD + b"A: " + 9000 * b"a" + b"\r\n\r\n", 431, "header"),
        (b"GET /" + 5000 * b"a" + b" HTTP/1.1\r\n\r\n", 414, "too large"),
        (b"\x16\x03\x01\x02\r\n\r\n", 400, "request line"),
    ],
)
def test_it_is_answered_with_a_problem_document(router: RunningRouter, sent: bytes, status: int, named: str) -> None:
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as client:
        client.sendall(sent)
        head, _, body = client.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert b"\r\nContent-Length: %d" % len(body) in head
    problem = ProblemDocument.model_validate(json.loads(body))
    assert (problem.status, problem.type) == (status, "about:blank")
    assert named in problem.detail
