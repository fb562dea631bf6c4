"""Event streams: as it happens, from where one left off, to the one terminal event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.contract.router.acting_worker import ActingWorker
from tests.contract.router.conftest import Submit


class ReadEvent(NamedTuple):
    id: str
    name: str
    data: dict[str, object]


def read_events(lines: Iterator[str]) -> Iterator[ReadEvent]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield ReadEvent(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


def test_events_come_as_they_happen(client: httpx.Client, submit: Submit, worker: ActingWorker) -> None:
    behavior_id = submit()
    with client.stream("GET", f"/v1/behaviors/{behavior_id}/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["X-Accel-Buffering"] == "no"
        events = read_events(stream.iter_lines())
        # Each is read before the next one is written.
        assert next(events).name == "queued"
        worker.start(behavior_id)
        assert next(events).name == "started"
        worker.emit(behavior_id, "step", '{"step":1,"goal":"greet"}')
        assert next(events).data == {"step": 1, "goal": "greet"}
        worker.finish(behavior_id)
        last = next(events)
        assert (last.name, last.data["id"], last.data["status"]) == ("done", behavior_id, "succeeded")
        assert list(events) == []


@pytest.mark.parametrize(("status", "name"), [("failed", "error"), ("refused", "done"), ("cancelled", "cancelled")])
def test_terminal_event(client: httpx.Client, submit: Submit, worker: ActingWorker, status: str, name: str) -> None:
    behavior_id = submit()
    worker.start(behavior_id)
    worker.finish(behavior_id, status)  # type: ignore[arg-type]
    with client.stream("GET", f"/v1/behaviors/{behavior_id}/events") as stream:
        assert [event.name for event in read_events(stream.iter_lines())] == ["queued", "started", name]


def test_resumes_after_the_last_event(client: httpx.Client, submit: Submit, worker: ActingWorker) -> None:
    behavior_id = submit()
    worker.start(behavior_id)
    worker.finish(behavior_id)
    path = f"/v1/behaviors/{behavior_id}/events"
    with client.stream("GET", path) as stream:
        everything = list(read_events(stream.iter_lines()))
    assert [event.id for event in everything] == sorted({event.id for event in everything})

    with client.stream("GET", path, headers={"Last-Event-ID": everything[0].id}) as stream:
        assert list(read_events(stream.iter_lines())) == everything[1:]
    assert client.get(path, headers={"Last-Event-ID": everything[-1].id}).status_code == 204


@pytest.mark.parametrize("event_id", ["x", "1", "1-", "-1-1", "1-1-1", "9" * 30 + "-0", "0-0; DROP"])
def test_malformed_event_id(client: httpx.Client, submit: Submit, event_id: str) -> None:
    response = client.get(f"/v1/behaviors/{submit()}/events", headers={"Last-Event-ID": event_id})
    assert response.status_code == 400
    assert response.json()["errors"][0]["header"] == "Last-Event-ID"


def test_head_of_a_stream_ends(client: httpx.Client, submit: Submit) -> None:
    response = client.head(f"/v1/behaviors/{submit()}/events")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")


def test_silence_is_filled_with_comments(client: httpx.Client, submit: Submit) -> None:
    with client.stream("GET", f"/v1/behaviors/{submit()}/events") as stream:
        assert next(line for line in stream.iter_lines() if line.startswith(":")) == ": keep-alive"
