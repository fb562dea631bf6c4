"""Work is done in time, once, and what came of it stands in a valid file whenever the run ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from services.training.gpu.budget import RESERVE_S, Budget
from services.training.gpu.ledger import Ledger, Skip, Stop, status_of
from services.training.gpu.sizes import whole


class Clock:
    """Seconds that pass when it is told so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def written(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    return told


def test_a_budget_ends_before_its_minutes_do() -> None:
    clock = Clock()
    budget = Budget(2.0, clock)
    assert budget.left_s() == 120 - RESERVE_S
    clock.now += 120 - RESERVE_S - 1
    assert (budget.left_s(), budget.over()) == (1.0, False)
    clock.now += 1
    assert budget.over()


def test_a_signal_stops_and_a_second_one_ends() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    budget = Budget(2.0)
    try:
        budget.listen()
        signal.raise_signal(signal.SIGTERM)
        assert budget.over()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_work_is_done_once_and_failures_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def fails() -> None:
        calls.append("fails")
        raise ValueError("no memory")

    def skips() -> None:
        raise Skip("no NVIDIA GPU")

    for _ in range(2):
        ledger = Ledger("a", tmp_path, Budget(2.0), {"cores": 2})
        assert status_of(tmp_path / "a.json") == "partial"
        assert ledger.do("one", lambda: calls.append("one") or {"figure": 1}) == {"figure": 1}
        assert ledger.do("two", fails) is None
        assert ledger.do("three", skips) is None
        ledger.finish()
    assert calls == ["one", "fails", "fails"]
    told = written(tmp_path)
    assert (told["status"], told["machine"]) == ("failed in part", {"cores": 2})
    assert told["work"]["two"]["why"] == "ValueError: no memory"
    assert (told["work"]["three"]["status"], told["work"]["three"]["why"]) == ("skipped", "no NVIDIA GPU")
    assert ledger.results() == {"one": {"figure": 1}}


def test_nothing_is_begun_that_does_not_fit_and_the_next_run_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger("a", tmp_path, Budget(2.0, clock), {})
    ledger.do("one", lambda: 1)
    with pytest.raises(Stop):
        ledger.do("two", lambda: 2, needs_s=110)
    clock.now += 200
    with pytest.raises(Stop):
        ledger.do("two", lambda: 2)
    assert (written(tmp_path)["status"], list(written(tmp_path)["work"])) == ("partial", ["one"])
    again = Ledger("a", tmp_path, Budget(2.0), {})
    assert (again.do("one", lambda: 3), again.do("two", lambda: 2)) == (1, 2)
    again.finish()
    assert written(tmp_path)["status"] == "done"


def test_what_stops_in_the_middle_is_not_noted(tmp_path: Path) -> None:
    def stops() -> None:
        raise Stop

    ledger = Ledger("a", tmp_path, Budget(2.0), {})
    with pytest.raises(Stop):
        ledger.do("one", stops)
    assert written(tmp_path)["work"] == {}


@pytest.mark.parametrize("minutes", [10, 25, 120])
def test_fine_tuning_is_planned_for_a_little_more_than_half(minutes: float) -> None:
    sizes = whole(minutes)
    polished = len(sizes.smaller_ranks) * sizes.polish_minutes
    planned = sizes.first_minutes + sizes.trials * sizes.trial_minutes + sizes.best_minutes + polished
    assert 0.4 * minutes < planned < 0.6 * minutes
