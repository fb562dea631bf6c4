"""The Celery message that announces a behaviour, written by us so that it enters Redis in the same atomic step.

Publishing through Celery would be a second step after the record is written, and a process that died between the two
would lose an accepted behaviour. The envelope is Celery's task protocol 2 inside kombu's Redis transport; a contract
test holds it against what Celery itself publishes.
"""

from __future__ import annotations

import base64
import json
import uuid

from pydantic_core import to_json

TASK = "behave"
#: kombu's separator between a queue's name and a priority in the name of a Redis list.
_SEPARATOR = "\x06\x16"
PRIORITIES = range(10)
_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def list_name(queue: str, priority: int) -> str:
    """Redis list that kombu reads for a queue at a priority, 0 first to 9 last."""
    return f"{queue}{_SEPARATOR}{priority}" if priority else queue


def envelope(queue: str, argument: str, priority: int) -> str:
    """JSON text of the message that calls the batch task with one string argument."""
    task_id = str(uuid.uuid4())
    body = base64.b64encode(to_json([[argument], {}, _EMBED])).decode()
    return to_json(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TASK,
                "id": task_id,
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": task_id,
                "parent_id": None,
                "argsrepr": "",
                "kwargsrepr": "",
                "origin": "router",
                "ignore_result": True,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": priority,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    ).decode()


def argument(message: str) -> str | None:
    """The argument of a message in a Celery list; None if it is not one of ours."""
    try:
        (argument,), _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    except (ValueError, TypeError, KeyError):
        return None
    return argument if isinstance(argument, str) else None
