"""How many tokens ``/info`` says that the backend takes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.backends.config import load_backends
from services.router.tgi_views import _longest
from services.router.upstream import TimedOut, Upstream

UNKNOWN = (1_000_000, 1_000_000)


class Server:
    """In an upstream's place: answers each path with a body, or not at all."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies = bodies

    def request(self, method: str, path: str, *, fields: object, timeout_s: float) -> Any:
        if path not in self.bodies:
            raise TimedOut("the server kept silent for too long")
        parts = iter([self.bodies[path][:5], self.bodies[path][5:], b""])

        class Reply:
            def read(self, timeout_s: float) -> bytes:
                return next(parts)

            def close(self) -> None:
                pass

        return Reply()


@pytest.mark.parametrize(
    ("backend", "bodies", "longest"),
    [
        ("tgi", {"/info": b'{"model_id": "m", "max_input_tokens": 1023, "max_total_tokens": 2048}'}, (1023, 2048)),
        ("vllm", {"/v1/models": b'{"data": [{"id": "m", "max_model_len": 8192}]}'}, (8191, 8192)),
        ("llamacpp", {"/v1/models": b'{"models": [], "data": [{"id": "m", "meta": {"n_ctx": 4096}}]}'}, (4095, 4096)),
        ("transformers", {"/v1/models": b'{"data": [{"id": "m"}]}'}, UNKNOWN),
        ("transformers", {"/v1/models": b'{"data": []}'}, UNKNOWN),
        ("vllm", {"/v1/models": b"Internal Server Error"}, UNKNOWN),
        ("vllm", {}, UNKNOWN),
        ("tensorrtllm", {}, UNKNOWN),
    ],
)
def test_what_the_server_tells_is_told(backend: str, bodies: dict[str, bytes], longest: tuple[int, int]) -> None:
    config = load_backends({"BACKEND": backend}).configured[backend]
    told = _longest(config, cast(Upstream, Server(bodies)))
    assert (told.max_input_tokens, told.max_total_tokens) == longest


def test_of_several_models_it_is_the_one_that_is_asked_for() -> None:
    config = load_backends({"BACKEND": "vllm", "VLLM_MODEL": "b"}).configured["vllm"]
    models = b'{"data": [{"id": "a", "max_model_len": 512}, {"id": "b", "max_model_len": 1024}]}'
    assert _longest(config, cast(Upstream, Server({"/v1/models": models}))).max_total_tokens == 1024
