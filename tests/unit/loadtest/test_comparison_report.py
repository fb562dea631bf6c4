"""Reports of comparisons made from synthetic records."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from synthetic import closed_loop, plan, record

from loadtest.comparison.charts import Axes, Line, Point, chart, distribution, round_steps
from loadtest.comparison.figures import cell
from loadtest.comparison.measured import measured
from loadtest.comparison.plan import Slos, Turn
from loadtest.comparison.report import write_report
from loadtest.comparison.resources import GENERATOR, Part, Usage
from loadtest.comparison.run import Run
from loadtest.comparison.summary import summarise
from loadtest.comparison.verdicts import saturation

_E2E_S = {("llamacpp", 1.0): 0.25, ("llamacpp", 4.0): 0.25, ("tensorrtllm", 1.0): 0.5, ("tensorrtllm", 4.0): 2.0}


def _run(**changes: Any) -> Run:
    """llama.cpp gives twice and eight times as much as Triton, which gives no more at 4 than at 1."""
    made = plan(**changes)
    return Run(made, [closed_loop(turn, _E2E_S[turn.backend, turn.level]) for turn in made.turns()])


def _written(run: Run, folder: Path) -> dict[str, str]:
    write_report(folder, run, summarise(run, {"processor": "a <fast> one"}))
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}


def test_the_report_has_all_forms_and_the_same_figures(tmp_path: Path) -> None:
    files = _written(_run(), tmp_path)
    assert set(files) == {"report.html", "report.json", "report.md", "requests.csv"}
    document = json.loads(files["report.json"])
    assert document["complete"] is True
    levels = {(one["backend"], one["level"]): one for one in document["levels"]}
    assert levels["llamacpp", 4.0]["rates"]["requests"]["value"] == pytest.approx(16.0)
    assert levels["tensorrtllm", 4.0]["times_s"]["e2e"]["p95"]["value"] == 2.0
    assert levels["llamacpp", 4.0]["times_s"]["ttft"]["n"] == 320  # 16 a second for 10 s, twice
    assert document["saturation"]["tensorrtllm"]["level"] == 1.0
    assert document["saturation"]["llamacpp"]["level"] is None
    ratio = next(one for one in document["ratios"] if (one["level"], one["what"]) == (4.0, "requests/s"))
    assert (ratio["value"], ratio["differs"]) == (pytest.approx(8.0), True)
    sentence = "At 4 at once, llamacpp completes 8.00× (8.00 to 8.00) as many requests a second as tensorrtllm."
    assert sentence in document["verdicts"]
    for name in ("report.md", "report.html"):
        assert sentence in files[name]
        assert "tensorrtllm is saturated from 1 at once on: throughput grows no more." in files[name]
        assert "Partial report" not in files[name]
        assert "16.0 (16.0 to 16.0)" in files[name]
    rows = list(csv.DictReader(files["requests.csv"].splitlines()))
    counted = [row for row in rows if (row["backend"], row["level"], row["counted"]) == ("llamacpp", "4", "True")]
    assert len(counted) == 320
    assert counted[0]["met_objectives"] == "True"


class _Tags(HTMLParser):
    """Which tags are open at the end, and what is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)
        self.elsewhere += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(tmp_path: Path) -> None:
    html = _written(_run(), tmp_path)["report.html"]
    parser = _Tags()
    parser.feed(html)
    assert parser.open == []
    assert parser.elsewhere == []
    assert "a &lt;fast&gt; one" in html
    assert "http" not in re.sub(r"<!doctype.*?>", "", html)
    charts = re.findall(r"<svg viewBox.*?</svg>", html)
    assert len(charts) == 3 + 4 + 4 * 2  # throughput; latencies, TTFA has none; distributions at two levels
    for one in charts:
        ElementTree.fromstring(one)


def test_a_partial_report_says_so_in_every_form(tmp_path: Path) -> None:
    run = _run()
    run.turns = [one for one in run.turns if one.turn.repeat == 0 or one.turn.backend == "llamacpp"][:-1]
    run.troubles = ["tensorrtllm was given up at 4 at once: Triton ended."]
    files = _written(run, tmp_path)
    document = json.loads(files["report.json"])
    assert document["complete"] is False
    assert document["troubles"] == run.troubles
    for name in ("report.md", "report.html"):
        assert "Partial report" in files[name]
        assert run.troubles[0] in files[name]
        assert "tensorrtllm at 4 at once: 1 of 2 repeats were measured." in files[name]


def test_a_report_of_nothing_can_be_made(tmp_path: Path) -> None:
    files = _written(Run(plan(), troubles=["The run was interrupted."]), tmp_path)
    assert "Nothing was measured." in files["report.md"]
    assert "Nothing was measured." in files["report.html"]
    assert json.loads(files["report.json"])["levels"] == []


def test_a_load_generator_that_was_the_bottleneck_is_told_beside_the_figures(tmp_path: Path) -> None:
    run = _run()
    busy = Usage({GENERATOR: Part(0.97, 80.0), "engine": Part(1.5, 900.0)}, 3.0)
    run.turns = [
        measured(one.turn, one.records, 2.0, 10.0, busy) if one.turn == Turn(1, 4.0, "llamacpp") else one
        for one in run.turns
    ]
    files = _written(run, tmp_path)
    levels = {(one["backend"], one["level"]): one for one in json.loads(files["report.json"])["levels"]}
    limited = [key for key, one in levels.items() if one["generator_may_have_been_the_bottleneck"]]
    assert limited == [("llamacpp", 4.0)]
    assert "16.0 (16.0 to 16.0) *" in files["report.md"]
    assert "16.0 (16.0 to 16.0) *" in files["report.html"]
    assert 'class="mark colour-0 open"' in files["report.html"]
    assert 'class="mark colour-1 open"' not in files["report.html"]
    assert "may have been the bottleneck itself; the backend may do more: llamacpp at 4 at once." in files["report.md"]
    rows = list(csv.DictReader(files["requests.csv"].splitlines()))
    assert {(row["backend"], row["level"], row["repeat"]) for row in rows if row["generator_limited"] == "True"} == {
        ("llamacpp", "4", "2")
    }


def test_requests_that_failed_are_told_with_the_first_reason(tmp_path: Path) -> None:
    made = plan(levels=(1.0,), repeats=1)
    turns = []
    for turn in made.turns():
        good = closed_loop(turn, 0.5)
        bad = record(1005.0, 0.1, outcome="refused", error="HTTP 429: the queue is full", backend=turn.backend)
        turns.append(measured(turn, [*good.records, bad], 2.0, 10.0))
    text = _written(Run(made, turns), tmp_path)["report.md"]
    assert "llamacpp at 1 at once: 1 of 21 requests were not completed (1 refused); the first trouble: HTTP 429" in text
    assert "this run can tell no difference between llamacpp and tensorrtllm in requests a second: 1.00×" in text


def test_requests_that_outlast_the_time_that_counts_are_told(tmp_path: Path) -> None:
    made = plan(levels=(1.0,), repeats=1)
    slow = {"outcome": "timed_out", "error": "no end within 60 s"}
    turns = [measured(turn, [record(1000.0, 60.0, backend=turn.backend, **slow)], 2.0, 10.0) for turn in made.turns()]
    text = _written(Run(made, turns), tmp_path)["report.md"]
    assert "llamacpp at 1 at once: no request was completed in the time that counts" in text
    assert "Of all, with those of the warm-up: 1 timed out." in text
    assert "llamacpp completed nothing in the time that counts." in text
    assert "saturated" not in text


def test_answers_of_other_lengths_are_told(tmp_path: Path) -> None:
    made = plan(levels=(1.0,), repeats=1)
    turns = [closed_loop(turn, 0.5, output_tokens=40 if turn.backend == "llamacpp" else 60) for turn in made.turns()]
    text = _written(Run(made, turns), tmp_path)["report.md"]
    assert "llamacpp writes 40 tokens an answer and tensorrtllm 60: their requests are not the same work." in text


@pytest.mark.parametrize(
    ("e2e_s", "ttft_s", "level", "why"),
    [
        ((1.0, 1.0, 1.0), (0.2, 0.2, 0.2), None, "not reached"),  # 1, 4 and 16 requests a second
        ((1.0, 1.0, 4.0), (0.2, 0.2, 0.2), 4.0, "throughput grows no more"),  # 1, 4 and 4
        ((1.0, 3.9, 15.5), (0.2, 0.2, 0.2), 1.0, "throughput grows no more"),  # within 5 %
        ((1.0, 1.0, 2.0), (0.2, 0.2, 0.9), 4.0, "goodput falls"),  # 1, 4 and 8, of which none in time
    ],
)
def test_saturation(e2e_s: tuple[float, ...], ttft_s: tuple[float, ...], level: float | None, why: str) -> None:
    cells = [
        cell([closed_loop(Turn(0, at, "llamacpp"), e2e, ttft_s=ttft)], Slos(ttft_s=0.5))
        for at, e2e, ttft in zip((1.0, 4.0, 16.0), e2e_s, ttft_s, strict=True)
    ]
    found = saturation(cells)
    assert (found.level, found.why) == (level, why)


def test_charts() -> None:
    axes = Axes("A & B", "at once", "ms", ticks=(1.0, 16.0))
    drawn = ElementTree.fromstring(chart(axes, [Line(0, [Point(1.0, 5.0), Point(16.0, 10.0, 9.0, 11.0)])]))
    line = drawn.find("polyline")
    assert line is not None
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert x1 < x2
    assert y1 > y2  # larger values stand higher
    assert chart(axes, [Line(0, [])]) == ""
    assert round_steps(11.0) == [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]
    assert [(point.x, point.y) for point in distribution([1.0, 2.0, 4.0, 8.0])] == [
        (1.0, 25.0), (2.0, 50.0), (4.0, 75.0), (8.0, 100.0),
    ]  # fmt: skip
    assert len(distribution([float(index) for index in range(10_000)])) == 200
