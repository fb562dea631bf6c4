"""A simulated robot on a clock that tests move by hand."""

from __future__ import annotations

import pytest

from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.nao import Nao


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def nao(clock: SteppedClock) -> Nao:
    return Nao(clock)
