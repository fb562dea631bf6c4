"""Reports of capacity made from synthetic records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from queues import QUESTION
from synthetic import closed_loop

from loadtest.capacity.check import Soak
from loadtest.capacity.model import Model, soaked
from loadtest.capacity.observed import Observed
from loadtest.capacity.report import write_report
from loadtest.capacity.result import Result
from loadtest.capacity.service import level, service_of
from loadtest.comparison.plan import Turn
from loadtest.comparison.resources import GENERATOR, Part, Usage

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def whole() -> Result:
    """An engine that serves 2 orders a second with one there and 4 with two or more, and a soak as predicted."""
    e2e_s = {1.0: 0.5, 2.0: 0.5, 4.0: 1.0}
    turns = [
        closed_loop(Turn(0, at_once, "llamacpp"), whole_s, ttfa_s=whole_s - 0.3) for at_once, whole_s in e2e_s.items()
    ]
    levels = [level(turn) for turn in turns]
    answer = Model(service_of(levels), QUESTION).answer()
    rows = [answer.row(1, robots) for robots in soaked(answer.carries[1])]
    soaks = [Soak(row, row.simulated) for row in rows]
    return Result(QUESTION, {"processor": "a quick one"}, levels, answer, soaks, turns)


def written(result: Result, folder: Path) -> dict[str, str]:
    write_report(folder, result, folder / "also.json")
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_the_report_has_all_forms_and_the_same_figures(whole: Result, tmp_path: Path) -> None:
    files = written(whole, tmp_path)
    assert set(files) == {"report.md", "report.json", "capacity.svg", "also.json"}
    assert files["also.json"] == files["report.json"]
    document: dict[str, Any] = json.loads(files["report.json"])
    assert document["complete"] is True
    assert document["model"]["slots"] == 2
    assert document["model"]["engines_share_a_queue"] is False
    assert [one["rate"] for one in document["levels"]] == pytest.approx([2.0, 4.0, 4.0])
    assert document["check"]["holds"] is True
    carries = {one["engines"]: one["robots"] for one in document["model"]["carries"]}
    assert 10 < carries[1] < carries[2]
    assert f"1 engine carries {carries[1]} robots; 2 engines carry {carries[2]} robots." in files["report.md"]
    assert document["verdicts"][0] in files["report.md"]
    assert "The model holds: of what was measured with" in files["report.md"]
    assert "separate queues" in files["report.md"]
    assert "Partial report" not in files["report.md"]
    assert "a quick one" in files["report.md"]
    assert "nan" not in files["report.md"]


def test_the_picture_stands_by_itself(whole: Result, tmp_path: Path) -> None:
    drawn = ElementTree.fromstring(written(whole, tmp_path)["capacity.svg"])
    assert drawn.tag == f"{_SVG}svg"
    charts = drawn.findall(f"{_SVG}g/{_SVG}svg")
    assert len(charts) == 4
    lines = [len(chart.findall(f"{_SVG}polyline")) for chart in charts]
    assert lines == [1, 4, 4, 4]  # two numbers of engines, and the two soaks
    words = [text.text for text in drawn.iter(f"{_SVG}text")]
    assert {"1 engine", "2 engines", "measured with 1 engine"} <= set(words)


def test_a_model_that_does_not_hold_says_where(whole: Result, tmp_path: Path) -> None:
    row = whole.soaks[0].predicted
    slow = Observed(row.simulated.ttfa_s, 2 * row.simulated.e2e_s, 0, row.means.throughput)
    result = replace(whole, soaks=[Soak(row, slow)])
    files = written(result, tmp_path)
    assert json.loads(files["report.json"])["check"]["holds"] is False
    assert (
        f"The model does not hold within 20%: E2E p50 with {row.robots} robots was predicted as" in files["report.md"]
    )
    assert "TTFA p50 with" not in files["report.md"]


def test_a_model_that_was_not_checked_says_so(whole: Result, tmp_path: Path) -> None:
    result = replace(whole, soaks=[], question=replace(QUESTION, soak_s=0.0))
    files = written(result, tmp_path)
    assert json.loads(files["report.json"])["check"]["holds"] is None
    assert "was not checked against a soak run: --soak-minutes 0. Do not rely on it." in files["report.md"]


def test_a_partial_report_says_so(whole: Result, tmp_path: Path) -> None:
    result = replace(whole, answer=None, soaks=[], troubles=["The run was interrupted."])
    files = written(result, tmp_path)
    assert json.loads(files["report.json"])["model"] is None
    assert "Partial report" in files["report.md"]
    assert "The run was interrupted." in files["report.md"]
    assert "There is no model: not enough was measured." in files["report.md"]
    assert "One engine in a closed loop" in files["report.md"]
    assert "capacity.svg" not in files["report.md"]
    assert "capacity.svg" not in files


def test_a_report_of_nothing_can_be_made(tmp_path: Path) -> None:
    files = written(Result(QUESTION, {}, troubles=["The run was interrupted."]), tmp_path)
    assert json.loads(files["report.json"])["levels"] == []


def test_what_to_mind(whole: Result, tmp_path: Path) -> None:
    busy = Usage({GENERATOR: Part(0.97, 80.0)}, 2.0)
    turns = [replace(turn, usage=busy, yardstick_ms=ms) for turn, ms in zip(whole.turns, (10, 20, 20), strict=True)]
    assert whole.answer is not None
    few = Soak(whole.soaks[0].predicted, Observed(*2 * [whole.soaks[0].measured.e2e_s[:9]], 4, 1.0))
    answer = replace(whole.answer, service=replace(whole.answer.service, grows=True), carries={1: 0, 2: 0})
    text = written(replace(whole, turns=turns, soaks=[few], answer=answer), tmp_path)["report.md"]
    assert "serves more with more than 4 orders at once is not known" in text
    assert "Not even one robot is served within the objectives" in text
    assert "4 orders had no answer" in text
    assert "has 9 answers: of fewer than 100 p95 says little" in text
    assert "may have been the limit itself, with robots: 1, 2, 4." in text
    assert "took 10 ms at best and 20 in the middle" in text
    assert "At 1 at once only 20 orders were answered" in text
