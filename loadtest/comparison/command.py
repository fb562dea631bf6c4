"""``scripts/bench compare``: measures, and writes the report of whatever could be measured."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from loadtest.comparison.engines import ENGINES
from loadtest.comparison.plan import Plan
from loadtest.comparison.report import write_report
from loadtest.comparison.run import RECORDS, TURNS, Run, play
from loadtest.comparison.summary import summarise
from loadtest.comparison.system import system
from loadtest.comparison.tables import markdown
from loadtest.comparison.targets import OwnStack, RunningRouter, Target, TargetGone, backends_of
from loadtest.machine import yardstick_ms
from services.embedded.stack import StackError

NOTHING, USAGE, PARTIAL = 1, 2, 3
_NEEDED_MB = 200


def compare(options: argparse.Namespace, plan: Plan) -> int:
    """Run a comparison; returns the exit status that ``--help`` documents."""
    if problem := unusable(options, plan):
        print(problem, file=sys.stderr)
        return USAGE
    try:
        make_room(options.out)
        about_min = plan.lasts_s() / 60
        _say(f"about {about_min:.0f} min, and the start" if about_min >= 1 else "about a minute, and the start")
        yardstick_ms()  # the first is slower than the others
        with target_of(options, plan) as target:
            told = system(plan, target)
            run = play(plan, target, options.out, _say)
    except (TargetGone, StackError) as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return NOTHING
    except OSError as error:
        print(f"Nothing was measured: {error.filename or 'the system'}: {error.strerror or error}.", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        print("Interrupted; nothing was measured.", file=sys.stderr)
        return 130
    return _report(options.out, run, told)


def _report(folder: Path, run: Run, told: dict[str, str]) -> int:
    summary = summarise(run, told)
    for trouble in run.troubles:
        print(trouble, file=sys.stderr)
    print(markdown(summary), flush=True)  # whatever becomes of the files
    try:
        write_report(folder, run, summary)
    except OSError as error:
        print(f"The report is not whole: {error.filename or folder}: {error.strerror or error}.", file=sys.stderr)
        return run.stopped or PARTIAL
    print(f"Report: {folder / 'report.html'}", flush=True)
    if run.stopped is not None:
        return run.stopped
    return 0 if run.complete else PARTIAL if run.turns else NOTHING


@contextlib.contextmanager
def target_of(options: argparse.Namespace, plan: Plan) -> Iterator[Target]:
    """A context manager: the running router that ``--url`` names, or else the whole engine, started here.

    Raises TargetGone if something does not start.
    """
    if options.url:
        yield RunningRouter(options.url, options.api_keys_file)
    else:
        with OwnStack(plan.backends, _say) as stack:
            yield stack


def unusable(options: argparse.Namespace, plan: Plan) -> str:
    """Why the backends cannot be measured, in one sentence; empty if they can, or if nobody knows yet."""
    if options.url:
        with contextlib.suppress(TargetGone):  # told when it is needed
            known = backends_of(options.url, options.api_keys_file)
            if unknown := [name for name in plan.backends if name not in known]:
                return f"The router at {options.url} has no backend {unknown[0]}; it has: {', '.join(sorted(known))}."
        return ""
    for name in plan.backends:
        if name not in ENGINES:
            return (
                f"There is no backend {name} that can be started here; there are: {', '.join(ENGINES)}. Or give --url."
            )
        if reason := ENGINES[name].missing():
            return f"{name} cannot be started here: {reason}."
    return ""


def make_room(folder: Path) -> None:
    """The folder for the report, without what an earlier comparison left in it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < _NEEDED_MB:
        raise OSError(None, f"only {free_mb} MB are free, {_NEEDED_MB} are needed; free some, or choose another --out",
                      str(folder))  # fmt: skip
    if (folder / RECORDS).exists():
        shutil.rmtree(folder / RECORDS)
    for name in (TURNS, "report.html", "report.json", "report.md", "requests.csv"):
        (folder / name).unlink(missing_ok=True)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
