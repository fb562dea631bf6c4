"""``scripts/bench capacity``: measures one engine, asks the model, checks it, and reports whatever there is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from loadtest.capacity.check import Soak
from loadtest.capacity.model import Answer, Model, soaked
from loadtest.capacity.observed import observed
from loadtest.capacity.question import Question
from loadtest.capacity.report import FILES, write_report
from loadtest.capacity.result import Result
from loadtest.capacity.service import Level, level, service_of
from loadtest.capacity.tables import markdown
from loadtest.comparison.command import NOTHING, PARTIAL, USAGE, make_room, target_of, unusable
from loadtest.comparison.measured import Measured
from loadtest.comparison.plan import Plan
from loadtest.comparison.run import play
from loadtest.comparison.system import system
from loadtest.comparison.targets import Target, TargetGone
from loadtest.machine import yardstick_ms
from services.embedded.stack import StackError

LEVELS, SOAK = "levels", "soak"


def capacity(options: argparse.Namespace, question: Question) -> int:
    """Answer a question; returns the exit status that ``--help`` documents."""
    plan = question.measuring()
    if problem := unusable(options, plan):
        print(problem, file=sys.stderr)
        return USAGE
    try:
        _make_room(options.out)
        _say(f"about {question.lasts_s() / 60:.0f} min, and the start")
        yardstick_ms()  # the first is slower than the others
        with target_of(options, plan) as target:
            result = Result(question, system(plan, target))
            _answer(result, target, options.out)
    except (TargetGone, StackError) as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return NOTHING
    except OSError as error:
        print(f"Nothing was measured: {error.filename or 'the system'}: {error.strerror or error}.", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        print("Interrupted; nothing was measured.", file=sys.stderr)
        return 130
    return _report(result, options)


def _answer(result: Result, target: Target, folder: Path) -> None:
    """Measure, ask the model, check it: as far as it goes."""
    question = result.question
    measured = _play(result, question.measuring(), target, folder / LEVELS)
    result.levels = _levels(result, measured)
    if result.stopped is not None or not result.levels:
        return
    _say("asking the model")
    try:
        result.answer = Model(service_of(result.levels), question).answer()
    except KeyboardInterrupt:
        _stop(result, 130)
    except SystemExit as told:
        _stop(result, int(told.code or 0))
    if result.answer is not None and question.soak_s and not result.troubles:
        _check(result, result.answer, target, folder / SOAK)


def _check(result: Result, answer: Answer, target: Target, folder: Path) -> None:
    robots = soaked(answer.carries[1])
    _say(f"checking it with {' and '.join(map(str, robots))} robots")
    turns = _play(result, result.question.soak(robots), target, folder)
    result.soaks = [Soak(answer.row(1, int(one.turn.level)), observed(one)) for one in turns]
    if silent := [soak.predicted.robots for soak in result.soaks if not soak.figures]:
        result.troubles.append(f"In the soak no order was answered, with robots: {', '.join(map(str, silent))}.")


def _play(result: Result, plan: Plan, target: Target, folder: Path) -> list[Measured]:
    """Play a plan, and keep what came of it besides its turns, which are returned by rising level."""
    run = play(plan, target, folder, _say)
    result.turns += run.turns
    result.troubles += run.troubles
    result.stopped = run.stopped
    return sorted(run.turns, key=lambda one: one.turn.level)


def _levels(result: Result, turns: list[Measured]) -> list[Level]:
    found = []
    for turn in turns:
        try:
            found.append(level(turn))
        except ValueError as error:
            reason = next((one.error for one in turn.records if one.error), "none ended in time")
            result.troubles.append(f"One level is left out: {error}; the first trouble: {reason}")
    return found


def _stop(result: Result, status: int) -> None:
    result.troubles.append("The run was stopped while the model was being asked.")
    result.stopped = status


def _report(result: Result, options: argparse.Namespace) -> int:
    for trouble in result.troubles:
        print(trouble, file=sys.stderr)
    print(markdown(result), flush=True)  # whatever becomes of the files
    try:
        write_report(options.out, result, options.json)
    except OSError as error:
        print(f"The report is not whole: {error.filename or options.out}: {error.strerror or error}.", file=sys.stderr)
        return result.stopped or PARTIAL
    print(f"Report: {options.out / 'report.md'}", flush=True)
    if result.stopped is not None:
        return result.stopped
    return 0 if not result.troubles else PARTIAL if result.levels else NOTHING


def _make_room(folder: Path) -> None:
    """The folders, without what an earlier run left in them. Raises OSError."""
    for part in (LEVELS, SOAK):
        make_room(folder / part)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
