"""What a load test saw of each request: one record a request, kept as JSON Lines.

All statistics are made from these, by the web UI while a test runs and by the comparison after it, so that both mean
the same:

- TTFT, time to first token: the first token's arrival − request sent, at the client.
- TTFA, time to first action: arrival of the first complete, checked statement − request sent. From then on the robot
  can move. Only the durable door tells it.
- ITL, inter-token latency: the gaps between arrivals of tokens, of all requests pooled.
- TPOT, time per output token: (E2E − TTFT) / (output tokens − 1).
- E2E: last byte − request sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

#: "refused" is an answer 429 or 503 of a server that has too much to do, "invalid" a program that did not pass the
#: checks, "timed_out" one without an end in time, "failed" all else that is no answer.
Outcome = Literal["completed", "refused", "failed", "timed_out", "invalid"]
Door = Literal["durable", "passthrough"]


@dataclass(frozen=True, slots=True)
class Record:
    """One request of a load test. Times in seconds; None where that did not come."""

    backend: str
    door: Door
    #: Which instruction of the mix, so that the same traffic can be compared request by request.
    item: str
    robot: str
    #: Since the epoch, so that records of several processes lie on one line.
    sent_at_s: float
    outcome: Outcome
    e2e_s: float
    ttft_s: float | None = None
    ttfa_s: float | None = None
    itl_s: tuple[float, ...] = field(default=())
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    #: What went wrong, in one line; empty if nothing did.
    error: str = ""

    @property
    def tpot_s(self) -> float | None:
        """Time per output token; None for answers of fewer than two tokens or without times."""
        if self.ttft_s is None or self.output_tokens is None or self.output_tokens < 2:
            return None
        return (self.e2e_s - self.ttft_s) / (self.output_tokens - 1)

    def line(self) -> str:
        """The record as a line of JSON, with its end."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """The record of a line. Raises ValueError for what is none."""
        try:
            values = json.loads(line)
            return cls(**{**values, "itl_s": tuple(values.get("itl_s", ()))})
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{line[:80]!r} is no record of a request: {error}") from None


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file. The last line may be cut off, as by a full disk or a kill: it is left out."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Record.from_line(line)
