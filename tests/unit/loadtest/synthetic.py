"""Records of load tests that never were, whose figures are known, and a router that is never asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loadtest.comparison.measured import Measured, measured
from loadtest.comparison.plan import Plan, Slos, Turn
from loadtest.comparison.targets import Asked
from loadtest.records import Record

WARM_UP_S, SECONDS = 2.0, 10.0


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "backends": ("llamacpp", "tensorrtllm"),
        "door": "passthrough",
        "mix": "daily",
        "seed": 7,
        "arrivals": "closed",
        "levels": (1.0, 4.0),
        "seconds": SECONDS,
        "warm_up_s": WARM_UP_S,
        "repeats": 2,
        "timeout_s": 60.0,
        "slos": Slos(ttft_s=0.25),
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def record(sent_at_s: float, e2e_s: float = 0.5, **changes: object) -> Record:
    values: dict[str, object] = {
        "backend": "llamacpp",
        "door": "passthrough",
        "item": "greet",
        "robot": "robot-0000",
        "sent_at_s": sent_at_s,
        "outcome": "completed",
        "e2e_s": e2e_s,
        "ttft_s": 0.2,
        "ttfa_s": None,
        "itl_s": (0.1, 0.2),
        "prompt_tokens": 10,
        "output_tokens": 4,
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]


def closed_loop(turn: Turn, e2e_s: float, began_s: float = 1000.0, **changes: object) -> Measured:
    """So many users at once, each of whom asks again as soon as it has its answer, all answers equally long."""
    records = []
    for user in range(int(turn.level)):
        sent = began_s + user * e2e_s / turn.level
        while sent < began_s + WARM_UP_S + SECONDS:
            records.append(record(sent, e2e_s, backend=turn.backend, **changes))
            sent += e2e_s
    return measured(turn, records, WARM_UP_S, SECONDS)


class NoTarget:
    """A router that is never asked."""

    def asked(self, backend: str) -> Asked:
        return Asked("http://127.0.0.1:9", backend)

    def turns(self, plan: Plan) -> Iterator[Turn]:
        return plan.turns()

    def use(self, backend: str) -> bool:
        return False

    def check(self, backend: str) -> None:
        pass

    def roots(self, backend: str) -> Mapping[str, int]:
        return {}
