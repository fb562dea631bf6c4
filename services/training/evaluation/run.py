"""One run: every variant in turn, then the report."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from services.training.evaluation.answers import Answer, answers_of
from services.training.evaluation.engine import Engine
from services.training.evaluation.record import begin, subject
from services.training.evaluation.report import write_report
from services.training.evaluation.suite import Case, read_cases, sample


def run(options: argparse.Namespace, told: Callable[[str], None]) -> str:
    """Evaluate what the options of the command ask for, write the report, and return it as Markdown.

    Raises:
        SuiteError, OtherRun, StackError, OSError: see where each comes from.
    """
    cases = sample(read_cases(options.suite), options.limit, options.seed)
    over = dict(options.settings)
    what = subject(options.suite, options.limit, options.seed, options.item_limit, options.adapter, over)
    record = begin(options.out, what)
    answers: dict[str, list[Answer]] = {}
    settings: dict[str, dict[str, str]] = {}
    for variant in options.variants:
        settings[variant.name] = variant.settings(options.adapter) | over
        answers[variant.name] = answers_of(
            cases,
            options.out / f"{variant.name}.jsonl",
            partial(Engine, settings[variant.name], options.item_limit),
            partial(_tell, told, variant.name, cases),
        )
    return write_report(options.out, record, settings, cases, answers)


def _tell(told: Callable[[str], None], variant: str, cases: Sequence[Case], number: int, answer: Answer) -> None:
    result = answer.result
    took = f", {result.timings.total_ms / 1000:.1f} s" if result is not None and result.timings.total_ms else ""
    end = "passed" if answer.passed else f"failed: {answer.findings[0]}"
    told(f"{variant} {number + 1}/{len(cases)} {answer.id}{took}, {end}")
