"""Result documents made from what the store holds about a behaviour."""

from __future__ import annotations

import json

from pydantic import ValidationError

from services.behavior.schema import BehaviorRequest, BehaviorResult, Failure, Status, Timings


def result_document(
    behavior_id: str,
    request: BehaviorRequest,
    backend: str,
    status: Status,
    *,
    error: Failure | None = None,
    waited_ms: float | None = None,
) -> BehaviorResult:
    """Document of a behaviour that has produced nothing, or of one that ends without the worker that had it."""
    ended = status not in ("queued", "running")
    return BehaviorResult(
        id=behavior_id,
        status=status,
        instruction=request.instruction,
        robot=request.robot,
        backend=backend,
        error=error,
        timings=Timings(queue_ms=waited_ms, total_ms=waited_ms if ended else None),
    )


def stopped_failure() -> Failure:
    """Why a behaviour ended that an emergency stop cancelled."""
    return Failure(code="robot.stopped", message="the emergency stop was pressed")


def expired_failure(queue_ttl_s: int) -> Failure:
    """Why a behaviour ended that waited for a worker for longer than anybody still wants it."""
    message = f"no worker took it within {queue_ttl_s} s; check that workers run, add some, or send it again later"
    return Failure(code="queue.expired", message=message)


def picture_path(behavior_id: str) -> str:
    """Path at which the router shows what a simulated robot did."""
    return f"/v1/behaviors/{behavior_id}/picture.svg"


def stored_request(text: str) -> BehaviorRequest:
    """The request as the store holds it, for a document about it.

    One that another version of this software wrote, and that this one does not understand, is told as far as possible.
    """
    try:
        return BehaviorRequest.model_validate_json(text)
    except ValidationError:
        try:
            known = json.loads(text)
        except ValueError:
            known = None
        told = known if isinstance(known, dict) else {}
        return BehaviorRequest.model_construct(
            instruction=str(told.get("instruction", "")), robot=str(told.get("robot", ""))
        )


def terminal_event(status: Status) -> str:
    """Name of the one terminal event that announces a terminal status."""
    return {"succeeded": "done", "refused": "done", "failed": "error", "cancelled": "cancelled"}[status]
