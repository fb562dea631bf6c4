"""``python -m tests``: every check of the project in turn, and a summary. Run it as scripts/test."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
_WRONG_USAGE = 4
_NO_TESTS_COLLECTED = 5
_MOST_NAMED = 10

_EXAMPLES = """\
examples:
  scripts/test                                              what every change must pass
  scripts/test --stack --fault --load --engines --safety    all there is
  scripts/test -k store -x                                  pytest's own arguments go to pytest
  scripts/test tests/unit/embedded                          only these tests, after lint and types

The summary at the end says what ran and what was skipped, and why.
exit status: 0 nothing failed; 1 something did; 2 wrong usage.
The first run installs the packages (about 370 MB) into .venvs/. PYTHON=/path/to/python chooses the Python
(3.11 or 3.12, with pip).
"""


class Check(NamedTuple):
    """One line of the summary."""

    name: str
    outcome: str  # passed | FAILED | skipped
    remark: str
    #: Tests that failed, as pytest takes them on its command line.
    failures: tuple[str, ...] = ()


class WrongUsage(Exception):
    """pytest does not take the arguments that it was given; the message says why."""


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and what is left for pytest."""
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        usage="scripts/test [--stack] [--fault] [--load] [--engines] [--safety] [--help] [PYTEST ARGUMENT …]",
        description="Format, lint and type checks, then unit, contract and safety tests on real servers on loopback.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--stack", action="store_true", help="also the tests of compose.yaml; they need Docker")
    parser.add_argument("--fault", action="store_true", help="also the fault tests: kill -9 under load; some minutes")
    parser.add_argument("--load", action="store_true", help="also those of load tests and comparisons; some minutes")
    parser.add_argument(
        "--engines",
        action="store_true",
        help="also the tests on Transformers, DeepSpeed and vLLM and of fine-tuning; 7.1 GB the first time",
    )
    parser.add_argument("--safety", action="store_true", help="also all of scripts/safety; some minutes")
    return parser.parse_known_args(arguments)


def check_usage(arguments: Sequence[str]) -> None:
    """Have pytest read the arguments, and nothing run.

    Raises:
        WrongUsage: it does not know what to do with them.
    """
    if not arguments:
        return
    command = [sys.executable, "-m", "pytest", *arguments, "--markers"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if answer.returncode == _WRONG_USAGE:
        said = re.findall(r"error: (.+)", answer.stderr, re.IGNORECASE)
        raise WrongUsage(said[-1] if said else answer.stderr.strip())


def run(name: str, *command: str) -> Check:
    """Run a command; it passes when it exits with 0."""
    status, took_s = _execute(name, *command)
    return Check(name, "passed" if status == 0 else "FAILED", f"{took_s:.0f} s")


def run_pytest(name: str, targets: Sequence[str], arguments: Sequence[str]) -> Check:
    """Run pytest on the targets, counting what it ran and skipped.

    Raises:
        WrongUsage: it does not know what to do with the arguments.
    """
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments, *targets]
        status, took_s = _execute(name, *command)
        if status == _WRONG_USAGE:
            raise WrongUsage("pytest says why, above")
        counts = _counts(report) if report.exists() else "no report"
        failures = failed_tests(report) if report.exists() else ()
        if report.exists() and (table := conformance_table(report)):
            print(f"\n{table}", flush=True)
    none_matched = status == _NO_TESTS_COLLECTED and bool(arguments)
    passed = status == 0 or none_matched
    return Check(name, "passed" if passed else "FAILED", f"{counts}, {took_s:.0f} s", failures)


def docker_trouble() -> str | None:
    """Why compose cannot be used here, if so."""
    docker = shutil.which("docker")
    if docker is None:
        return "no Docker engine: docker is not installed"
    for command, trouble in (("version", "no Docker engine answers"), ("compose version", "no Docker Compose")):
        try:
            answer = subprocess.run([docker, *command.split()], capture_output=True, timeout=30)
        except subprocess.TimeoutExpired:
            return trouble
        if answer.returncode != 0:
            return trouble
    return None


def checks(options: argparse.Namespace, pytest_arguments: list[str]) -> list[Check]:
    """Run everything that was asked for; the last failure does not keep the rest from running.

    Raises:
        WrongUsage: pytest does not know what to do with its arguments.
    """
    check_usage(pytest_arguments)
    python = sys.executable
    targets = [argument for argument in pytest_arguments if (ROOT / argument.split("::")[0]).exists()]
    rest = [argument for argument in pytest_arguments if argument not in targets]
    done = [
        run("format", python, "-m", "ruff", "format", "--check", "--extend-exclude", ".venvs", "."),
        run("lint", python, "-m", "ruff", "check", "--extend-exclude", ".venvs", "."),
        run("types", python, "-m", "mypy"),
    ]
    if targets:
        done.append(run_pytest(f"tests ({' '.join(targets)} only)", targets, rest))
    else:
        # Those of one file stay together, so that what is made for a file, such as a server, is made once.
        spread = ["--numprocesses=auto", "--dist=loadfile", *rest]
        done.append(run_pytest("unit tests", ["tests/unit"], spread))
        # Each file's servers take memory, so not as many at once as there are cores.
        done.append(run_pytest("contract tests", ["tests/contract", "tests/safety"], ["--maxprocesses=4", *spread]))
    trouble = docker_trouble() if options.stack else None
    if trouble:
        done.append(Check("compose tests", "FAILED", f"{trouble}, and --stack asks for one"))
    elif options.stack:
        done.append(run_pytest("compose tests", ["tests/stack"], rest))
    else:
        done.append(Check("compose tests", "skipped", "not asked for: --stack"))
    if options.fault:
        done.append(run_pytest("fault tests", ["tests/fault"], rest))
    else:
        done.append(Check("fault tests", "skipped", "not asked for: --fault"))
    if options.load:
        done.append(run_pytest("load tests", ["tests/load"], rest))
    else:
        done.append(Check("load tests", "skipped", "not asked for: --load"))
    if options.engines:
        done += engine_checks(rest)
    else:
        done.append(Check("engine tests", "skipped", "not asked for: --engines"))
    if options.safety:
        done.append(run("safety figures", python, "-m", "tests.safety"))
    else:
        done.append(Check("safety figures", "skipped", "not asked for: --safety"))
    return done


def engine_checks(rest: list[str]) -> list[Check]:
    """Make the engines' environments, then run the tests that need them."""
    print("\n── engines' environments ──", flush=True)
    made = subprocess.run([ROOT / "scripts" / "engines-environment"], stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        return [Check("engine tests", "FAILED", "their environments could not be made; see above")]
    for line in made.stdout.splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        os.environ[name] = value
    return [run_pytest("engine tests", ["tests/contract/engines"], [*rest, "-m", "engines or conformance"])]


def conformance_table(report: Path) -> str:
    """Backends × cases of the conformance suite as a JUnit report has them; empty if it was not run."""
    outcomes: dict[str, dict[str, str]] = {}
    reasons: dict[str, int] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if not case.attrib["classname"].endswith("test_conformance"):
            continue
        name, _, backend = case.attrib["name"].removesuffix("]").partition("[")
        skipped = case.find("skipped")
        if skipped is not None:
            reason = skipped.attrib.get("message", "")
            outcome = f"({reasons.setdefault(reason, len(reasons) + 1)})"
        else:
            failed = case.find("failure") is not None or case.find("error") is not None
            outcome = "FAILED" if failed else "ok"
        outcomes.setdefault(name.removeprefix("test_").replace("_", " "), {})[backend] = outcome
    if not outcomes:
        return ""
    backends = list(dict.fromkeys(backend for row in outcomes.values() for backend in row))
    lines = [f"{'Conformance of the adapters':60}" + "".join(f"{backend:>13}" for backend in backends)]
    lines += [f"{name:60}" + "".join(f"{row.get(b, ''):>13}" for b in backends) for name, row in outcomes.items()]
    return "\n".join([*lines, *(f"({number}) {reason}" for reason, number in reasons.items())])


def failed_tests(report: Path) -> tuple[str, ...]:
    """Node ids of the tests that a JUnit report tells of as failed or broken, each once."""
    cases = ElementTree.parse(report).iter("testcase")
    failed = (case for case in cases if case.find("failure") is not None or case.find("error") is not None)
    return tuple(dict.fromkeys(_node_id(case) for case in failed))


def summary(done: Sequence[Check]) -> str:
    """A line for each check, below it the tests that failed, and at the end whether anything did."""
    lines = ["Summary"]
    for check in done:
        lines.append(f"  {check.outcome:<8} {check.name:<24} {check.remark}")
        lines += [f"           {test}" for test in check.failures[:_MOST_NAMED]]
        if (more := len(check.failures) - _MOST_NAMED) > 0:
            lines.append(f"           and {more} more")
    failed = [check.name for check in done if check.outcome == "FAILED"]
    lines.append(f"Failed: {', '.join(failed)}." if failed else "Nothing failed.")
    return "\n".join(lines)


def main() -> int:
    """Run the checks, print the summary; 0 when nothing failed, 2 for wrong usage."""
    options, pytest_arguments = parse(sys.argv[1:])
    try:
        done = checks(options, pytest_arguments)
    except WrongUsage as error:
        print(f"scripts/test: wrong usage: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    print(f"\n{summary(done)}", flush=True)
    return 1 if any(check.outcome == "FAILED" for check in done) else 0


def _execute(name: str, *command: str) -> tuple[int, float]:
    print(f"\n── {name} ──", flush=True)
    began = time.monotonic()
    status = subprocess.run(command, cwd=ROOT).returncode
    return status, time.monotonic() - began


def _node_id(case: ElementTree.Element) -> str:
    """As pytest takes it; of a module that could not be imported, its path."""
    file, classname = case.attrib["file"], case.attrib["classname"]
    if not classname:
        return file
    classes = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).split(".")
    return "::".join([file, *filter(None, classes), case.attrib["name"]])


def _counts(report: Path) -> str:
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    total, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    bad = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    parts = [f"{total - skipped - bad} passed"]
    parts += [f"{bad} failed"] if bad else []
    reasons = sorted({mark.attrib.get("message", "") for mark in suite.iter("skipped")})
    parts += [f"{skipped} skipped ({'; '.join(reasons)})"] if skipped else []
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
