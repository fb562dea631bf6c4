"""A simulated robot on a clock that tests move by hand."""

from __future__ import annotations

import pytest
from manual_clock import ManualClock

from services.robot.simulator.nao import Nao


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def nao(clock: ManualClock) -> Nao:
    return Nao(clock)
