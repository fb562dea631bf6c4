"""kombu's Redis transport without its bookkeeping of messages in hand.

kombu copies every message that it delivers to a hash in Redis, removes it again when it is acknowledged, and delivers
what is left there a second time after a time-out: too late for a worker that died, too early for a long behaviour.
Here messages only announce behaviours. What waits and what is being worked on is in the store (see ``scripts``), and
``Ledger.recover`` announces again what a dead worker had in its memory; so the copies would be the larger half of what
taking a message costs, and a second, worse truth.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis, virtual


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
    """A channel with this module's ``QoS``."""

    QoS = QoS


class Transport(redis.Transport):  # type: ignore[misc]
    """What ``broker_transport`` names."""

    Channel = Channel
