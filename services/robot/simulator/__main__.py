"""``python -m services.robot.simulator``: a simulated NAO that runs until it is told to stop."""

from __future__ import annotations

import sys

from services.robot.process import exit_now
from services.robot.simulator.process import run
from services.robot.simulator.server import SimulatedNao
from services.robot.simulator.settings import SimulatorSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Run the robot; return 0 after SIGTERM or SIGINT, 1 if it cannot start, 2 if a setting is wrong."""
    try:
        settings = read_settings(SimulatorSettings)
    except SettingError as error:
        print(f"The simulated NAO does not start: {error}.", file=sys.stderr)
        return 2
    return run("NAO", SimulatedNao, settings.nao_host, settings.nao_port, settings.nao_speed)


if __name__ == "__main__":
    exit_now(main())
