"""kombu's Redis transport without its bookkeeping of messages in hand, and taking many messages at a time.

kombu copies every message that it delivers to a hash in Redis, removes it again when it is acknowledged, and delivers
what is left there a second time after a time-out: too late for a worker that died, too early for a long behaviour.
Here messages only announce behaviours. What waits and what is being worked on is in the store (see ``scripts``), and
``Ledger.recover`` announces again what a dead worker had in its memory; so the copies would be the larger half of what
taking a message costs, and a second, worse truth.

kombu asks for one message at a time (BRPOP) and goes once round its event loop for each. Here one question (BLMPOP,
since Redis 7.0) brings as many as the prefetch limit has room for, so the busier the queue, the cheaper a message.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis, virtual
from kombu.utils.json import loads
from redis.exceptions import ResponseError

from services.jobs.keys import CELERY_QUEUE

#: Exit status for a store that cannot do what is needed.
_EXIT_UNFIT = 2
#: How long a store that refuses is left alone.
_REFUSED_PAUSE_S = 1.0

log = structlog.get_logger("jobs.transport")


class QoS(redis.QoS):  # type: ignore[misc]
    """Counts the messages in hand, for the prefetch limit, and keeps them nowhere."""

    restore_at_shutdown = False
    append = virtual.QoS.append
    ack = virtual.QoS.ack

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Let go of a message; what it announced is announced again."""
        self.ack(delivery_tag)

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Called now and then by kombu to deliver old messages again: there are none."""


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel with this module's ``QoS``, that takes many messages at a time."""

    QoS = QoS

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for messages of the most urgent list that has any; kombu calls it when there is room for one."""
        # The worker's own queue first: under a flood its probes still prove that it consumes.
        queues = sorted(self._queue_cycle.consume(len(self.active_queues)), key=lambda queue: queue == CELERY_QUEUE)
        if not queues:
            return
        names = [self._q_for_pri(queue, priority) for priority in self.priority_steps for queue in queues]
        room = self.qos.can_consume_max_estimate()
        count = [] if room is None else ["COUNT", max(room, 1)]
        connection = self.client.connection
        self._in_poll = connection
        self._brpop_sent_at = time.monotonic()  # by which kombu notices a connection that has gone silent
        connection.send_command("BLMPOP", timeout or self.brpop_timeout, len(names), *names, "RIGHT", *count)

    def _brpop_read(self, **options: Any) -> bool:
        """Deliver what came. Raises queue.Empty if nothing did."""
        client = self.client
        try:
            try:
                reply = client.parse_response(client.connection, "BLMPOP", **options)
            except self.connection_errors:
                client.connection.disconnect()  # kombu connects again on its next round
                raise
            except ResponseError as error:
                if "unknown command" in str(error):
                    log.error("the store does not know BLMPOP: Redis 7.0 or later, or Valkey, is needed")
                    raise SystemExit(_EXIT_UNFIT) from None
                # Its disk is full, say, or a replica that it must have is away: that passes, and Celery would end.
                _leave_alone(error)
                raise Empty from None
            if not reply:
                raise Empty
            name, messages = reply
            queue = redis.bytes_to_str(name).rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            for message in messages:
                self._deliver_one(message, queue)
            return True
        finally:
            self._in_poll = None

    def _queue_bind(self, *binding: Any) -> None:
        """Have the store know a queue. Refused, Celery tries it again with a new connection."""
        try:
            super()._queue_bind(*binding)
        except ResponseError as error:
            _leave_alone(error)
            raise

    def _deliver_one(self, message: bytes, queue: str) -> None:
        """Have a message handled. A foreign one that cannot be is dropped: it must not take along those beside it."""
        tag = None
        try:
            document = loads(redis.bytes_to_str(message))
            tag = document["properties"]["delivery_tag"]
            document["headers"]["eta"] = None  # announcements do not wait, least of all in the worker
            self.connection._deliver(document, queue)
        except Exception:
            log.exception("dropped a message that is none of ours", queue=queue)
            if isinstance(tag, str):
                self.qos.ack(tag)  # it is in hand no more


def _leave_alone(error: ResponseError) -> None:
    log.error("the store refuses to give out work", error=str(error))
    time.sleep(_REFUSED_PAUSE_S)


class Transport(redis.Transport):  # type: ignore[misc]
    """What ``broker_transport`` names."""

    Channel = Channel
