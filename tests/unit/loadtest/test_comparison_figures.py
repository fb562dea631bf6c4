"""Figures of a comparison against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import SECONDS, WARM_UP_S, closed_loop, plan, record

from loadtest.comparison.figures import Figure, cell, nearest_rank, ratio
from loadtest.comparison.measured import measured
from loadtest.comparison.plan import Slos, Turn

_TURN = Turn(0, 1.0, "llamacpp")
_NONE = Slos()


def _turn(*records: object) -> object:
    return measured(_TURN, [record(1000.0 - WARM_UP_S), *records], WARM_UP_S, SECONDS)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 2.0), (51, 3.0), (75, 3.0), (76, 4.0), (95, 4.0), (99, 4.0), (1, 1.0)]
)
def test_percentiles_are_nearest_rank(percent: int, value: float) -> None:
    assert nearest_rank(np.array([1.0, 2.0, 3.0, 4.0]), percent) == value


def test_only_the_time_after_the_warm_up_counts() -> None:
    turn = _turn(
        record(999.9, 0.2),  # sent in the warm-up: its latency does not count, its end does
        record(1001.0, 1.0),
        record(1009.5, 1.0),  # ends after the end: its latency counts, its end does not
        record(1010.0, 0.1),  # sent after the end
    )
    found = cell([turn], _NONE)  # type: ignore[list-item]
    assert found.rates["requests"].value == pytest.approx(2 / SECONDS)
    assert found.rates["tokens"].value == pytest.approx(8 / SECONDS)
    assert list(found.values["e2e"]) == [1.0, 1.0]
    assert found.sent == 2


def test_times_of_requests() -> None:
    turn = _turn(record(1001.0, 0.5, ttft_s=0.2), record(1002.0, 0.8, ttft_s=0.4, output_tokens=5, itl_s=(0.3,)))
    found = cell([turn], _NONE)  # type: ignore[list-item]
    assert list(found.values["ttft"]) == [0.2, 0.4]
    assert found.values["tpot"] == pytest.approx([0.1, 0.1])  # 0.3 s for 3 tokens, 0.4 s for 4
    assert list(found.values["itl"]) == [0.1, 0.2, 0.3]
    assert found.times["itl"][50].value == 0.2
    assert found.times["itl"][50].n == 3
    assert found.times["ttfa"][50].value is None
    assert found.answer_tokens.value == 4.5


def test_requests_that_were_not_completed_are_counted_and_not_timed() -> None:
    turn = _turn(
        record(1001.0, 9.0, outcome="timed_out", error="no end within 9 s"),
        record(1002.0, 0.1, outcome="refused", error="HTTP 429"),
        record(1003.0),
    )
    found = cell([turn], _NONE)  # type: ignore[list-item]
    assert found.outcomes == {"timed_out": 1, "refused": 1, "completed": 1}
    assert found.first_error == "no end within 9 s"
    assert list(found.values["e2e"]) == [0.5]
    assert found.rates["requests"].value == pytest.approx(1 / SECONDS)


def test_goodput_counts_requests_that_meet_every_objective() -> None:
    turn = _turn(
        record(1001.0, 0.5, ttft_s=0.2),
        record(1002.0, 0.5, ttft_s=0.3),  # first token too late
        record(1003.0, 0.7, ttft_s=0.2),  # all of it too late
        record(1004.0, 0.5, ttft_s=None),  # never had one
        record(1005.0, 0.5, ttft_s=0.2, outcome="invalid"),
    )
    assert cell([turn], Slos(ttft_s=0.25, e2e_s=0.6)).rates["good"].value == pytest.approx(1 / SECONDS)  # type: ignore[list-item]


def test_a_steady_closed_loop_gives_users_over_latency() -> None:
    found = cell([closed_loop(Turn(repeat, 4.0, "llamacpp"), 0.5) for repeat in range(2)], _NONE)
    requests = found.rates["requests"]
    assert requests.value == pytest.approx(8.0)
    assert (requests.low, requests.high) == pytest.approx((8.0, 8.0))  # each slice has as many: nothing varies
    assert found.times["e2e"][95].value == 0.5


def test_the_interval_of_a_percentile_holds_what_is_known_of_it() -> None:
    """Order statistics: of 100 values the median lies between the 40th and the 61st with 95 %."""
    turn = _turn(*[record(1000.05 + index * 0.09, (index + 1) / 100) for index in range(100)])
    median = cell([turn], _NONE).times["e2e"][50]  # type: ignore[list-item]
    assert median.value == 0.5
    assert median.low == pytest.approx(0.40, abs=0.03)
    assert median.high == pytest.approx(0.61, abs=0.03)


def test_the_interval_is_of_the_repeats_too() -> None:
    """Repeats that differ as a whole: within each nothing varies, so all of the interval is theirs."""
    turns = [closed_loop(Turn(repeat, 1.0, "llamacpp"), e2e_s) for repeat, e2e_s in enumerate((0.25, 0.5))]
    found = cell(turns, _NONE)
    requests, e2e = found.rates["requests"], found.times["e2e"][50]
    assert requests.value == pytest.approx(3.0)
    assert (requests.low, requests.high) == pytest.approx((2.0, 4.0))  # both draws the slow one, or both the fast one
    assert (e2e.value, e2e.low, e2e.high) == (0.25, 0.25, 0.5)


def test_the_gaps_of_one_answer_are_drawn_together() -> None:
    """Two answers, one of fast tokens and one of slow: with either drawn twice the median is all its own."""
    turn = _turn(record(1001.0, itl_s=(0.1,) * 50), record(1002.0, itl_s=(0.9,) * 50))
    itl = cell([turn], _NONE).times["itl"][50]  # type: ignore[list-item]
    assert (itl.low, itl.high, itl.n) == (0.1, 0.9, 100)


def test_ratios_are_of_the_same_repeats() -> None:
    """A machine that halves its speed in the second repeat, for both: rates are uncertain, their ratio is not."""
    cells = [
        cell([closed_loop(Turn(repeat, 1.0, name), e2e_s * slower) for repeat, slower in enumerate((1, 2))], _NONE)
        for name, e2e_s in (("llamacpp", 0.125), ("tensorrtllm", 0.25))
    ]
    rates = [found.rates["requests"] for found in cells]
    assert rates[0].low == pytest.approx(4.0)
    assert rates[0].high == pytest.approx(8.0)
    found = ratio(*rates)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_nothing_has_no_figures() -> None:
    found = cell([_turn(record(1001.0, outcome="failed", error="gone"))], _NONE)  # type: ignore[list-item]
    assert found.rates["requests"].value == 0.0
    assert found.times["e2e"][50].value is None
    assert ratio(found.rates["requests"], found.rates["requests"]).value is None
    assert ratio(Figure(None), Figure(1.0)).value is None
    with pytest.raises(ValueError, match="no record"):
        measured(_TURN, [], WARM_UP_S, SECONDS)


def test_turns_alternate_between_the_backends() -> None:
    order = [(turn.repeat, turn.level, turn.backend[0]) for turn in plan().turns()]
    assert order == [
        (0, 1.0, "l"), (0, 1.0, "t"), (0, 4.0, "t"), (0, 4.0, "l"),
        (1, 4.0, "l"), (1, 4.0, "t"), (1, 1.0, "t"), (1, 1.0, "l"),
    ]  # fmt: skip


def test_turns_of_backends_one_at_a_time() -> None:
    order = [(turn.repeat, turn.level, turn.backend[0]) for turn in plan().turns_apart()]
    assert order == [
        (0, 1.0, "l"), (0, 4.0, "l"), (0, 1.0, "t"), (0, 4.0, "t"),
        (1, 4.0, "t"), (1, 1.0, "t"), (1, 4.0, "l"), (1, 1.0, "l"),
    ]  # fmt: skip


def test_all_backends_get_the_same_traffic_and_each_repeat_another() -> None:
    made = plan()
    seeds: dict[tuple[int, float], set[int]] = {}
    for turn in made.turns():
        seeds.setdefault((turn.repeat, turn.level), set()).add(made.traffic_seed(turn))
    assert all(len(of_turn) == 1 for of_turn in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds)
