"""A real router process on the real store, between a client that checks its promises and scripted servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis

from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect
from tests.contract.router.acting_worker import ActingWorker
from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import ScriptedServer

Submit = Callable[..., str]


@pytest.fixture(scope="session")
def scripted_engine() -> Iterator[ScriptedServer]:
    """The engine behind the session's router."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="session")
def scripted_gateway() -> Iterator[ScriptedServer]:
    """The robot gateway behind the session's router."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="session")
def api_key_of_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File with the key that the engine wants."""
    path = tmp_path_factory.mktemp("keys") / "engine"
    path.write_text("engine-key\n")
    return path


@pytest.fixture(scope="session")
def router(
    redis_url: str, scripted_engine: ScriptedServer, scripted_gateway: ScriptedServer, api_key_of_engine: Path
) -> Iterator[RunningRouter]:
    """The session's router: no keys, a small queue, short time-outs."""
    with running_router(
        REDIS_URL=redis_url,
        LLAMACPP_URL=scripted_engine.url,
        LLAMACPP_API_KEY_FILE=str(api_key_of_engine),
        LLAMACPP_MAX_CONCURRENCY="2",
        LLAMACPP_FIRST_TOKEN_TIMEOUT_S="0.5",
        GATEWAY_URL=scripted_gateway.url,
        QUEUE_LIMIT="3",
        ROUTER_ADMISSION_TIMEOUT_S="0.3",
        ROUTER_BODY_TIMEOUT_S="0.5",
        ROUTER_MAX_BODY_BYTES="20000",
        ROUTER_KEEP_ALIVE_S="0.2",
        ROUTER_PROCESSES="1",  # each process has a share of a cap: with one, the cap is exact
    ) as router:
        yield router


@pytest.fixture(scope="session")
def stranded_router() -> Iterator[RunningRouter]:
    """A router that reaches neither store nor backend nor gateway."""
    nowhere = "http://127.0.0.1:1"
    with running_router(REDIS_URL="redis://127.0.0.1:1/0", LLAMACPP_URL=nowhere, GATEWAY_URL=nowhere) as router:
        yield router


@pytest.fixture
def client(router: RunningRouter, redis_client: redis.Redis) -> Iterator[httpx.Client]:
    """A client of the session's router, over an empty store."""
    with router.client() as client:
        yield client


@pytest.fixture
def engine(scripted_engine: ScriptedServer) -> Iterator[ScriptedServer]:
    """The engine, without a past."""
    scripted_engine.reset()
    yield scripted_engine
    scripted_engine.reset()


@pytest.fixture
def gateway(scripted_gateway: ScriptedServer) -> Iterator[ScriptedServer]:
    """The robot gateway, without a past."""
    scripted_gateway.reset()
    yield scripted_gateway
    scripted_gateway.reset()


@pytest.fixture
def job_settings(redis_url: str) -> JobSettings:
    """The queue's settings, as the session's router has them."""
    return JobSettings(redis_url=redis_url, queue_limit=3)


@pytest.fixture
def store(job_settings: JobSettings, redis_client: redis.Redis) -> Iterator[JobStore]:
    """The queue, asked without the router."""
    with connect(job_settings) as client:
        yield JobStore(client, job_settings)


@pytest.fixture
def submit(client: httpx.Client) -> Submit:
    """Submits a behaviour and returns its id."""

    def submit(**fields: object) -> str:
        response = client.post("/v1/behaviors", json={"instruction": "Wave", **fields})
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    return submit


@pytest.fixture
def worker(job_settings: JobSettings, redis_client: redis.Redis) -> ActingWorker:
    """What a worker would do, done by the test."""
    return ActingWorker(job_settings)
