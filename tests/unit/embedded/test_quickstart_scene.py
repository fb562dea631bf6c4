"""What the robot perceives in the quick start: told to the user, and sent with the instruction."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.check import CallChecker
from services.behavior.prompt import build_messages, tuned_messages
from services.behavior.scene import SceneView
from services.behavior.schema import BehaviorRequest, Scene
from services.embedded import options, quickstart
from services.embedded.client import Event
from services.embedded.console import Console

RESULT = {
    "status": "succeeded", "actions": [], "picture": None, "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    "timings": dict.fromkeys(("queue_ms", "ttft_ms", "ttfs_ms", "ttfa_ms", "total_ms")), "model": "m",
}  # fmt: skip
LAMP = {"objects": [{"name": "lamp", "position": [1.0, 0.0, 1.0]}]}


class Up:
    """A stack that is up."""

    router_url = "http://router"

    def __enter__(self) -> Up:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self) -> None:
        pass


def sent_and_shown(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[dict[str, Any], str]:
    """The request that the quick start makes of its arguments, and its standard output."""
    requests = []

    def submit(_: str, request: dict[str, Any]) -> str:
        requests.append(request)
        return "1"

    def follow(*_: str) -> Iterator[Event]:
        yield Event("1-0", "done", RESULT)

    monkeypatch.setattr(quickstart, "submit", submit)
    monkeypatch.setattr(quickstart, "follow", follow)
    out = io.StringIO()
    quickstart.run(Up(), options.parse(arguments), Console(out, io.StringIO()))  # type: ignore[arg-type]
    (request,) = requests
    return request, out.getvalue()


def test_the_request_tells_what_is_there_and_so_does_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    request, shown = sent_and_shown(monkeypatch, "Please sit down, look at the red ball and turn your eyes green")
    assert shown.splitlines()[1:3] == [request["instruction"], "around it: red ball, chair, person"]
    read = BehaviorRequest.model_validate(request)
    for messages in (tuned_messages(read), build_messages(load_catalogue("nao"), read)):
        assert "Scene: red ball (1, 0.5, 0); chair (1, -1, 0); person (2, 1, 0)\n" in messages[-1]["content"]


def test_another_scene_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    request, shown = sent_and_shown(monkeypatch, "--scene", json.dumps(LAMP), "Look at the lamp")
    assert request["scene"] == LAMP
    assert "around it: lamp\n" in shown
    request, shown = sent_and_shown(monkeypatch, "--scene={}", "Wave")
    assert request["scene"] == {}
    assert "around it" not in shown


def test_the_porter_perceives_nothing_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent_and_shown(monkeypatch, "--robot=porter")[0]["scene"] == {}


def test_nothing_stands_in_the_way_of_a_walk() -> None:
    view = SceneView(Scene.model_validate(options.DEFAULT_SCENES["nao"]))
    for way in ([3.0, 0.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]):
        CallChecker(load_catalogue("nao"), view).check("ALMotion", "moveTo", way, 1, 0.0)


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ("red ball", "--scene: the scene: Invalid JSON"),
        ('{"object": []}', "--scene: object: Extra inputs are not permitted"),
        ('{"objects": [{"name": "ball", "position": [1, 2]}]}', "--scene: objects.0.position: List should have"),
    ],
)
def test_a_scene_that_is_none_is_wrong_usage(scene: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse(["--scene", scene])
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert told in last
    shown = last.partition("--scene '")[2].rstrip("'")
    assert options.parse(["--scene", shown]).scene == json.loads(shown)
