"""Hostile requests through queue, worker, an engine that obeys the attacker, gateway and sandbox to a robot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.safety.cases import hostile_requests
from tests.safety.end_to_end import Obedient, obedient


@pytest.fixture(scope="module")
def engine() -> Iterator[Obedient]:
    with obedient() as running:
        yield running


@pytest.mark.parametrize("mode", ["atomic", "stream"])
def test_an_engine_that_obeys_the_attacker_harms_nobody(engine: Obedient, mode: str) -> None:
    for case in hostile_requests():
        outcome = engine.request(case, mode)
        assert outcome.layer in ("program", "call", "budget"), (case.id, outcome)
        assert outcome.harm("nao") == [], case.id
        assert mode == "stream" or outcome.layer != "program" or outcome.calls == [], case.id
