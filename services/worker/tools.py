"""What all behaviours of a worker share."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from services.behavior.schema import Failure
from services.worker.engines import Engines
from services.worker.journal import Journal
from services.worker.robots import Robots
from services.worker.settings import WorkerSettings


class BehaviorFailed(Exception):
    """The behaviour ends as failed; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True)
class Tools:
    """The worker's settings, engines, journal and robots, and its connections."""

    settings: WorkerSettings
    engines: Engines
    journal: Journal
    robots: Robots
    http: aiohttp.ClientSession
