"""An answer for every item in bounded time, whatever the engine does: against a router that is played."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from services.behavior.schema import BehaviorResult
from services.embedded.stack import StackError
from services.training.evaluation import engine
from services.training.evaluation.engine import Engine
from tests.unit.training.synthetic import WAVE_CALL, case

ITEM = case(1, must=[{"gesture": "wave"}]).item
RESULT = BehaviorResult(id="b1", status="running", instruction="do 1", robot="nao", backend="llamacpp")
DONE = RESULT.model_copy(update={"status": "succeeded", "actions": [WAVE_CALL]})
CANCELLED = RESULT.model_copy(update={"status": "cancelled", "code": "half"})


class Router:
    """What it says to each method, one after the other, the last one for ever; None hangs up."""

    def __init__(self) -> None:
        self.says: dict[str, list[BehaviorResult | None]] = {"POST": [DONE], "DELETE": [CANCELLED], "GET": [CANCELLED]}
        self.asked: list[str] = []
        self.body: dict[str, Any] = {}

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(f"{request.command} {request.path}")
        if length := int(request.headers["Content-Length"] or 0):
            self.body = json.loads(request.rfile.read(length))
        says = self.says[request.command]
        document = says.pop(0) if len(says) > 1 else says[0]
        if document is None:
            request.close_connection = True
            return
        request.send_response(200)
        request.end_headers()
        request.wfile.write(document.model_dump_json().encode())


class PlayedStack:
    """A stack that is up at once; ``broken`` is what its check says."""

    starts = 0
    broken = ""
    router_url = ""
    simulator_url = "tcp://robot"

    def __init__(self, services: object, *, env: object, robot_speed: float) -> None:
        PlayedStack.starts += 1

    def __enter__(self) -> PlayedStack:
        return self

    def __exit__(self, *_: object) -> None:
        PlayedStack.broken = ""

    def check(self) -> None:
        if PlayedStack.broken:
            raise StackError(PlayedStack.broken)


class PlayedRobot:
    """A robot that notes how it is put."""

    put_as: ClassVar[list[str]] = []

    def __init__(self, url: str) -> None:
        assert url == PlayedStack.simulator_url

    def put(self, posture: str) -> None:
        self.put_as.append(posture)

    def close(self) -> None:
        pass


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    played = Router()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            played.answer(self)

        do_GET = do_DELETE = do_POST

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(PlayedStack, "router_url", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(PlayedStack, "starts", 0)
        monkeypatch.setattr(engine, "Stack", PlayedStack)
        monkeypatch.setattr(engine, "Robot", PlayedRobot)
        monkeypatch.setattr(PlayedRobot, "put_as", [])
        yield played
        server.shutdown()


def test_an_answer_is_judged(router: Router) -> None:
    with Engine({}, 2.5) as ask:
        assert ask(ITEM).passed
    assert PlayedRobot.put_as == ["Stand"], "whatever the item before has left"
    assert router.asked == ["POST /v1/behaviors?wait=2.5"]
    assert router.body == {"instruction": "do 1", "scene": {}}


def test_what_takes_too_long_is_cancelled_before_the_next_item(router: Router) -> None:
    router.says = {"POST": [RESULT, DONE], "DELETE": [RESULT], "GET": [RESULT, CANCELLED]}
    with Engine({}, 2.5) as ask:
        late, following = ask(ITEM), ask(ITEM)
    assert (late.ended, late.passed, late.result) == ("time-out", False, CANCELLED)
    assert late.findings == ["no end within 2.5 s; it was cancelled"]
    assert following.passed
    assert [asked.split("?")[0] for asked in router.asked] == [
        "POST /v1/behaviors",
        "DELETE /v1/behaviors/b1",
        "GET /v1/behaviors/b1",
        "GET /v1/behaviors/b1",
        "POST /v1/behaviors",
    ]
    assert PlayedStack.starts == 1


def test_what_cannot_be_cancelled_goes_with_its_stack(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CANCEL_S", 0.1)
    router.says = {"POST": [RESULT, DONE], "DELETE": [RESULT], "GET": [RESULT]}
    with Engine({}, 2.5) as ask:
        late, following = ask(ITEM), ask(ITEM)
    assert (late.ended, late.passed) == ("time-out", False)
    assert following.passed
    assert PlayedStack.starts == 2


def test_a_service_that_ended_without_the_router_minding_is_a_crash_too(router: Router) -> None:
    router.says = {"POST": [RESULT, DONE], "DELETE": [CANCELLED], "GET": [CANCELLED]}
    with Engine({}, 2.5) as ask:
        PlayedStack.broken = "The engine was killed by signal 9. The end of engine.log:\n"
        crash, following = ask(ITEM), ask(ITEM)
    assert (crash.ended, crash.findings) == ("crash", ["The engine was killed by signal 9."])
    assert following.passed
    assert PlayedStack.starts == 2


def test_a_crash_is_told_and_the_next_item_gets_a_new_stack(router: Router) -> None:
    router.says["POST"] = [None, DONE]
    with Engine({}, 2.5) as ask:
        PlayedStack.broken = "The router was killed by signal 9. The end of router.log:\nTraceback"
        crash, following = ask(ITEM), ask(ITEM)
    assert (crash.ended, crash.passed, crash.result) == ("crash", False, None)
    assert crash.findings == ["The router was killed by signal 9."]
    assert following.passed
    assert PlayedStack.starts == 2
