"""Waiting: the one call that programs for every robot have and that no robot carries out.

It is written as Python has it, ``time.sleep(seconds)``, without an import. Whoever runs a program lets so much of the
robot's time pass, while what is under way, such as a walk at a speed, goes on.
"""

from __future__ import annotations

from services.behavior.arguments import NumberArgument
from services.behavior.methods import Method, Service, Takes

TIME, SLEEP = "time", "sleep"

_SERVICE = Service(
    doc="Waiting, the same for every robot; there is nothing to import.",
    methods=[
        Method(
            name=SLEEP,
            doc="Wait; what is under way goes on.",
            blocking=True,
            effect="wait",
            card="medium",
            takes=Takes(argument="seconds"),
            args=[NumberArgument(name="seconds", type="float", min=0.01, max=30.0, unit="s")],
        )
    ],
)


def with_waiting(services: dict[str, Service]) -> dict[str, Service]:
    """The services of a robot and the one for waiting. Raises ValueError if the robot has one of that name itself."""
    if services.get(TIME, _SERVICE) != _SERVICE:
        raise ValueError(f"a service cannot be called {TIME}: every robot has that one, and it waits")
    return {**services, TIME: _SERVICE}
