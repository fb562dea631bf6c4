"""Settings of the worker, from environment variables of the same names in capitals."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.backends.config import HttpUrl
from services.behavior.methods import CardSize
from services.settings import Seconds

Count = Annotated[int, Field(gt=0)]

#: Seconds between the messages that the worker sends to itself to prove that it consumes.
PROBE_EVERY_S = 5.0


def _in_a_folder(path: Path) -> Path:
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError("it has to be a file in a folder that exists")
    return path


class WorkerSettings(BaseSettings):
    """What one worker process needs beside the queue's and the backends' settings."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    worker_name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    #: The worker collects up to this many behaviours …
    batch_size: Annotated[int, Field(gt=0, le=1000)] = 16
    #: … or for this long, whichever comes first. Longer pays for engines that run a batch as one.
    batch_interval_ms: Annotated[float, Field(gt=0, le=60_000)] = 5.0
    #: Takes what comes at once while no batch is on its way in; false for engines that run a batch as one.
    batch_eager: bool = True
    #: Behaviours in hand at once; the rest waits in Redis, where other workers can take it.
    worker_max_active: Count = 64
    #: Longest that one behaviour may take from its start, waiting for its robot included.
    behavior_timeout_s: Seconds = 300.0
    #: Longest that the worker, when it starts, has the engine read the shared prompt before it takes work; 0 is off.
    warm_up_s: Annotated[float, Field(ge=0, le=86_400)] = 20.0
    #: How much of a robot's API the prompt shows; more is for larger models.
    api_card: CardSize = "small"
    #: Whether a program that fails a check goes back to the model once, with what was found.
    repair: bool = True
    #: Whether an answer that is being written serves equal requests that come meanwhile.
    answers_shared: bool = True
    #: Finished answers kept for equal requests that come later, of all backends together; 0 is off …
    answers_kept: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    #: … in so much memory at most …
    answers_kept_bytes: Annotated[int, Field(gt=0, le=2**34)] = 16_777_216
    #: … and for so many seconds.
    answers_kept_s: Seconds = 600.0
    #: Longest that a behaviour waits for an engine that is away or overloaded.
    engine_wait_s: Seconds = 60.0
    gateway_url: HttpUrl = "http://127.0.0.1:8200"
    #: Seconds that behaviours in hand may go on after SIGTERM before they are given back or stopped.
    worker_grace_s: Seconds = 3.0
    #: Port for Prometheus metrics; 0 is off.
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    worker_metrics_host: str = "127.0.0.1"
    #: Touched whenever a probe came through the worker's queue; a health check looks at its age.
    worker_health_file: Annotated[Path, AfterValidator(_in_a_folder)] = Path("/tmp/worker-consumed")  # noqa: S108 - only its age is ever read
    #: Seconds without a probe after which the worker ends itself, to be started afresh.
    worker_silence_s: Seconds = 60.0

    @model_validator(mode="after")
    def _probes_come_in_time(self) -> Self:
        least_s = 2 * (PROBE_EVERY_S + self.batch_interval_ms / 1000)
        if self.worker_silence_s >= least_s:
            return self
        raise ValueError(
            f"WORKER_SILENCE_S={self.worker_silence_s:g} would end a healthy worker: with BATCH_INTERVAL_MS="
            f"{self.batch_interval_ms:g} it has to be at least {least_s:g}"
        )
