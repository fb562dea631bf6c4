"""``python -m services.robot.simulator.porter``: a simulated Porter that runs until it is told to stop."""

from __future__ import annotations

import sys

from services.robot.process import exit_now
from services.robot.simulator.porter.server import SimulatedPorter
from services.robot.simulator.porter.settings import PorterSettings
from services.robot.simulator.process import run
from services.settings import SettingError, read_settings


def main() -> int:
    """Run the robot; return 0 after SIGTERM or SIGINT, 1 if it cannot start, 2 if a setting is wrong."""
    try:
        settings = read_settings(PorterSettings)
    except SettingError as error:
        print(f"The simulated Porter does not start: {error}.", file=sys.stderr)
        return 2
    return run("Porter", SimulatedPorter, settings.porter_host, settings.porter_port, settings.porter_speed)


if __name__ == "__main__":
    exit_now(main())
