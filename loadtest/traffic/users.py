"""The robots as Locust runs them: each user has one robot, asks for it, and reads its answers as they arrive."""

from __future__ import annotations

import time

from gevent import GreenletExit
from gevent.pool import Pool
from locust import User, task

from loadtest.traffic.answers import Answer, Ask, NoAnswer
from loadtest.traffic.doors import Client
from loadtest.traffic.run import Run

#: How long after their deadline the requests of an open loop may take to be counted.
_GRACE_S = 5.0
#: When all of a trace was sent, a user waits for the end of the run.
_NEVER_S = 24 * 3600.0
_IDLE_CONNECTIONS = 64


class RobotUser(User):
    """One robot of the fleet: in a closed loop it waits for its answers, in an open one it asks when its time comes."""

    def on_start(self) -> None:
        """Take a robot and open its connections."""
        self._run = Run.of(self.environment)
        if self._run.fleet is None:
            raise GreenletExit  # which Locust takes for a user's end
        settings, self._fleet = self._run.settings, self._run.fleet
        self._closed = settings.arrivals == "closed"
        self._robot = self._fleet.take()
        idle = 1 if self._closed else _IDLE_CONNECTIONS
        self._client = Client(settings.url, timeout_s=settings.timeout_s, key=settings.key, idle=idle)
        self._open = Pool()
        self._due = time.monotonic()
        self._plan()

    def on_stop(self) -> None:
        """Let the answers come that are on their way, each up to its deadline."""
        if self._run.fleet is None:
            return
        self._open.join(timeout=self._run.settings.timeout_s + _GRACE_S)
        self._open.kill()
        self._client.close()
        self._fleet.give_back(self._robot)

    @task
    def ask(self) -> None:
        """One turn of the loop that was chosen."""
        if self._closed:
            self._send(self._robot.next_ask())
        elif self._next is not None and time.monotonic() >= self._due:
            # However long answers take and whatever was sent late, the plan stays as it was.
            self._send_aside(self._next)
            self._plan()

    def wait_time(self) -> float:
        """Seconds to the next turn; a user that is to stop does so meanwhile."""
        if self._closed:
            return self._robot.think_s()
        return max(0.0, self._due - time.monotonic()) if self._next is not None else _NEVER_S

    def _plan(self) -> None:
        self._next: Ask | None = None
        if not self._closed and (arrival := self._robot.next_arrival()) is not None:
            gap_s, self._next = arrival
            self._due += gap_s

    def _send_aside(self, ask: Ask) -> None:
        if self._run.in_flight >= self._run.settings.max_in_flight:
            trouble = NoAnswer("failed", f"not sent: {self._run.in_flight} requests are open already")
            self._run.seen(Answer(ask).record(trouble), 0)
        else:
            self._open.spawn(self._send, ask)

    def _send(self, ask: Ask) -> None:
        self._run.in_flight += 1
        try:
            record, size = self._client.ask(ask)
        finally:
            self._run.in_flight -= 1
        self._run.seen(record, size)
