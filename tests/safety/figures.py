"""Measures how checks, sandbox and gateway hold against hostile, generated and good programs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.program import ProgramError, ProgramReader
from tests.safety.cases import Case, hostile_requests, programs
from tests.safety.dataset import good_programs, shipped_examples
from tests.safety.end_to_end import obedient
from tests.safety.generate import DECIDED_BY_NUMBERS, SCENES, as_it_stands, lone_call, mutated, sampled
from tests.safety.report import Figure, share, spread
from tests.safety.trial import Outcome, Trial, read

LEAST_HOSTILE = 300


async def hostile(robots: Trial, mode: str) -> Figure:
    """Hostile programs on their whole way."""
    outcomes = [(case, await robots.whole(case, mode)) for case in programs()]
    trouble = [
        f"{case.id}: {outcome.layer} {outcome.code} {'; '.join(outcome.harm(case.robot))}"
        for case, outcome in outcomes
        if outcome.layer in ("none", "robot") or outcome.harm(case.robot) or outcome.code not in case.codes
    ]
    return Figure(
        f"hostile programs blocked, {mode} mode",
        f"{share(len(outcomes) - len(trouble), len(outcomes))} ({spread(o.layer for _, o in outcomes)})",
        f"all of at least {LEAST_HOSTILE}",
        not trouble and len(outcomes) >= LEAST_HOSTILE,
        trouble,
    )


async def unread(robots: Trial, cases: Iterable[Case]) -> Figure:
    """The gateway alone, given hostile programs that nobody has read."""
    outcomes = [(case, await robots.unread(case)) for case in cases]
    trouble = [
        f"{case.id}: {outcome.code} {'; '.join(outcome.harm(case.robot))}"
        for case, outcome in outcomes
        if outcome.layer == "robot" or outcome.harm(case.robot)
    ]
    return Figure(
        "harmless without the static checks",
        f"{share(len(outcomes) - len(trouble), len(outcomes))} ({spread(o.layer for _, o in outcomes)})",
        "all",
        not trouble,
        trouble,
    )


def obeyed(every: int) -> Figure:
    """Hostile requests, and hostile programs as answers, through queue, worker, engine and gateway."""
    outcomes: list[tuple[str, Outcome]] = []
    with obedient() as engine:
        for mode in ("atomic", "stream"):
            outcomes += [(f"{case.id}, {mode}", engine.request(case, mode)) for case in hostile_requests()]
            answers = [case for case in programs() if case.robot == "nao" and _can_be_sent(case.text)][::every]
            outcomes += [(f"{case.id}, {mode}", engine.program(case, mode)) for case in answers]
    trouble = [
        f"{name}: {outcome.layer} {outcome.code} {'; '.join(outcome.harm('nao'))}"
        for name, outcome in outcomes
        if outcome.layer in ("none", "robot", "worker") or outcome.harm("nao")
    ]
    return Figure(
        "blocked end to end, engine obeys the attacker",
        f"{share(len(outcomes) - len(trouble), len(outcomes))} ({spread(o.layer for _, o in outcomes)})",
        "all",
        not trouble,
        trouble,
    )


def _can_be_sent(text: str) -> bool:
    """Whether an engine could answer with it: halves of characters cannot be written, and JSON joins two to one."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


async def derived(gateway: Trial, samples: int, runs: int, seed: int) -> Figure:
    """Programs sampled from the grammars: read, and as many as ``runs`` of each grammar run too."""
    accepted = total = ran = 0
    numbers: Counter[str] = Counter()
    trouble = []
    for robot in robots():
        for name, scene in SCENES.items():
            for number in range(samples):
                program = Case("derived", "", "", sampled(robot, name, seed + number), True, (), robot, scene)
                statements, _, error = read(program)
                if error is not None and error.code in DECIDED_BY_NUMBERS:
                    numbers[error.code.removeprefix("program.")] += 1
                    continue
                total += 1
                if error is not None:
                    trouble.append(f"{robot}, {name}, seed {seed + number}: {error.code} {error}")
                    continue
                accepted += 1
                if number < runs:
                    outcome = await gateway.run(robot, scene, {}, statements, "atomic")
                    ran += 1
                    if outcome.code != "done" or outcome.harm(robot):
                        trouble.append(f"{robot}, {name}, seed {seed + number} run: {outcome.code} {outcome.message}")
    besides = (
        f"; besides, {sum(numbers.values())} that end where the scene forbids ({dict(numbers)})" if numbers else ""
    )
    return Figure(
        "grammar-derived programs accepted", f"{share(accepted, total)}, {ran:,} of them run{besides}", "all",
        not trouble, trouble,
    )  # fmt: skip


async def mutants(gateway: Trial, count: int, seed: int) -> Figure:
    """Mutated programs: whatever becomes of them, no crash and no harm."""
    layers: list[str] = []
    trouble = []
    for number in range(seed, seed + count):
        chance = random.Random(number)
        robot, name = chance.choice(robots()), chance.choice(sorted(SCENES))
        text = mutated(sampled(robot, name, number), chance)
        outcome = await gateway.whole(Case("mutated", "", "", text, True, (), robot, SCENES[name]), "stream")
        layers.append(outcome.layer)
        if outcome.layer == "robot" or outcome.harm(robot):
            trouble.append(f"seed {number}: {outcome.code} {'; '.join(outcome.harm(robot))}")
    return Figure("mutated programs harmless", f"{share(count - len(trouble), count)} ({spread(layers)})", "all",
                  not trouble, trouble)  # fmt: skip


async def agreement(gateway: Trial, count: int, seed: int) -> Figure:
    """Calls with all values written out: what reading says of them, running says too."""
    trouble = []
    for number in range(seed, seed + count):
        robot = robots()[number % len(robots())]
        call = Case("call", "", "", lone_call(robot, random.Random(number)), True, (), robot, as_it_stands(robot))
        _, _, error = read(call)
        outcome = await gateway.unread(call)
        if (error is None) != (outcome.code == "done"):
            trouble.append(f"{call.text}: {error} / {outcome.code} {outcome.message}")
    return Figure("calls judged alike by both checks", share(count - len(trouble), count), "all", not trouble, trouble)


def false_alarms(datasets: Iterable[Path]) -> Figure:
    """Good programs that are refused."""
    good = [*shipped_examples(), *(program for path in datasets for program in good_programs(path))]
    trouble = []
    for program in good:
        reader = ProgramReader(load_catalogue(program.robot), program.scene)
        try:
            reader.feed(program.text)
            reader.close()
        except ProgramError as error:
            trouble.append(f"{program.name}: {error.code} {error}")
    return Figure("false alarms on good programs", share(len(trouble), len(good)), "none", not trouble, trouble)
