"""Measures how long reading a program and stopping a robot take."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestClient, TestServer

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.program import ProgramError, ProgramReader, Statement
from services.robot.app import create_app
from services.robot.settings import GatewaySettings
from services.robot.simulator.server import SimulatedNao
from tests.safety.cases import programs
from tests.safety.dataset import GoodProgram, shipped_examples
from tests.safety.generate import SCENES, sampled
from tests.safety.report import Figure
from tests.safety.trial import read

WALK = "ALMotion.moveTo(2.0, 0.0, 0.0)"  # some twenty seconds
MOST_STATEMENT_MS = 1.0
MOST_STOP_MS = 150.0


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
