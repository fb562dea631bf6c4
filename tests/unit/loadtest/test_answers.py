"""What an answer is taken for, how its stream is read, and where its record goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.traffic.answers import Answer, NoAnswer, from_failure, from_status
from loadtest.traffic.events import MAX_EVENT_BYTES, Event, EventReader
from loadtest.traffic.mix import instructions
from loadtest.traffic.recording import CannotRecord, Recorder
from loadtest.traffic.target import BadTarget, check
from tests.unit.loadtest.settings import settings

_STREAM = (
    'retry: 1000\n\nid: 1-0\nevent: statement\ndata: {"a": "é"}\n\n: keep-alive\n\ndata: x\r\ndata: y\r\n\r\n'.encode()
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(_STREAM)])
def test_events_are_read_however_the_stream_is_cut(size: int) -> None:
    reader = EventReader()
    events = [event for at in range(0, len(_STREAM), size) for event in reader.feed(_STREAM[at : at + size])]
    assert events == [Event('{"a": "é"}', "statement", "1-0"), Event("x\ny")]


def test_an_event_without_end_is_no_event() -> None:
    reader = EventReader()
    reader.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 10))
    with pytest.raises(ValueError, match="longer than"):
        reader.feed(b"x" * 20)


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "outcome", "words"),
    [
        (429, b'{"detail": "The queue is full"}', "2", "refused", "HTTP 429 (Retry-After: 2): The queue is full"),
        (503, b'{"error": {"message": "busy"}}', None, "refused", "HTTP 503: busy"),
        (504, b"", None, "timed_out", "HTTP 504"),
        (422, b"[1]", None, "failed", "HTTP 422"),
        (500, b"<html>", None, "failed", "HTTP 500"),
        (500, b'{"error": "x"}', None, "failed", "HTTP 500: x"),
    ],
)
def test_http_errors(status: int, body: bytes, retry_after: str | None, outcome: str, words: str) -> None:
    trouble = from_status(status, body, retry_after)
    assert (trouble.outcome, str(trouble)) == (outcome, words)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("program.range", "invalid"),
        ("plan.target", "invalid"),
        ("backend.overloaded", "refused"),
        ("backend.timeout", "timed_out"),
        ("worker.timeout", "timed_out"),
        ("queue.expired", "timed_out"),
        ("backend.failed", "failed"),
        ("robot.stopped", "failed"),
    ],
)
def test_errors_of_results(code: str, outcome: str) -> None:
    assert from_failure({"code": code, "message": "so"}).outcome == outcome


def test_an_answer_becomes_a_record() -> None:
    ask = settings().ask(instructions()["en-wave"], "tgi", "robot-0003", 5)
    answer = Answer(ask)
    for _ in range(3):
        answer.token()
    answer.statement()
    first = answer.ttfa_s
    answer.statement()
    answer.end()
    record = answer.record()
    assert (record.item, record.robot, record.backend, record.outcome) == ("en-wave", "robot-0003", "tgi", "completed")
    assert record.output_tokens == 3  # counted, where the engine does not tell
    assert len(record.itl_s) == 2
    assert record.ttft_s is not None
    assert first is not None
    assert 0 <= record.ttft_s <= record.ttfa_s == round(first, 6) <= record.e2e_s
    failed = Answer(ask).record(NoAnswer("failed", "one\nline " + "x" * 500))
    assert (failed.outcome, failed.ttft_s, failed.output_tokens) == ("failed", None, None)
    assert failed.error.startswith("one line x")
    assert len(failed.error) == 200


def test_records_are_on_the_disk_at_once_and_a_new_run_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    recorder = Recorder(str(path), pytest.fail)
    recorder.check()
    recorder.begin()
    recorder.write(["a\n", "b\n"])
    assert path.read_text() == "a\nb\n"
    recorder.check()
    assert path.read_text() == "a\nb\n"
    recorder.begin()
    recorder.write(["c\n"])
    recorder.close()
    assert path.read_text() == "c\n"


def test_a_disk_that_fills_is_told_once() -> None:
    told: list[str] = []
    recorder = Recorder("/dev/full", told.append)
    recorder.begin()
    for _ in range(3):
        recorder.write(["a\n"])
    assert told == ["Records can no longer be written to /dev/full: No space left on device. The run ends here."]


def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotRecord, match=r"Records cannot be written to .*: Is a directory; name another file"):
        Recorder(str(tmp_path), pytest.fail).check()


def test_backends_have_to_be_there_and_ready() -> None:
    document = {"backends": [{"name": "tgi", "ready": True}, {"name": "vllm", "ready": False, "detail": "answers 503"}]}
    check(document, ("tgi",))
    with pytest.raises(BadTarget, match="The router knows no backend nobody; it has: tgi, vllm"):
        check(document, ("tgi", "nobody"))
    with pytest.raises(BadTarget, match="The backend vllm is not ready: answers 503"):
        check(document, ("vllm",))
