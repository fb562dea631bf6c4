"""Who is let in: keys, and without keys this machine only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import ScriptedServer

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "api-keys"
    path.write_text("# clients\nalice:key-of-alice\n\n  key-without-name  \n")
    return path


@pytest.fixture(scope="module")
def locked_router(redis_url: str, scripted_engine: ScriptedServer, key_file: Path) -> Iterator[RunningRouter]:
    """A router that wants keys, on all interfaces."""
    with running_router(
        REDIS_URL=redis_url, LLAMACPP_URL=scripted_engine.url, API_KEYS_FILE=str(key_file), ROUTER_HOST="0.0.0.0"
    ) as router:
        yield router


PROTECTED = [
    ("POST", "/v1/behaviors"),
    ("GET", "/v1/behaviors/0"),
    ("GET", "/v1/behaviors/0/events"),
    ("GET", "/v1/behaviors/0/picture.svg"),
    ("DELETE", "/v1/behaviors/0"),
    ("POST", "/v1/robots/nao/stop"),
    ("GET", "/v1/robots"),
    ("GET", "/v1/robots/nao"),
    ("GET", "/v1/robots/nao/documentation"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/generate"),
    ("POST", "/generate_stream"),
    ("POST", "/"),
    ("GET", "/info"),
    ("GET", "/v1/models"),
    ("GET", "/v1/backends"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer wrong", "Basic key-of-alice", "key-of-alice"])
def test_no_entry(locked_router: RunningRouter, method: str, path: str, value: str | None) -> None:
    with locked_router.client() as client:
        headers = {} if value is None else {"Authorization": value}
        response = client.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("value", ["Bearer key-of-alice", "bearer  key-without-name"])
def test_entry(locked_router: RunningRouter, value: str) -> None:
    with locked_router.client(headers={"Authorization": value, "Host": "robots.example"}) as client:
        assert client.post("/v1/behaviors", json={"instruction": "Wave"}).status_code == 202
        assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/"])
def test_open_to_all(locked_router: RunningRouter, path: str) -> None:
    with locked_router.client() as client:
        assert client.get(path).status_code in (200, 503)


def test_everything_but_the_open_endpoints_is_protected(locked_router: RunningRouter) -> None:
    document = httpx.get(f"{locked_router.url}/openapi.json").json()
    protected = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security") != []
    }
    tried = {(method, path.replace("/0", "/{behavior_id}").replace("nao", "{robot}")) for method, path in PROTECTED}
    assert protected == tried


def test_equal_idempotency_keys_of_two_clients_do_not_meet(locked_router: RunningRouter) -> None:
    ids = set()
    for key in ("key-of-alice", "key-without-name"):
        with locked_router.client(headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "1"}) as client:
            ids.add(client.post("/v1/behaviors", json={"instruction": "Wave"}).json()["id"])
    assert len(ids) == 2


def test_keys_are_read_again(redis_url: str, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("first-key\n")
    with running_router(REDIS_URL=redis_url, API_KEYS_FILE=str(path)) as router:

        def status(key: str) -> int:
            return httpx.get(f"{router.url}/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code

        def becomes(key: str, expected: int) -> bool:
            """Whether every server process comes to answer so; each looks at the file by itself, once a second."""
            deadline, in_a_row = time.monotonic() + 20, 0
            while in_a_row < 30 and time.monotonic() < deadline:
                in_a_row = in_a_row + 1 if status(key) == expected else 0
            return in_a_row == 30

        assert status("first-key") == 200
        path.write_text("second-key-is-longer\n")
        assert becomes("second-key-is-longer", 200)
        assert status("first-key") == 401
        path.unlink()
        time.sleep(1.1)  # past the next look at the file
        assert status("second-key-is-longer") == 200
        path.write_text("# nobody any more\n")
        assert becomes("second-key-is-longer", 401)
        assert "first-key" not in router.log()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "LOCALHOST:1"])
def test_loopback_names_pass(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io", "["]
)
def test_foreign_names_do_not(client: httpx.Client, host: str) -> None:
    response = client.get("/v1/models", headers={"Host": host})
    assert response.status_code == 403
    assert "ROUTER_ALLOWED_HOSTS" in response.json()["error"]["message"]


def test_allowed_names_pass(redis_url: str) -> None:
    with running_router(REDIS_URL=redis_url, ROUTER_ALLOWED_HOSTS="router, Robots.example") as router:
        statuses = [
            httpx.get(f"{router.url}/v1/models", headers={"Host": host}).status_code
            for host in ("router:8000", "robots.EXAMPLE", "other.example")
        ]
    assert statuses == [200, 200, 403]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://["])
def test_foreign_origins_do_not(client: httpx.Client, origin: str) -> None:
    response = client.post("/v1/robots/nao/stop", headers={"Origin": origin})
    assert response.status_code == 403
    assert response.json()["type"].endswith(":foreign-origin")


def test_own_origin_passes(router: RunningRouter, client: httpx.Client) -> None:
    assert client.get("/v1/models", headers={"Origin": router.url}).status_code == 200
