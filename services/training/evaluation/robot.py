"""The simulated robot between two items: it is not to begin one as the last has left it."""

from __future__ import annotations

from services.robot.qi_session import new_session


class Robot:
    """A simulated NAO. Raises RuntimeError, qi's, when it cannot be reached."""

    def __init__(self, url: str) -> None:
        self._session = new_session()
        self._session.connect(url)

    def put(self, posture: str) -> None:
        """Have it stand, or sit, as an item's scene says, even if it lies on the floor."""
        self._session.service("ALMotion").wakeUp()
        self._session.service("ALRobotPosture").goToPosture(posture, 1.0)

    def close(self) -> None:
        """Disconnect."""
        self._session.close()
