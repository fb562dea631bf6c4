"""A simulated robot as a process."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from services.observability import configure_logging
from services.robot.simulator.server import SimulatedRobot


def run(name: str, robot: type[SimulatedRobot], host: str, port: int, speed: float) -> int:
    """Run a robot until SIGTERM or SIGINT; return 0 then, 1 if it cannot listen.

    Args:
        name: the robot's, whose settings begin with it in capitals.
        robot: what to run.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        speed: simulated seconds per real second.
    """
    configure_logging(f"simulated-{name.lower()}")
    log = structlog.get_logger(__name__)
    try:
        simulated = robot(host, port, speed)
    except OSError:
        print(
            f"The simulated {name} cannot listen on {host}:{port}: the port is taken or the address is not this "
            f"machine's. Set {name.upper()}_PORT or {name.upper()}_HOST to others.",
            file=sys.stderr,
        )
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with simulated:
        log.info("listening", url=simulated.url, speed=speed)
        # Waiting without a bound would keep CPython from running the signal handlers on some platforms.
        while not stopping.wait(1.0):
            pass
    log.info("stopped")
    return 0
