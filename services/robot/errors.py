"""Why a behaviour ends before its program does."""

from __future__ import annotations


class BehaviorFailed(Exception):
    """A behaviour that cannot go on: a stable ``code`` and a ``message`` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RobotUnreachable(BehaviorFailed):
    """The robot is not connected, or the connection was lost during a call."""

    def __init__(self, message: str) -> None:
        super().__init__("robot.unreachable", message)


class RobotFault(BehaviorFailed):
    """The robot answered a call with an error, or not in time."""

    def __init__(self, message: str) -> None:
        super().__init__("robot.error", message)


class RobotSilent(RobotFault):
    """The robot did not answer a call in time."""
