"""Records of a load test."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.records import Record, read_records

_ONE = Record("llamacpp", "durable", "greet", "nao-1", 1000.0, "completed", 1.1, 0.1, 0.4, (0.02, 0.03), 50, 11)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    other = Record("tgi", "passthrough", "向前走", "nao-2", 1000.5, "refused", 0.01, error="queue full")
    path = tmp_path / "records.jsonl"
    path.write_text(_ONE.line() + other.line(), encoding="utf-8")
    assert list(read_records(path)) == [_ONE, other]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(_ONE.line() + _ONE.line()[:40], encoding="utf-8")
    assert list(read_records(path)) == [_ONE]


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"backend": "tgi"}', "word"])
def test_what_is_no_record_is_told(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Record.from_line(line)


def test_time_per_output_token_leaves_the_first_out() -> None:
    assert _ONE.tpot_s == pytest.approx(0.1)
    assert Record("tgi", "durable", "a", "r", 0.0, "completed", 1.0, 0.1, output_tokens=1).tpot_s is None
    assert Record("tgi", "durable", "a", "r", 0.0, "failed", 1.0, output_tokens=5).tpot_s is None
