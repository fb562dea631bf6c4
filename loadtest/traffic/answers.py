"""What a client saw of one answer, and what it means: a record of the request."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from loadtest.records import Door, Outcome, Record
from loadtest.traffic.mix import Instruction

#: Of a server's words in a record, so that a page of HTML does not become one.
_MOST_OF_AN_ERROR = 200
#: Codes of the engine (docs/checks.md and services/backends/base.py) that say which kind of trouble it was.
_INVALID = ("program.", "plan.", "call.")
_CODES: dict[str, Outcome] = {
    "backend.overloaded": "refused",
    "backend.timeout": "timed_out",
    "worker.timeout": "timed_out",
    "queue.expired": "timed_out",
}
_STATUSES: dict[int, Outcome] = {408: "timed_out", 429: "refused", 503: "refused", 504: "timed_out"}


class NoAnswer(Exception):
    """The request came to no good end; ``outcome`` says of which kind, the message why."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Ask:
    """One request of a robot.

    ``robot`` is the identity of the one who asks, ``kind`` the robot of the engine that is meant, such as "nao";
    ``priority`` (0 first, 9 last) and ``execute`` ("none" or "simulate") go to the durable door only.
    """

    instruction: Instruction
    backend: str
    door: Door
    robot: str
    kind: str = "nao"
    priority: int = 5
    execute: str = "none"
    max_tokens: int = 256


@dataclass
class Answer:
    """One answer while it arrives. Times in seconds of ``time.perf_counter``."""

    ask: Ask
    sent_at_s: float = field(default_factory=time.time)
    sent: float = field(default_factory=time.perf_counter)
    #: When each token arrived; tokens that arrived together have the same time.
    arrivals: list[float] = field(default_factory=list)
    ttft_s: float | None = None
    ttfa_s: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    ended: float | None = None
    #: Bytes of the answer, for the statistics.
    size: int = 0

    def token(self) -> None:
        """A token arrived now."""
        now = time.perf_counter()
        if not self.arrivals:
            self.ttft_s = now - self.sent
        self.arrivals.append(now)

    def statement(self) -> None:
        """A complete, checked statement arrived now: from the first one on, the robot can act."""
        if self.ttfa_s is None:
            self.ttfa_s = time.perf_counter() - self.sent

    def end(self) -> None:
        """The last byte arrived now."""
        self.ended = time.perf_counter()

    def record(self, trouble: NoAnswer | None = None) -> Record:
        """What is kept of it; without an end of its own, it ended now."""
        ended = self.ended or time.perf_counter()
        counted = self.output_tokens if self.output_tokens is not None else len(self.arrivals) or None
        return Record(
            backend=self.ask.backend,
            door=self.ask.door,
            item=self.ask.instruction.id,
            robot=self.ask.robot,
            sent_at_s=round(self.sent_at_s, 6),
            outcome=trouble.outcome if trouble else "completed",
            e2e_s=round(ended - self.sent, 6),
            ttft_s=_rounded(self.ttft_s),
            ttfa_s=_rounded(self.ttfa_s),
            itl_s=tuple(round(b - a, 6) for a, b in zip(self.arrivals, self.arrivals[1:], strict=False)),
            prompt_tokens=self.prompt_tokens,
            output_tokens=counted,
            error=" ".join(str(trouble).split())[:_MOST_OF_AN_ERROR] if trouble else "",
        )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def from_status(status: int, body: bytes, retry_after: str | None) -> NoAnswer:
    """What an HTTP error means. The bodies are RFC 9457's problems or OpenAI's errors; others are not read."""
    detail = ""
    try:
        document = json.loads(body)
        error = document.get("error")
        detail = document.get("detail") or (error.get("message") if isinstance(error, dict) else error) or ""
    except (ValueError, AttributeError):
        pass
    after = f" (Retry-After: {retry_after})" if retry_after else ""
    return NoAnswer(
        _STATUSES.get(status, "failed"), f"HTTP {status}{after}: {detail}" if detail else f"HTTP {status}{after}"
    )


def from_failure(failure: dict[str, Any]) -> NoAnswer:
    """What the error of a result document means."""
    code = str(failure.get("code", ""))
    outcome: Outcome = "invalid" if code.startswith(_INVALID) else _CODES.get(code, "failed")
    return NoAnswer(outcome, f"{code}: {failure.get('message', '')}")
