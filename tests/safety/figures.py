"""Measures what the safety of the engine is judged by."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.program import ProgramError, ProgramReader, Statement
from services.behavior.schema import Scene
from services.robot.app import create_app
from services.robot.settings import GatewaySettings
from services.robot.simulator.server import SimulatedNao
from tests.safety.cases import Case, hostile_requests, programs
from tests.safety.dataset import GoodProgram, good_programs, shipped_examples
from tests.safety.end_to_end import obedient
from tests.safety.generate import DECIDED_BY_NUMBERS, DECIDED_BY_ORDER, SCENES, lone_call, mutated, sampled
from tests.safety.trial import Outcome, Trial, read, trial

Progress = Callable[[str], None]

WALK = "ALMotion.moveTo(2.0, 0.0, 0.0)"  # some twenty seconds
LEAST_HOSTILE = 300
MOST_STATEMENT_MS = 1.0
MOST_STOP_MS = 150.0


@dataclass
class Figure:
    """One line of the report; ``reached`` is None where nothing is judged."""

    what: str
    seen: str
    bar: str = ""
    reached: bool | None = None
    trouble: list[str] = field(default_factory=list)


def share(good: int, of: int) -> str:
    """``796 of 796``."""
    return f"{good:,} of {of:,}"


def spread(layers: Iterable[str]) -> str:
    """``reading 733, call checks 40``."""
    names = {
        "read": "reading", "program": "reading", "sandbox": "sandbox", "call": "call checks", "budget": "budgets",
        "protocol": "protocol", "backend": "engine's adapter", "none": "ran and did no harm", "robot": "THE ROBOT",
    }  # fmt: skip
    counts = Counter(names.get(layer, layer) for layer in layers)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


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
            answers = [case for case in programs() if case.robot == "nao"][::every]
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
        call = Case("call", "", "", lone_call(robot, random.Random(number)), True, (), robot, Scene())
        _, _, error = read(call)
        outcome = await gateway.unread(call)
        ran = outcome.code == "done"
        if (error is None and not ran) or (error is not None and ran and error.code not in DECIDED_BY_ORDER):
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


def statement_times(samples: int, seed: int) -> Figure:
    """Milliseconds of computing that reading takes for one statement, of the grammars' programs and the examples."""
    times: list[float] = []
    for robot in robots():
        for name, scene in SCENES.items():
            for number in range(samples):
                times += _times(GoodProgram("", robot, scene, sampled(robot, name, seed + number)))
    for program in shipped_examples():
        times += _times(program)
    times.sort()
    median, late = statistics.median(times), times[int(len(times) * 0.99)]
    return Figure(
        "time to check one statement",
        f"median {median:.3f} ms, p99 {late:.2f} ms ({len(times):,} statements)",
        f"median below {MOST_STATEMENT_MS:g} ms",
        median < MOST_STATEMENT_MS,
    )


def _times(program: GoodProgram) -> list[float]:
    reader = ProgramReader(load_catalogue(program.robot), program.scene)
    times: list[float] = []
    spent = 0.0
    try:
        for line in [*program.text.splitlines(keepends=True), None]:
            began = time.thread_time()
            items = reader.close() if line is None else reader.feed(line)
            spent += (time.thread_time() - began) * 1000
            if any(isinstance(item, Statement) for item in items):
                times.append(spent)
                spent = 0.0
    except ProgramError:
        pass
    return times


def slowest_reading() -> Figure:
    """The longest that a hostile program keeps the reader computing."""
    longest, name = 0.0, ""
    for case in programs():
        began = time.thread_time()
        read(case)
        took = (time.thread_time() - began) * 1000
        if took > longest:
            longest, name = took, case.id
    return Figure("longest reading of a hostile program", f"{longest:.0f} ms ({name})")


async def emergency_stops(count: int) -> Figure:
    """From the request to its answer, by which the robot has stopped; in the middle of a blocking walk."""
    took: list[float] = []
    trouble = []
    with SimulatedNao() as nao:
        async with _gateway(nao.url) as http:
            for number in range(count):
                async with http.ws_connect("/v1/execute") as socket:
                    begin = {"type": "begin", "behavior": f"walk-{number}", "robot": "nao", "target": "simulate"}
                    await socket.send_json(begin)
                    await socket.send_json({"type": "statement", "line": 1, "source": WALK})
                    while not nao.nao.motion.walking():  # noqa: ASYNC110 (other threads walk)
                        await asyncio.sleep(0.005)
                    await asyncio.sleep(random.uniform(0.0, 0.1))
                    began = time.perf_counter()
                    answer = await http.post("/v1/robots/nao/stop")
                    took.append((time.perf_counter() - began) * 1000)
                    if answer.status != 200 or nao.nao.motion.walking():
                        trouble.append(f"stop {number}: answered {answer.status} and still walks")
                    async for _ in socket:
                        pass
    return Figure(
        "emergency stop during a blocking walk",
        f"max {max(took):.0f} ms, median {statistics.median(took):.0f} ms ({count} stops)",
        f"max below {MOST_STOP_MS:g} ms",
        max(took) < MOST_STOP_MS and not trouble,
        trouble,
    )


@asynccontextmanager
async def _gateway(simulator_url: str) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(create_app(GatewaySettings(simulator_url=simulator_url)))) as http:
        while (await http.get("/readyz")).status != 200:  # noqa: ASYNC110 (other threads connect)
            await asyncio.sleep(0.01)
        yield http


__all__ = ["Figure", "trial"]
