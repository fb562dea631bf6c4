"""The Celery application and its one task: collect a batch of behaviours and hand their ids to the worker."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from celery import Celery
from celery.worker.request import Request
from celery_batches import Batches, SimpleRequest
from kombu import Queue

from services.jobs.keys import CELERY_QUEUE, probe_queue
from services.jobs.messages import PRIORITIES, TASK
from services.jobs.settings import JobSettings

#: Takes the arguments of a batch and what is to be called when they are in safe hands.
Handover = Callable[[Sequence[str], Callable[[], None]], None]

_NAME = re.compile(r"[a-z0-9-]{1,64}")

#: Batches that may wait for room in the worker, or be on their way into it.
BATCHES_AHEAD = 2


def create_celery(settings: JobSettings, worker: str, batch_size: int) -> Celery:
    """Celery application of one worker.

    Messages are acknowledged late, that is, when every behaviour of their batch is leased in the store, because Celery
    counts those that are not against its prefetch limit: what this worker has no room for stays in Redis for others.
    """
    app = Celery("behaviors", broker=settings.redis_url)
    app.conf.update(
        broker_transport="services.jobs.transport:Transport",
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_queues=[Queue(CELERY_QUEUE), Queue(probe_queue(worker))],
        task_default_queue=CELERY_QUEUE,
        worker_pool="solo",  # which is never asked: see BehaviorBatches.flush
        worker_concurrency=1,  # the prefetch limit is so many times the next line; the default is the number of cores
        # celery-batches needs at least the batch size, or it waits for the timer each time.
        worker_prefetch_multiplier=BATCHES_AHEAD * batch_size,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # kombu takes rediss:// alone for a connection without TLS.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss:") else None,
        broker_connection_retry_on_startup=True,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # what the store refuses now, its disk being full, it may do later
        broker_transport_options={
            "queue_order_strategy": "priority",
            "priority_steps": list(PRIORITIES),
            "socket_keepalive": True,
            # A store that hangs holds up the worker's end for as long as this; each poll is answered within a second.
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "health_check_interval": 10,
        },
    )
    return app


class BehaviorBatches(Batches):  # type: ignore[misc]
    """celery-batches that need not wait for a full batch, and goes on after a lost connection.

    A batch goes straight to the worker's event loop, not through Celery's pool: that would only be a thread that waits.

    On a lost connection Celery clears its timers, and with them the flush timer; celery-batches takes the timer for
    running and never starts it again, so a worker would be alive and silent until a whole batch had piled up.
    """

    abstract = True
    #: Whether to hand over what has come at once, instead of waiting for more.
    eager: Callable[[], bool]
    handover: Handover
    #: Called when a connection was lost and there is a new one: messages may have been lost on the way.
    reconnected: Callable[[], None]
    _connected_before = False

    def Strategy(self, task: Any, app: Any, consumer: Any) -> Any:
        """Called for every new connection: forget the timer of the one before."""
        self._tref = None
        if self._connected_before:
            self.reconnected()
        self._connected_before = True
        collect = super().Strategy(task, app, consumer)

        def handle(*args: Any, **kwargs: Any) -> None:
            collect(*args, **kwargs)
            if self.eager():
                self._do_flush()

        return handle

    def flush(self, requests: Collection[Request]) -> None:
        """Hand a collected batch over. Celery's main thread acknowledges it when the worker says that it has it."""
        arguments = [argument for request in requests if (argument := _argument(request)) is not None]

        def taken() -> None:
            for request in requests:
                request.acknowledge()

        self.handover(arguments, taken)


def register_batch_task(
    app: Celery,
    handover: Handover,
    *,
    batch_size: int,
    interval_s: float,
    eager: Callable[[], bool] = lambda: False,
    reconnected: Callable[[], None] = lambda: None,
) -> Batches:
    """Register the batch task: it flushes at ``batch_size`` messages, after ``interval_s`` seconds, or when ``eager``.

    ``handover`` gets the first argument of each message, and a function to call, from any thread, when the worker holds
    a lease on every behaviour among them (or has seen that there is none to take). It must not wait or raise.
    ``reconnected`` is called when a lost connection was made anew.
    """

    @app.task(base=BehaviorBatches, name=TASK, flush_every=batch_size, flush_interval=interval_s, shared=False)  # type: ignore[untyped-decorator]
    def behave(requests: Sequence[SimpleRequest]) -> None:
        raise NotImplementedError  # BehaviorBatches.flush takes the batches

    behave.eager = eager
    behave.handover = handover
    behave.reconnected = reconnected
    return cast("Batches", behave)


def _argument(request: Request) -> str | None:
    """The one argument, or None for a foreign message, which is dropped: it can name no behaviour and is no probe."""
    args = request.args
    if isinstance(args, list | tuple) and len(args) == 1 and isinstance(args[0], str) and _NAME.fullmatch(args[0]):
        return args[0]
    return None
