from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.embedded.client import RouterProblem, follow, submit


class Router(ThreadingHTTPServer):
    """Answers with the texts that a test lines up, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, str]] = []
        self.seen_event_ids: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Router

    def do_GET(self) -> None:
        self.server.seen_event_ids.append(self.headers["Last-Event-ID"])
        status, text = self.server.answers.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def router() -> Iterator[Router]:
    with Router() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_stream_that_breaks_goes_on_after_the_last_event(router: Router) -> None:
    router.answers = [
        (200, "retry: 1000\n\nid: 1-0\nevent: queued\ndata: {}\n\n: keep-alive\n\nid: 2-0\nevent: st"),
        (503, "{}"),
        (200, 'id: 3-0\nevent: done\ndata: {"status": "succeeded"}\n\n'),
    ]
    events = list(follow(router.url, "one"))
    assert [(event.id, event.name) for event in events] == [("1-0", "queued"), ("3-0", "done")]
    assert events[-1].data == {"status": "succeeded"}
    assert router.seen_event_ids == ["0-0", "1-0", "1-0"]


def test_an_unknown_behavior_is_the_routers_sentence(router: Router) -> None:
    router.answers = [(404, '{"detail": "There is no behavior with this id."}')]
    with pytest.raises(RouterProblem, match="no behavior with this id"):
        list(follow(router.url, "one"))


def test_a_refused_request_is_the_routers_sentence(router: Router) -> None:
    router.answers = [(422, '{"detail": "The request does not fit."}')]
    with pytest.raises(RouterProblem, match="does not fit"):
        submit(router.url, {"instruction": ""})
