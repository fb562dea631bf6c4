"""Another LLM server by another env file, on a stack that runs: a real Triton, on the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from services.behavior.schema import BehaviorResult
from tests.stack.checks import assert_held_by_the_kernel, assert_no_rights
from tests.stack.conftest import ComposeStack

pytestmark = pytest.mark.timeout(1500)
TRITON = "engine-tensorrtllm-cpu"


@pytest.fixture(scope="module")
def switched(stack: ComposeStack) -> Iterator[ComposeStack]:
    """The stack with Triton in llama.cpp's place; llama.cpp's again afterwards."""
    try:
        stack.up("--build", env_file="env/tensorrtllm-cpu.env")
        yield stack
    finally:
        stack.up()
        stack.compose("stop", TRITON)
        status = stack.inspect(TRITON)["State"]["ExitCode"]
        stack.compose("rm", "--force", TRITON)
    assert status == 0, "Triton, which nobody uses any more, did not stop cleanly"
    assert stack.behave("Say hello")["backend"] == "llamacpp"


def test_the_stack_is_ready_with_the_other_server(switched: ComposeStack) -> None:
    assert switched.inspect(TRITON)["State"]["Health"]["Status"] == "healthy"
    answer = httpx.get(f"{switched.url}/readyz")
    assert answer.status_code == httpx.codes.OK, answer.text
    assert "backend tensorrtllm" in answer.json()["dependencies"]


def test_a_behaviour_is_carried_out_by_it(switched: ComposeStack) -> None:
    result = BehaviorResult.model_validate(switched.behave("Wave and say hello"))
    assert (result.status, result.backend, result.model) == ("succeeded", "tensorrtllm", "tensorrt_llm"), result
    assert result.actions, result


def test_a_backend_that_was_not_chosen_is_refused(switched: ComposeStack) -> None:
    body = {"instruction": "Say hello", "backend": "llamacpp"}
    answer = httpx.post(f"{switched.url}/v1/behaviors", json=body)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, answer.text


def test_it_is_closed_up_like_the_others(switched: ComposeStack) -> None:
    assert_no_rights(switched.inspect(TRITON))
    assert_held_by_the_kernel(switched, TRITON)
    (network,) = switched.inspect("redis")["NetworkSettings"]["Networks"].values()
    store = f"tcp://{network['IPAddress']}:6379"
    assert switched.exec(TRITON, "python3", "-m", "services.healthcheck", store).returncode != 0
