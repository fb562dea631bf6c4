"""One run of the load test in one process: its settings, its robots, and where its records go."""

from __future__ import annotations

import logging
from typing import Any, Self

import gevent
from locust.runners import MasterRunner, WorkerRunner

from loadtest.records import Record
from loadtest.traffic import statistics
from loadtest.traffic.fleet import Fleet
from loadtest.traffic.history import summary
from loadtest.traffic.recording import CannotRecord, Recorder
from loadtest.traffic.settings import BadOption, Settings, read_key, read_settings
from loadtest.traffic.target import BadTarget, ask_backends, check
from loadtest.traffic.trace import BadTrace, Entry, read_trace
from services.behavior.catalogue import load_catalogue

log = logging.getLogger(__name__)
#: Where Locust's own tables go at the end of a run.
summary_log = logging.getLogger("locust.stats_logger")

#: What may be wrong before a run begins, each with a sentence for whoever began it.
CANNOT_BEGIN = (BadOption, BadTarget, BadTrace, CannotRecord)
#: Exit status of a run that could not begin, or not go on; 1 is that of requests that failed.
UNUSABLE = 2
NOTHING_ASKED = 1
#: How long the last answers may take after their deadline.
_GRACE_S = 6.0
_TRIM_S = 60.0


class Run:
    """What is the same for all users of a process while a run lasts."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self.in_flight = 0
        #: Whether the run is to end, which its shape sees to.
        self.over = False
        self.settings: Settings
        #: None: no run could begin.
        self.fleet: Fleet | None = None
        self.trace: list[Entry] = []
        #: Lines that a worker has not sent to the master yet: those of three seconds.
        self._unsent: list[str] = []
        self._recorder = Recorder(environment.parsed_options.records, self._give_up)
        environment.loadtest = self
        events = environment.events
        events.test_start.add_listener(self._begin)
        events.quitting.add_listener(self._judge)
        events.quit.add_listener(self._end)
        gevent.spawn(self._trim)
        if isinstance(environment.runner, WorkerRunner):
            events.report_to_master.add_listener(self._hand_over)
        else:
            events.worker_report.add_listener(self._take_over)

    @classmethod
    def of(cls, environment: Any) -> Self:
        """The run that an environment was given."""
        run: Self = environment.loadtest
        return run

    def check(self, options: Any, host: str | None) -> Settings:
        """The settings that the options mean, held against the router. Raises one of ``CANNOT_BEGIN``."""
        url = (host or "").rstrip("/")
        if not url:
            raise BadOption(
                "No engine is named: set --host (Host in the form) to its router's address, as in http://127.0.0.1:8000."
            )
        document = ask_backends(url, read_key(options.api_keys_file))
        settings = read_settings(options, url, document["default"])
        check(document, settings.backends)
        if settings.arrivals == "replay":
            read_trace(settings.trace)
        self._recorder.check()
        return settings

    def seen(self, record: Record, size: int) -> None:
        """Count and keep a request that has ended."""
        statistics.count(self._environment, record, size, self.settings)
        if isinstance(self._environment.runner, WorkerRunner):
            self._unsent.append(record.line())
        else:
            self._recorder.write((record.line(),))

    def _begin(self, **_: Any) -> None:
        """A run begins: here if this is not a worker, else as the master has said, with the same options."""
        environment, options = self._environment, self._environment.parsed_options
        self.fleet = None
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            told = options.loadtest
            self.settings = Settings.model_validate({**told["settings"], "key": read_key(options.api_keys_file)})
            process, processes = runner.worker_index, told["processes"]
        else:
            try:
                self.settings = self.check(options, environment.host)
                self._recorder.begin()
            except CANNOT_BEGIN as error:
                self._give_up(str(error))
                return
            process, processes = 0, runner.worker_count if isinstance(runner, MasterRunner) else 1
            # Goes to the workers with the options; not the key, which each reads from its own file.
            options.loadtest = {"settings": self.settings.model_dump(exclude={"key"}), "processes": processes}
            # Answers on their way at the end are waited for, so that the slow ones are not left out of the statistics.
            environment.stop_timeout = max(float(options.stop_timeout), self.settings.timeout_s + _GRACE_S)
        if self.settings.door == "passthrough":
            load_catalogue(self.settings.robot_kind)  # before it would hold up the first requests
        self.trace = read_trace(self.settings.trace) if self.settings.arrivals == "replay" else []
        self.fleet = Fleet(self.settings, self.trace, process, processes)

    def _judge(self, **_: Any) -> None:
        environment = self._environment
        if environment.parsed_options.headless and not environment.stats.total.num_requests:
            # A test in which nothing was asked has shown nothing.
            environment.process_exit_code = environment.process_exit_code or NOTHING_ASKED

    def _end(self, **_: Any) -> None:
        """The last answers have come, and the last reports of workers."""
        self._recorder.close()
        if not isinstance(self._environment.runner, WorkerRunner):
            stats = self._environment.stats
            for line in summary(stats, (stats.last_request_timestamp or 0.0) - stats.start_time):
                summary_log.info(line)

    def _trim(self) -> None:
        while True:
            gevent.sleep(_TRIM_S)
            statistics.trim(self._environment.stats)

    def _give_up(self, reason: str) -> None:
        log.error(reason)
        self._environment.process_exit_code = UNUSABLE
        self.over = True

    def _hand_over(self, client_id: str, data: dict[str, Any]) -> None:
        data["records"], self._unsent = self._unsent, []

    def _take_over(self, client_id: str, data: dict[str, Any]) -> None:
        self._recorder.write(data.get("records", ()))
