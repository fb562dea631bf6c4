"""What the robot's senses have in common."""

from __future__ import annotations

import qi

from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.base import Service, method

#: Clients of one sense, and keys of the memory: what clients may add is bounded.
MAX_NAMES = 1000


class Sense(Service):
    """A sense that is on while somebody has subscribed to it."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._subscribers: set[str] = set()

    @method(qi.Void, qi.String)
    def subscribe(self, client: str) -> None:
        self._take(client)

    @method(qi.Void, qi.String)
    def unsubscribe(self, client: str) -> None:
        self._subscribers.discard(client)

    def _take(self, client: str) -> None:
        if len(self._subscribers) >= MAX_NAMES:
            raise RuntimeError(f"{MAX_NAMES} clients have subscribed; unsubscribe some")
        self._subscribers.add(client)
