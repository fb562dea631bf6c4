"""The load test: robots that ask the engine for behaviours, and what they see of its answers.

``scripts/loadtest`` runs it, or ``python -m locust -f loadtest/locustfile.py``; DEPLOY.md, "Load test", tells how.
"""

from __future__ import annotations

import sys
from typing import Any

from locust import LoadTestShape, events
from locust.runners import WorkerRunner

from loadtest.traffic import statistics
from loadtest.traffic.options import add_options
from loadtest.traffic.run import CANNOT_BEGIN, UNUSABLE, Run
from loadtest.traffic.settings import named_backends
from loadtest.traffic.shapes import users_at
from loadtest.traffic.users import RobotUser

__all__ = ["ChosenShape", "RobotUser"]

statistics.install_buckets()


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    add_options(parser)


@events.init.add_listener
def _prepare(environment: Any, **_: Any) -> None:
    run = Run(environment)
    options = environment.parsed_options
    if environment.web_ui is not None:
        from loadtest.traffic import ui  # what draws the charts takes a second to load

        ui.install(environment)
    if isinstance(environment.runner, WorkerRunner) or not (options.headless or options.autostart):
        return  # the master looks, or the web UI when a run is started there
    if options.spawn_rate is None:
        options.spawn_rate = options.num_users or 1  # all at once, where Locust would have one a second
    try:
        run.check(options, environment.host)
    except CANNOT_BEGIN as error:
        print(error, file=sys.stderr)
        sys.exit(UNUSABLE)


class ChosenShape(LoadTestShape):
    """The shape that was chosen with ``--shape``, over the users and the run time that were."""

    use_common_options = True
    runner: Any

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how many may start a second; None: the run is over."""
        environment = self.runner.environment
        options = environment.parsed_options
        least = max(1, len(named_backends(options.backend)))
        users = int(options.num_users or least)
        elapsed_s = self.get_run_time()
        run = Run.of(environment)
        sent = bool(run.trace) and elapsed_s > run.trace[-1].at_s + 1.0
        if run.over or sent or (options.run_time and elapsed_s >= options.run_time):
            run.over = False
            return None
        return users_at(options.shape, elapsed_s, options.run_time, users, least), float(options.spawn_rate or users)
