"""Pictures of what the simulated robot did."""

from __future__ import annotations

from xml.etree import ElementTree

import httpx
import pytest

from services.jobs.store import JobStore
from services.picture.recording import Item, Spoken
from services.robot.rehearsal import rehearse
from tests.contract.router.acting_worker import ActingWorker
from tests.contract.router.conftest import Submit

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>"


@pytest.fixture(scope="module")
def recording() -> str:
    """A robot that raised its arms and was told something nasty to say."""
    recorded = rehearse('ALMotion.angleInterpolation(["LShoulderPitch", "RShoulderPitch"], [-1.0, -1.0], 2.0, True)\n')
    recorded.spoken = [Spoken(begins=0, ends=2000, text=HOSTILE)]
    recorded.items = [Item(name=HOSTILE, x=500, y=0)]
    packed = recorded.packed()
    assert packed is not None
    return packed


@pytest.fixture
def path(submit: Submit, worker: ActingWorker, recording: str) -> str:
    """Where the picture of a behaviour is that has ended."""
    behavior_id = submit()
    worker.start(behavior_id)
    worker.finish(behavior_id, recording=recording)
    return f"/v1/behaviors/{behavior_id}/picture.svg"


def test_the_result_links_a_picture_that_moves(client: httpx.Client, path: str) -> None:
    assert client.get(path.removesuffix("/picture.svg")).json()["picture"] == path
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    picture = ElementTree.fromstring(answer.text)
    assert picture.tag == f"{SVG}svg"
    assert list(picture.iter(f"{SVG}animate"))


def test_it_can_do_nothing_in_a_browser(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    picture = ElementTree.fromstring(answer.text)
    assert list(picture.iter(f"{SVG}script")) == []
    assert HOSTILE in ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize(("query", "moves"), [("?still", False), ("?still=true", False), ("?still=false", True)])
def test_its_last_moment_stands_still(client: httpx.Client, path: str, query: str, moves: bool) -> None:
    assert ("<animate" in client.get(path + query).text) is moves


def test_a_senseless_parameter_is_refused(client: httpx.Client, path: str) -> None:
    answer = client.get(path + "?still=perhaps")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "still"


def test_head_tells_how_large_it_is(client: httpx.Client, path: str) -> None:
    head = client.head(path)
    assert head.status_code == 200
    assert int(head.headers["Content-Length"]) == len(client.get(path).content)


def test_a_behaviour_without_a_picture(client: httpx.Client, submit: Submit, worker: ActingWorker) -> None:
    behavior_id = submit()
    path = f"/v1/behaviors/{behavior_id}/picture.svg"
    for step in (lambda: None, lambda: worker.start(behavior_id), lambda: worker.finish(behavior_id)):
        step()
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith(":no-picture")
        assert client.get(f"/v1/behaviors/{behavior_id}").json()["picture"] is None


def test_a_recording_of_another_version_is_no_picture(
    client: httpx.Client, submit: Submit, worker: ActingWorker
) -> None:
    behavior_id = submit()
    worker.start(behavior_id)
    worker.finish(behavior_id, recording="not a recording")
    answer = client.get(f"/v1/behaviors/{behavior_id}/picture.svg")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "no-picture")


@pytest.mark.parametrize("behavior_id", ["0" * 32, "nonsense", "%00", "é"])
def test_an_unknown_behaviour(client: httpx.Client, behavior_id: str) -> None:
    answer = client.get(f"/v1/behaviors/{behavior_id}/picture.svg")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown-behavior")


def test_others_are_served_while_pictures_are_drawn(client: httpx.Client, path: str, store: JobStore) -> None:
    """All pictures at once and a question between: the router has one process here."""
    import threading

    answers: list[int] = []
    drawing = [threading.Thread(target=lambda: answers.append(client.get(path).status_code)) for _ in range(6)]
    for thread in drawing:
        thread.start()
    assert client.get("/healthz").status_code == 200
    served_meanwhile = len(answers) < 6
    for thread in drawing:
        thread.join(30)
    assert answers == [200] * 6
    assert served_meanwhile
