"""A real worker, store, robot gateway and simulated NAO around an engine whose answers the test writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.embedded.stack import Stack
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect
from tests.contract.robot.scripted_robot import ScriptedRobot, Walk, older_nao
from tests.contract.worker.scripted_engine import ScriptedEngine


@pytest.fixture(scope="session")
def scripted_engine() -> Iterator[ScriptedEngine]:
    """The engine that the session's worker asks."""
    engine = ScriptedEngine()
    engine.url = engine.start()  # type: ignore[attr-defined]
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def older_robot() -> Iterator[ScriptedRobot]:
    """The real robot of the session's gateway: one that lacks much of its catalogue."""
    with older_nao(Walk()) as robot:
        yield robot


@pytest.fixture(scope="session")
def stack(scripted_engine: ScriptedEngine, older_robot: ScriptedRobot) -> Iterator[Stack]:
    """Everything but the router and an engine, with short time-outs."""
    settings = {
        "LLAMACPP_URL": scripted_engine.url,  # type: ignore[attr-defined]
        "ROBOT_URL": older_robot.url,
        "BATCH_INTERVAL_MS": "20",
        "ENGINE_WAIT_S": "5",
        "BEHAVIOR_TIMEOUT_S": "30",
        "WORKER_GRACE_S": "0.5",
        "LEASE_S": "3",
        "WARM_UP_S": "0",
        "ANSWERS_SHARED": "false",  # tests count what the engine is asked
        "API_CARD": "medium",
        "LLAMACPP_TUNED": "",
        "MAX_ATTEMPTS": "4",
    }
    with Stack(("store", "simulator", "gateway", "worker"), env=settings, robot_speed=20.0) as stack:
        yield stack


@pytest.fixture
def engine(scripted_engine: ScriptedEngine) -> Iterator[ScriptedEngine]:
    """The engine; answers that a test held are let go when it ends."""
    yield scripted_engine
    scripted_engine.release()


@pytest.fixture
def store(stack: Stack) -> JobStore:
    """The queue that the worker serves."""
    settings = JobSettings(redis_url=stack.redis_url)
    return JobStore(connect(settings), settings)
