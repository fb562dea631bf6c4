"""The report as a page: one file that needs nothing else, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from services.training.evaluation.answers import Answer
from services.training.evaluation.charts import bars
from services.training.evaluation.figures import Share
from services.training.evaluation.metrics import Metrics
from services.training.evaluation.pictures import pictures
from services.training.evaluation.record import lines
from services.training.evaluation.suite import Case
from services.training.evaluation.tables import Table
from services.training.evaluation.variants import VARIANTS

_NOTHING = Share(0, 0)


def page(
    record: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, str]],
    cases: Sequence[Case],
    answers: Mapping[str, Sequence[Answer]],
    metrics: Mapping[str, Metrics],
    tables: Sequence[Table],
) -> str:
    """The page as HTML; see ``report.write_report`` for the arguments. Pictures are of the first variant."""
    first = next(iter(answers))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        suite=record["subject"]["suite"],
        variants={name: VARIANTS[name].says for name in answers},
        settings=settings,
        overall=Markup(_overall(metrics)),  # noqa: S704 - made of escaped text
        by_tag=Markup(_by_tag(metrics)),  # noqa: S704
        tables=tables,
        first=first,
        pictures={
            "did not do what was asked": pictures(cases, answers[first], passed=False),
            "did what was asked": pictures(cases, answers[first], passed=True),
        },
        answers={name: list(zip(cases, given, strict=True)) for name, given in answers.items()},
        lines=lines(record),
    )


def _overall(metrics: Mapping[str, Metrics]) -> str:
    title = "Passed by variant, with 95 % intervals; the table of results has the figures"
    return bars(title, [(name, [(colour, one.passed)]) for colour, (name, one) in enumerate(metrics.items())])


def _by_tag(metrics: Mapping[str, Metrics]) -> str:
    title = "Passed by tag and variant, with 95 % intervals; the table by tag has the figures"
    tags = dict.fromkeys(tag for one in metrics.values() for tag in one.groups["tag"])
    rows = [
        (tag, [(colour, one.groups["tag"].get(tag, _NOTHING)) for colour, one in enumerate(metrics.values())])
        for tag in tags
    ]
    return bars(title, rows)
