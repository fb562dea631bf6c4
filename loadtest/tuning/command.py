"""``scripts/tune``: the search for one engine, from its options to its report."""

from __future__ import annotations

import argparse
import contextlib
import platform
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from loadtest.comparison.generator import GeneratorError
from loadtest.comparison.plan import Plan, Slos
from loadtest.comparison.targets import Asked, Target, TargetGone
from loadtest.machine import yardstick_ms
from loadtest.processes import ROOT
from loadtest.tuning.composed import Composed
from loadtest.tuning.report import Findings, write_report
from loadtest.tuning.right import passed
from loadtest.tuning.space import SPACES, Choice, Space
from loadtest.tuning.stacks import Stacks, Variant, one_at_a_time
from loadtest.tuning.study import ALL, NOW, Right, Step, Stopped, Study, Up
from services.embedded.stack import StackError
from services.training.machine import machine

NOTHING = 1
_NAIVE = "naive"
#: The naive baseline takes so many times as long for an answer that turns as short as ours would hardly see one.
_SLOWER = 4.0


def tune(options: argparse.Namespace) -> int:
    """Run the search; returns the exit status that ``--help`` documents."""
    space = SPACES[options.engine]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _say(f"{options.out}: {error.strerror or error}")
        return NOTHING
    yardstick_ms()  # the first is slower than the others
    steps: list[Step] = []
    winner, partial_because, status = Choice(NOW), "", 0
    how = (_up(options, space), _right(options, space), _say)
    study = Study(options.out, partial(_plan, options), *how)
    try:
        for factor in options.factors:
            steps.append(study.factor(factor))
        winner, step = study.all(options.factors, steps)
        steps += [step] if step is not None else []
        if not space.env_file:
            patient = Study(options.out, partial(_plan, options, slower=_SLOWER), *how)
            steps += _beside_naive(patient, winner)
    except (Stopped, TargetGone, GeneratorError, StackError) as reason:
        partial_because, status = str(reason), getattr(reason, "status", NOTHING)
    except OSError as error:
        partial_because, status = f"{error.filename or 'the system'}: {error.strerror or error}", NOTHING
    except KeyboardInterrupt:
        partial_because, status = "it was interrupted", 130
    if partial_because:
        _say(f"The search is not whole: {partial_because}")
    if any(step.troubles for step in steps):
        status = status or NOTHING
    found = Findings(options.engine, steps, winner, _made_with(options, steps), partial_because)
    try:
        print(write_report(options.out, found), flush=True)
    except OSError as error:
        _say(f"The report is not whole: {error.filename or options.out}: {error.strerror or error}.")
        return status or NOTHING
    print(f"Report: {options.out / 'tune.md'}", flush=True)
    return status


def _beside_naive(study: Study, winner: Choice) -> list[Step]:
    """What there is and what won, beside a stack without any of it."""
    if reason := one_at_a_time().missing():
        _say(f"The naive baseline is left out: {reason}.")
        return []
    choices = {_NAIVE: Choice(_NAIVE), NOW: Choice(NOW)}
    choices |= {ALL: winner} if winner.settings else {}
    about = "Transformers, one request at a time, the model as published with the API in its prompt; and ours"
    return [study.beside("baseline", about, choices, _NAIVE)]


def _plan(options: argparse.Namespace, backends: Sequence[str], slower: float = 1.0) -> Plan:
    return Plan(
        backends=tuple(backends),
        door="durable",
        mix=options.mix,
        seed=options.seed,
        arrivals="closed",
        levels=options.concurrency,
        seconds=slower * options.seconds,
        warm_up_s=slower * options.warm_up,
        repeats=options.repeats,
        timeout_s=options.timeout_s,
        slos=Slos(),
    )


def _up(options: argparse.Namespace, space: Space) -> Up:
    @contextlib.contextmanager
    def up(choices: Mapping[str, Choice]) -> Iterator[Target]:
        if space.env_file:
            asked = Asked(options.url, options.engine, options.api_keys_file)
            with Composed(ROOT / space.env_file, choices, asked, _say) as composed:
                yield composed
        else:
            engines = {_NAIVE: one_at_a_time()}
            with Stacks({name: Variant(one, engines.get(name)) for name, one in choices.items()}, _say) as stacks:
                yield stacks

    return up


def _right(options: argparse.Namespace, space: Space) -> Right | None:
    """Only the quick start's stack can be asked: the judge has to see what the simulated robot does."""
    if space.env_file or options.items == "none":
        return None
    items = None if options.items == "all" else int(options.items)
    return lambda settings, folder: passed(settings, items, folder)


def _made_with(options: argparse.Namespace, steps: Sequence[Step]) -> dict[str, str]:
    here = machine()
    how = f"{options.repeats} × {options.seconds:g} s at each level after {options.warm_up:g} s of warm-up, in turns"
    yardsticks = [yardstick for step in steps for yardstick in step.yardsticks_ms] or [yardstick_ms()]
    quiet = f"a fixed piece of work took {min(yardsticks):.0f} ms at best, {statistics.median(yardsticks):.0f} in the "
    quiet += f"middle and {max(yardsticks):.0f} at worst"
    libraries = ", ".join(f"{name} {version}" for name, version in here["libraries"].items())
    return {
        "traffic": f"mix {options.mix}, seed {options.seed}, durable door, closed loop",
        "measured": f"{how}; {quiet}",
        "processor": f"{here['processor']}, {here['cores']} usable cores",
        "memory": f"{here['memory_gib']} GiB",
        "GPU": "; ".join(here["gpus"]) or "none",
        "system": f"{here['system']}, Python {platform.python_version()}",
        "libraries": libraries,
        "commit": ", ".join(dict.fromkeys(step.commit for step in steps)),
    }


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
