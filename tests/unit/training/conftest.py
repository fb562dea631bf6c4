"""Behaviours for the judge: programs that the project's own checks let through and its sandbox has run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.behavior.schema import BehaviorResult, Scene, Status
from services.robot.rehearsal import Rehearsal
from services.training.evaluation import record
from services.training.judging.expectation import Item
from services.training.judging.judge import Verdict, judge

Judged = Callable[..., Verdict]


def result_of(program: str, scene: Scene, status: Status = "succeeded") -> BehaviorResult:
    """What the engine answers when a program has run on the simulated robot."""
    rehearsal = Rehearsal(scene)
    asyncio.run(rehearsal.run(program))
    return BehaviorResult(
        id="1", status=status, instruction="do it", robot="nao", backend="none", actions=rehearsal.actions
    )


def item_of(scene: dict[str, Any] | None = None, outcome: str = "acts", **predicates: list[dict[str, Any]]) -> Item:
    """An item that asks for predicates."""
    entry = {"id": "1", "language": "en", "instruction": "do it", "scene": scene or {}, "outcome": outcome}
    return Item.model_validate({**entry, **predicates})


@pytest.fixture
def judged() -> Judged:
    """Runs a program in the scene of an item and judges what it did."""

    def judged(
        program: str,
        scene: dict[str, Any] | None = None,
        outcome: str = "acts",
        status: Status = "succeeded",
        **predicates: list[dict[str, Any]],
    ) -> Verdict:
        item = item_of(scene, outcome, **predicates)
        return judge(item, result_of(program, item.scene, status))

    return judged


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Evaluations hash the model that they are of; here it is small."""
    model = tmp_path_factory.mktemp("model") / "model.gguf"
    model.write_bytes(b"GGUF")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "packaged_model", lambda: model)
        yield
