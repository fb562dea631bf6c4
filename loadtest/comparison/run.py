"""Plays a plan turn by turn, and keeps what was measured as soon as it is there."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from loadtest.comparison.generator import Generator, GeneratorError
from loadtest.comparison.measured import Measured, measured
from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.resources import GENERATOR, Sampler
from loadtest.comparison.targets import BackendGone, Target, TargetGone, wait_until_ready
from loadtest.machine import yardstick_ms
from loadtest.records import read_records

#: Between two turns, for what the one before left behind: requests that were given up are cancelled down to the engine.
_SETTLE_S = 1.0
#: How long a backend may take, right after a turn, to be seen alive.
_ALIVE_S = 5.0
RECORDS = "records"
TURNS = "turns.jsonl"


@dataclass
class Run:
    """What came of a plan."""

    plan: Plan
    turns: list[Measured] = field(default_factory=list)
    #: Why it is not all of the plan, in sentences; none if it is.
    troubles: list[str] = field(default_factory=list)
    #: The exit status of a process that was told to stop; None if nobody did.
    stopped: int | None = None

    @property
    def complete(self) -> bool:
        """Whether all of the plan was measured."""
        return not self.troubles


def play(plan: Plan, target: Target, folder: Path, say: Callable[[str], None]) -> Run:
    """Measure all that can be measured of a plan; what stops it ends up in ``troubles``. Never raises for those.

    Args:
        plan: what to measure.
        target: where.
        folder: gets ``records/`` and ``turns.jsonl``, whole turns only.
        say: is told what goes on.
    """
    run = Run(plan)
    gone: set[str] = set()
    turns = list(target.turns(plan))
    try:
        (folder / RECORDS).mkdir(parents=True, exist_ok=True)
        for number, turn in enumerate(turns, 1):
            if turn.backend in gone:
                continue
            where = f"[{number}/{len(turns)}] repeat {turn.repeat + 1}, {plan.level_told(turn.level)}: {turn.backend}"
            say(where)
            try:
                if target.use(turn.backend):
                    _warm_up(plan, target, turn, folder)
                one = _measure(plan, target, turn, folder)
            except BackendGone as reason:
                gone.add(turn.backend)
                run.troubles.append(f"{turn.backend} was given up at {plan.level_told(turn.level)}: {reason}")
                say(run.troubles[-1])
                continue
            _keep(one, folder)
            run.turns.append(one)
            completed = one.outcomes["completed"]
            say(f"{where}: {len(one.sent)} requests, {completed} completed")
    except (TargetGone, GeneratorError) as reason:
        run.troubles.append(f"The run ended early: {reason}")
    except OSError as error:
        run.troubles.append(f"The run ended early: {error.filename or 'the system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        run.troubles.append("The run was interrupted.")
        run.stopped = 130
    except SystemExit as told:
        run.troubles.append("The run was told to stop by a signal.")
        run.stopped = int(told.code or 0)
    return run


def read_run(plan: Plan, folder: Path) -> Run:
    """The turns that an earlier ``play`` of the plan left in its folder, without what they cost the machine.

    Raises OSError or ValueError if there are none that can be read.
    """
    run = Run(plan)
    for line in (folder / TURNS).read_text(encoding="utf-8").splitlines():
        note = json.loads(line)
        turn = Turn(note["repeat"], note["level"], note["backend"])
        records = list(read_records(folder / RECORDS / f"{turn.name}.jsonl"))
        run.turns.append(Measured(turn, note["began_s"], note["seconds"], records, yardstick_ms=note["yardstick_ms"]))
    return run


def _warm_up(plan: Plan, target: Target, turn: Turn, folder: Path) -> None:
    """Drive a backend that was just started with the most that it will get; its records count for nothing."""
    most = replace(turn, level=plan.levels[-1])
    _generate(plan, target, most, plan.warm_up_s, plan.seed, folder / RECORDS / f"warm-up-{turn.name}.jsonl")


def _measure(plan: Plan, target: Target, turn: Turn, folder: Path) -> Measured:
    records = folder / RECORDS / f"{turn.name}.jsonl"
    time.sleep(_SETTLE_S)
    before = yardstick_ms()
    sampler = _generate(plan, target, turn, plan.warm_up_s + plan.seconds, plan.traffic_seed(turn), records)
    yardstick = max(before, yardstick_ms())
    target.check(turn.backend)
    wait_until_ready(target.asked(turn.backend), _ALIVE_S)
    try:
        found = measured(turn, list(read_records(records)), plan.warm_up_s, plan.seconds, yardstick_ms=yardstick)
    except (FileNotFoundError, ValueError) as error:
        log = records.with_suffix(".log")
        raise GeneratorError(f"there are no records that can be read ({error}); {log} may tell why") from error
    return replace(found, usage=sampler.usage(found.began_s, found.seconds))


def _generate(plan: Plan, target: Target, turn: Turn, seconds: float, seed: int, records: Path) -> Sampler:
    """Send a turn's requests and wait for their answers; what it cost meanwhile."""
    records.unlink(missing_ok=True)
    with (
        Generator(target, plan, turn, seconds, records, seed) as generator,
        Sampler({GENERATOR: generator.pid, **target.roots(turn.backend)}) as sampler,
    ):
        generator.wait(lambda: target.check(turn.backend))
    return sampler


def _keep(one: Measured, folder: Path) -> None:
    """Note a turn beside its records: whatever happens later, it is known which part of them counts."""
    note = {
        **asdict(one.turn),
        "began_s": one.began_s,
        "seconds": one.seconds,
        "yardstick_ms": one.yardstick_ms,
        "usage": asdict(one.usage),
    }
    with contextlib.closing((folder / TURNS).open("a", encoding="utf-8")) as file:
        file.write(json.dumps(note) + "\n")
