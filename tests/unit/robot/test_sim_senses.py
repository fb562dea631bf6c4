"""What clients may leave in the simulated robot is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.base import Service, plain_methods
from services.robot.simulator.surface.perception import ALFaceDetection
from services.robot.simulator.surface.sense import MAX_NAMES
from services.robot.simulator.surface.sensors import ALMemory, ALSonar


@pytest.mark.parametrize(
    ("service", "method", "rest"),
    [
        (ALSonar, "subscribe", ()),
        (ALFaceDetection, "subscribe", ()),
        (ALFaceDetection, "subscribe", (500, 0.0)),
        (ALMemory, "insertData", (1,)),
        (ALMemory, "raiseEvent", (1,)),
    ],
)
def test_names_are_bounded(nao: Nao, service: type[Service], method: str, rest: tuple[Any, ...]) -> None:
    sense = service(nao)
    call, _ = plain_methods(service)[method, 1 + len(rest)]

    def many_names() -> None:
        for number in range(MAX_NAMES + 1):
            call(sense, f"client {number}", *rest)

    with pytest.raises(RuntimeError, match=str(MAX_NAMES)):
        many_names()
