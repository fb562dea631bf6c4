"""Simulated robots on real qi sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from services.robot.simulator.server import SimulatedNao


@pytest.fixture
def switch_on() -> Iterator[Callable[..., SimulatedNao]]:
    """Switches simulated robots on; they are switched off after the test."""
    with ExitStack() as stack:
        yield lambda speed=20.0, port=0: stack.enter_context(SimulatedNao(speed=speed, port=port))


@pytest.fixture
def nao(switch_on: Callable[..., SimulatedNao]) -> SimulatedNao:
    """A robot whose time passes twenty times as fast as ours."""
    return switch_on()
