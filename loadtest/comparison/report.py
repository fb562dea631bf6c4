"""Writes the report of a run: a page for a browser, everything as JSON, every request as CSV, and Markdown."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from loadtest.comparison.measured import Measured
from loadtest.comparison.page import page
from loadtest.comparison.resources import GENERATOR_LIMIT
from loadtest.comparison.run import Run
from loadtest.comparison.summary import Summary, document
from loadtest.comparison.tables import markdown

_COLUMNS = (
    "backend", "level", "repeat", "counted", "generator_limited", "item", "robot", "sent_at_s", "outcome",
    "ttft_s", "ttfa_s", "tpot_s", "itl_mean_s", "e2e_s", "prompt_tokens", "output_tokens", "met_objectives", "error",
)  # fmt: skip


def write_report(folder: Path, run: Run, summary: Summary) -> None:
    """Write ``report.html``, ``report.json``, ``report.md`` and ``requests.csv``. Raises OSError, as of a full disk."""
    (folder / "report.md").write_text(markdown(summary), encoding="utf-8")
    (folder / "report.json").write_text(
        json.dumps(document(summary), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (folder / "report.html").write_text(page(summary), encoding="utf-8")
    _write_requests(folder / "requests.csv", run)


def _write_requests(path: Path, run: Run) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        for turn in run.turns:
            rows.writerows(_requests(run, turn))


def _requests(run: Run, turn: Measured) -> list[Sequence[object]]:
    counted = {id(one) for one in turn.sent}
    limited = turn.usage.generator_cores > GENERATOR_LIMIT
    return [
        (
            turn.turn.backend, f"{turn.turn.level:g}", turn.turn.repeat + 1, id(one) in counted, limited, one.item,
            one.robot, one.sent_at_s, one.outcome, one.ttft_s, one.ttfa_s, one.tpot_s,
            sum(one.itl_s) / len(one.itl_s) if one.itl_s else None, one.e2e_s, one.prompt_tokens, one.output_tokens,
            run.plan.slos.met(one), one.error,
        )
        for one in turn.records
    ]  # fmt: skip
