"""Names of everything the queue keeps in Redis."""

from __future__ import annotations

QUEUED = "rbe:queued"  # sorted set: behaviour id → milliseconds of acceptance, until a worker leases it
LEASES = "rbe:leases"  # sorted set: behaviour id → milliseconds at which its lease ends
FINISHED = "rbe:finished"  # sorted set: behaviour id → milliseconds of its end, for the bound on kept results
BYTES = "rbe:bytes"  # integer: bytes of the requests that are accepted and not yet ended
WORKERS = "rbe:workers"  # sorted set: worker name → milliseconds of its last heartbeat
CIRCUITS = "rbe:circuits"  # hash: worker name → JSON object of backend name → state of its circuit
SEARCHED = "rbe:searched"  # string, until Celery's lists may be searched for missing messages again
CANCELS = "rbe:cancels"  # channel: ids of running behaviours to cancel
STOPS = "rbe:stops"  # channel: emergency stops as milliseconds, a blank and the robot
CELERY_QUEUE = "behaviors"


def stopped(robot: str) -> str:
    """String with the milliseconds of a robot's last emergency stop: what was accepted before must not act."""
    return f"rbe:stopped:{robot}"


def record(behavior_id: str) -> str:
    """Hash with the request and the state of a behaviour."""
    return f"rbe:b:{behavior_id}"


def events(behavior_id: str) -> str:
    """Stream of a behaviour's events; its entry ids are the ids of the Server-Sent Events."""
    return f"rbe:e:{behavior_id}"


def result(behavior_id: str) -> str:
    """Stream of one entry, the final document: a stream because reading can block without polling."""
    return f"rbe:r:{behavior_id}"


def idempotency(digest: str) -> str:
    """Hash with the id and the body digest that a client's Idempotency-Key stands for."""
    return f"rbe:i:{digest}"


def probe_queue(worker: str) -> str:
    """Celery queue of one worker, through which it proves to itself that it still consumes."""
    return f"{CELERY_QUEUE}.probe.{worker}"
