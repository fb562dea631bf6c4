"""The report of a run: a page for a browser, everything as JSON, and tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from services.training.evaluation.answers import Answer
from services.training.evaluation.figures import Share
from services.training.evaluation.metrics import measure
from services.training.evaluation.page import page
from services.training.evaluation.record import lines
from services.training.evaluation.suite import Case
from services.training.evaluation.tables import comparisons, tables
from services.training.evaluation.variants import VARIANTS


def write_report(
    folder: Path,
    record: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, str]],
    cases: Sequence[Case],
    answers: Mapping[str, Sequence[Answer]],
) -> str:
    """Write ``report.html`` and ``report.json`` to the folder, and return the tables as Markdown.

    Args:
        folder: where to.
        record: of the run, as ``run.json`` has it.
        settings: environment of the stack, by variant.
        cases: what was asked.
        answers: what came of it, by variant, in the same order.
    """
    metrics = {name: measure(cases, given) for name, given in answers.items()}
    compared = comparisons(answers)
    document = {
        "run": record,
        "variants": {
            name: {
                "says": VARIANTS[name].says,
                "settings": settings[name],
                "metrics": _plain(metrics[name]),
                "answers": [answer.model_dump() for answer in given],
            }
            for name, given in answers.items()
        },
        "comparisons": _plain(compared),
        "items": [
            {**case.item.model_dump(exclude_defaults=True), "length": case.length, "calls": case.calls}
            for case in cases
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    shown = tables(metrics, compared)
    (folder / "report.html").write_text(page(record, settings, cases, answers, metrics, shown), encoding="utf-8")
    told = [f"- {what}: {says}" for what, says in lines(record)]
    where = f"Report: {folder / 'report.html'}"
    return "\n\n".join([*(table.markdown() for table in shown), "\n".join(told), where])


def _plain(value: Any) -> Any:
    """Figures as JSON has them; a share with its value and interval."""
    if isinstance(value, Share):
        low, high = value.interval
        return {"hits": value.hits, "of": value.of, "value": value.value, "low": low, "high": high}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
