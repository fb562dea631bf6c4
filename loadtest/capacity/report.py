"""Writes the report: Markdown, all figures as JSON, and the charts."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtest.capacity.chain import Steady
from loadtest.capacity.charts import picture
from loadtest.capacity.check import TOLERANCE, holds
from loadtest.capacity.model import Answer
from loadtest.capacity.observed import Observed
from loadtest.capacity.question import Question
from loadtest.capacity.result import Result, cautions, verdicts
from loadtest.capacity.tables import markdown

FILES = ("report.md", "report.json", "capacity.svg")


def write_report(folder: Path, result: Result, also: Path | None = None) -> None:
    """Write ``report.md``, ``report.json`` and ``capacity.svg``, the figures to ``also`` too. Raises OSError."""
    figures = json.dumps(document(result), ensure_ascii=False, indent=1) + "\n"
    (folder / "report.json").write_text(figures, encoding="utf-8")
    if also is not None:
        also.write_text(figures, encoding="utf-8")
    (folder / "report.md").write_text(markdown(result), encoding="utf-8")
    if drawn := picture(result):
        (folder / "capacity.svg").write_text(drawn + "\n", encoding="utf-8")


def document(result: Result) -> dict[str, Any]:
    """The report for programs; times in seconds, rates a second, shares from 0 to 1."""
    return {
        "complete": not result.troubles,
        "troubles": list(result.troubles),
        "question": asdict(result.question),
        "system": dict(result.system),
        "verdicts": verdicts(result),
        "cautions": cautions(result),
        "levels": [
            {
                "at_once": one.at_once,
                "rate": one.rate,
                "e2e_mean_s": one.e2e_s,
                "ttfa_mean_s": float(one.first_s.mean()),
                "answered": one.answered,
                "not_answered": one.lost,
            }
            for one in result.levels
        ],
        "model": None if result.answer is None else _model(result.answer, result.question),
        "check": {
            "tolerance": TOLERANCE,
            "holds": holds(result.soaks),
            "soaks": [
                {
                    "robots": soak.predicted.robots,
                    "measured": _observed(soak.measured, result.question),
                    "figures": [{**asdict(one), "error": one.error, "within": one.within} for one in soak.figures],
                }
                for soak in result.soaks
            ],
        },
    }


def _model(answer: Answer, question: Question) -> dict[str, Any]:
    service = answer.service
    return {
        "slots": service.slots,
        "most_per_s": service.most,
        "grows": service.grows,
        "engines_share_a_queue": False,
        "carries": [{"engines": engines, "robots": robots} for engines, robots in answer.carries.items()],
        "robots": [
            {
                "engines": row.engines,
                "robots": row.robots,
                "means": _means(row.means),
                "simulated": _observed(row.simulated, question),
            }
            for row in answer.rows
        ],
        "arrivals": [
            {
                "per_s": one.per_s,
                "means": _means(one.means),
                "simulated": None if one.simulated is None else _observed(one.simulated, question),
            }
            for one in answer.arrivals
        ],
    }


def _means(means: Steady) -> dict[str, float]:
    return {**asdict(means), "wait_s": means.wait_s}


def _observed(observed: Observed, question: Question) -> dict[str, Any]:
    def told(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {
        "orders": len(observed.e2e_s),
        "not_answered": observed.lost,
        "throughput": observed.throughput,
        "within_objectives": observed.share_within(question.slos),
        **{
            f"{time}_s": {f"p{percent}": told(observed.percentile(time, percent)) for percent in (50, 95, 99)}
            for time in ("e2e", "ttfa")
        },
    }
