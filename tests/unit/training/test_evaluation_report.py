"""The report: a page that stands alone, everything as JSON, and the tables."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.training.evaluation.answers import Answer
from services.training.evaluation.record import begin, subject
from services.training.evaluation.report import write_report
from tests.unit.training.synthetic import answer, case

SUITE = Path(__file__).parents[3] / "services" / "training" / "data" / "handwritten.jsonl"
CASES = [
    case(1, tags=["gesture"], instruction="wave <b>now</b> & then"),
    case(2, tags=["gesture"]),
    case(3, "refuses", language="zh"),
]
ANSWERS: dict[str, list[Answer]] = {
    "tuned": [answer(1), answer(2, passed=False), answer(3, status="refused", actions=[], total_ms=1500.0)],
    "untuned": [
        answer(1, passed=False, status="failed", error="program.joint"),
        answer(2, passed=False),
        Answer(id="i3", passed=False, findings=["The engine ended"], ended="crash", result=None),
    ],
}
_VOID = {"meta", "img", "br", "link", "rect", "line"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_model: None) -> Path:
    out = tmp_path_factory.mktemp("report")
    record = begin(out, subject(SUITE, None, 1, 30.0, None))
    text = write_report(out, record, {name: {"API_CARD": "small"} for name in ANSWERS}, CASES, ANSWERS)
    (out / "printed.md").write_text(text, encoding="utf-8")
    return out


class Outline(HTMLParser):
    """Elements that are open, and what was seen of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            assert dict(attrs)["alt"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_made(folder: Path) -> None:
    outline = Outline()
    outline.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert outline.open == []
    assert outline.addresses
    assert all(address.startswith("data:image/svg+xml;base64,") for address in outline.addresses)
    assert outline.seen.count("h1") == 1
    assert outline.seen.count("table") == outline.seen.count("caption")
    assert "script" not in outline.seen


def test_the_page_shows_what_was_done_and_escapes_what_was_asked(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "wave &lt;b&gt;now&lt;/b&gt; &amp; then" in page
    assert "<b>now</b>" not in page
    # One that passed and one that did not, each still and moving; a refusal cannot be drawn.
    assert page.count("<figure>") == 2
    assert page.count("data:image/svg+xml") == 4


def test_the_document_has_everything(folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    tuned = document["variants"]["tuned"]
    assert tuned["metrics"]["passed"]["hits"] == 2
    assert tuned["metrics"]["passed"]["value"] == pytest.approx(2 / 3)
    assert tuned["metrics"]["groups"]["tag"]["gesture"]["of"] == 2
    assert [Answer.model_validate_json(json.dumps(one)) for one in tuned["answers"]] == ANSWERS["tuned"]
    assert document["comparisons"] == [{"one": "tuned", "other": "untuned", "only_one": 2, "only_other": 0, "p": 0.5}]
    assert [item["id"] for item in document["items"]] == ["i1", "i2", "i3"]
    assert document["run"]["machine"]["cores"] > 0
    assert re.fullmatch(r"[0-9a-f]{64}", document["run"]["subject"]["suite_sha256"])


def test_the_tables_are_markdown(folder: Path) -> None:
    rows = {}
    for line in (folder / "printed.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            label, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows[label] = cells
    assert rows["passed"] == ["66.7 % (21 to 94), 2 of 3", "0.0 % (0 to 56), 0 of 3"]
    assert rows["refusal recall"] == ["100.0 % (21 to 100), 1 of 1", "0.0 % (0 to 79), 0 of 1"]
    assert rows["passed, Chinese"] == ["100.0 % (21 to 100), 1 of 1", "0.0 % (0 to 79), 0 of 1"]
    assert rows["tuned and untuned"] == ["2", "0", "0.500"]
    assert rows["program.joint"] == ["0", "1"]
    assert rows["crash"] == ["0", "1"]
    assert "call precision" not in rows  # nothing is known of right calls
