"""What a run is of: the hand-written items, a dataset's test split, a sample, and its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.training.evaluation.record import OtherRun, begin, lines, subject
from services.training.evaluation.suite import read_cases, sample
from services.training.judging.expectation import SuiteError
from tests.unit.training.synthetic import case

HANDWRITTEN = Path(__file__).parents[3] / "services" / "training" / "data" / "handwritten.jsonl"
PAIR: dict[str, Any] = {
    "id": "g1",
    "split": "test",
    "language": "en",
    "instruction": "wave twice",
    "scene": {},
    "plan": [],
    "program": "",
    "trace": [{"service": "ALAnimationPlayer", "method": "run", "args": ["x"]}] * 2,
    "outcome": "acts",
    "must": [{"gesture": "wave"}],
    "in_order": [],
    "must_not": [],
    "tags": ["gesture"],
}


def written(folder: Path, *pairs: dict[str, Any]) -> Path:
    path = folder / "dataset.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


def test_every_hand_written_item_says_how_long_it_is() -> None:
    cases = read_cases(HANDWRITTEN)
    assert len(cases) == 260
    assert {one.length for one in cases} == {"short", "medium", "long"}
    assert all(one.calls is None for one in cases)


def test_of_a_dataset_the_test_split_is_evaluated_with_its_predicates_and_calls(tmp_path: Path) -> None:
    (only,) = read_cases(written(tmp_path, {**PAIR, "id": "g0", "split": "train"}, PAIR))
    assert only.item.id == "g1"
    assert [predicate.gesture for predicate in only.item.must] == ["wave"]
    assert only.calls == ["ALAnimationPlayer.run"] * 2
    assert only.length == "medium"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"must": None}, "dataset.jsonl, line 1 is no pair of a dataset: Input should be a valid list"),
        ({"outcome": "dances"}, "line 1 is no pair of a dataset: Input should be 'acts'"),
        ({"split": "train"}, "no item to evaluate in its split test"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_told(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=message):
        read_cases(written(tmp_path, {**PAIR, **change}))


def test_a_dataset_without_predicates_is_not_evaluated(tmp_path: Path) -> None:
    without = {key: value for key, value in PAIR.items() if key != "must"}
    with pytest.raises(SuiteError, match=r"does not say what must be seen \(must\): make it anew"):
        read_cases(written(tmp_path, without))


def test_a_sample_is_the_same_for_a_seed_and_in_order() -> None:
    cases = [case(number) for number in range(50)]
    drawn = sample(cases, 10, 1)
    assert drawn == sample(cases, 10, 1)
    assert drawn != sample(cases, 10, 2)
    assert drawn == sorted(drawn, key=cases.index)
    assert sample(cases, None, 1) == sample(cases, 50, 1) == cases


@pytest.mark.usefixtures("small_model")
def test_answers_of_different_runs_do_not_go_into_one_folder(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "weights").write_bytes(b"1")
    out = tmp_path / "out"
    record = begin(out, subject(HANDWRITTEN, 3, 1, 30.0, adapter))
    again = begin(out, subject(HANDWRITTEN, 3, 1, 30.0, adapter))
    assert (again["subject"], again["commits"]) == (record["subject"], record["commits"])
    (adapter / "weights").write_bytes(b"2")
    with pytest.raises(OtherRun, match="holds a run with another limit, adapter_sha256: give another --out"):
        begin(out, subject(HANDWRITTEN, 4, 1, 30.0, adapter))


@pytest.mark.usefixtures("small_model")
@pytest.mark.parametrize(("load", "told"), [(0.4, "0.4 before the start"), (7.1, "7.1 before the start; times and")])
def test_a_busy_machine_is_told(load: float, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    record = begin(tmp_path, subject(HANDWRITTEN, None, 1, 30.0, None))
    assert dict(lines(record))["Load"].startswith(told)
    assert ("time-outs" in dict(lines(record))["Load"]) == (load > 0.5)
