"""Result documents made from what the store holds about a behaviour."""

from __future__ import annotations

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


def terminal_event(status: Status) -> str:
    """Name of the one terminal event that announces a terminal status."""
    return {"succeeded": "done", "refused": "done", "failed": "error", "cancelled": "cancelled"}[status]
