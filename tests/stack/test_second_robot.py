"""A robot of another kind beside the NAO, on a stack that runs, set up as DEPLOY.md tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.behavior.schema import BehaviorResult
from tests.stack.checks import assert_held_by_the_kernel, assert_no_rights
from tests.stack.conftest import ComposeStack

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def with_porter(stack: ComposeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """The stack with the Porter; without it again afterwards."""
    page = Path("DEPLOY.md").read_text(encoding="utf-8").split("**Robots of other kinds**", 1)[1]
    settings = page.split("<<'SETTINGS'\n", 1)[1].split("SETTINGS\n", 1)[0]
    own = tmp_path_factory.mktemp("env") / "own.env"
    own.write_text(Path("env/default.env").read_text(encoding="utf-8") + settings, encoding="utf-8")
    try:
        stack.up(env_file=str(own))
        yield stack
    finally:
        stack.up()
        stack.compose("rm", "--stop", "--force", "porter")
    assert stack.behave("Say hello")["status"] == "succeeded"


def test_it_is_healthy_and_closed_up_like_the_others(with_porter: ComposeStack) -> None:
    assert with_porter.inspect("porter")["State"]["Health"]["Status"] == "healthy"
    assert_no_rights(with_porter.inspect("porter"))
    assert_held_by_the_kernel(with_porter, "porter")


def test_each_robot_does_what_it_is_told(with_porter: ComposeStack) -> None:
    ours = BehaviorResult.model_validate(with_porter.behave("Say hello", robot="porter"))
    nao = BehaviorResult.model_validate(with_porter.behave("Say hello"))
    for result, services in ((ours, {"robot"}), (nao, {"ALTextToSpeech", "ALAnimatedSpeech", "ALAnimationPlayer"})):
        assert result.status == "succeeded", result
        assert result.actions, result
        assert {action.service for action in result.actions} <= services, result


def test_it_has_an_emergency_stop_of_its_own(with_porter: ComposeStack) -> None:
    answer = httpx.post(f"{with_porter.url}/v1/robots/porter/stop", timeout=10)
    assert answer.status_code == httpx.codes.OK, answer.text
    report = answer.json()
    assert (report["robot"], report["unreachable"]) == ("porter", []), report
