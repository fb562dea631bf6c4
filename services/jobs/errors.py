"""What can go wrong at the queue, in words for the client.

Does not import the store's client, which gevent has to come before in the router.
"""

from __future__ import annotations

import math

from services.jobs.settings import JobSettings

#: A size is told in the largest unit of which it holds a few.
_UNITS = ((2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))
_FEW = 10


class JobError(Exception):
    """Base of what can go wrong at the queue; the message is for the client."""


class QueueFull(JobError):
    """The bounded queue is full, in number or in bytes; nothing was queued."""

    def __init__(self, waiting: int, waiting_bytes: int, settings: JobSettings) -> None:
        #: Seconds after which trying again is worth while: an estimate of 10 behaviours a second, at most a minute.
        self.retry_after_s = max(1, min(60, math.ceil(waiting / 10)))
        if waiting >= settings.queue_limit:
            reason = f"{waiting} behaviours are waiting, which is the limit"
        else:
            unit, name = next((pair for pair in _UNITS if settings.queue_max_bytes >= _FEW * pair[0]), _UNITS[-1])
            held, limit = waiting_bytes / unit, settings.queue_max_bytes / unit
            reason = f"the requests in hand hold {held:.0f} of {limit:.0f} {name}, too much for this one"
        super().__init__(f"{reason}; try again in {self.retry_after_s} s")


class IdempotencyConflict(JobError):
    """The Idempotency-Key was used before with another body."""


class StoreUnavailable(JobError):
    """Redis does not answer or refuses to write; nothing was queued unless a retry finds otherwise."""


class UnknownBehavior(JobError):
    """No behaviour has this id, or its result is no longer kept."""
