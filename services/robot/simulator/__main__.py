"""``python -m services.robot.simulator``: a simulated NAO that runs until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from services.observability import configure_logging
from services.robot.process import exit_now
from services.robot.simulator.server import SERVICES, SimulatedNao
from services.robot.simulator.settings import SimulatorSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Run the robot; return 0 after SIGTERM or SIGINT, 1 if it cannot start."""
    configure_logging("simulated-nao")
    log = structlog.get_logger(__name__)
    try:
        settings = read_settings(SimulatorSettings)
    except SettingError as error:
        print(f"The simulated NAO does not start: {error}.", file=sys.stderr)
        return 2
    try:
        robot = SimulatedNao(settings.nao_host, settings.nao_port, settings.nao_speed)
    except OSError:
        print(
            f"The simulated NAO cannot listen on {settings.nao_host}:{settings.nao_port}: the port is taken or the "
            "address is not this machine's. Set NAO_PORT or NAO_HOST to others.",
            file=sys.stderr,
        )
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with robot:
        log.info("listening", url=robot.url, speed=settings.nao_speed, services=len(SERVICES))
        # Waiting without a bound would keep CPython from running the signal handlers on some platforms.
        while not stopping.wait(1.0):
            pass
    log.info("stopped")
    return 0


if __name__ == "__main__":
    exit_now(main())
