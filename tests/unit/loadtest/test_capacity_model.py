"""From what was measured to how many robots are carried, with engines whose figures are known."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from queues import QUESTION, engine
from synthetic import closed_loop, record

from loadtest.capacity.check import Soak, holds
from loadtest.capacity.model import Model, Row, soaked
from loadtest.capacity.observed import Observed, observed
from loadtest.capacity.service import Level, level, service_of
from loadtest.comparison.measured import measured
from loadtest.comparison.plan import Slos, Turn


def one(at_once: float, e2e_s: float, ttfa_s: float | None = 0.2, **changes: object) -> Level:
    return level(closed_loop(Turn(0, at_once, "llamacpp"), e2e_s, ttfa_s=ttfa_s, **changes))


def waiting(slots: int, e2e_s: float = 0.5) -> list[Level]:
    """An engine with places, before which orders wait, at 1, 2, 4 and 8 at once."""
    waits_s = [e2e_s * max(0.0, at_once / slots - 1) for at_once in (1, 2, 4, 8)]
    return [one(at, e2e_s + wait, 0.2 + wait) for at, wait in zip((1.0, 2.0, 4.0, 8.0), waits_s, strict=True)]


def test_a_level_is_littles_law() -> None:
    found = one(4.0, 0.5)
    assert found.rate == pytest.approx(8.0)
    assert (found.answered, found.lost) == (80, 0)
    assert found.e2e_s == pytest.approx(0.5)
    assert found.first_share == pytest.approx(0.4)


def test_orders_without_an_answer_take_time_too() -> None:
    """Of two robots the one is answered after 1 s each time, the other given up after 2 s."""
    good = [record(1000.0 + second, 1.0, ttfa_s=0.5) for second in range(12)]
    bad = [record(1000.0 + 2 * pair, 2.0, outcome="timed_out") for pair in range(6)]
    found = level(measured(Turn(0, 2.0, "llamacpp"), [*good, *bad], 2.0, 10.0))
    assert (found.answered, found.lost) == (10, 5)
    assert found.rate == pytest.approx(1.0)


def test_a_program_that_the_checks_refuse_cost_the_engine_as_much() -> None:
    assert one(2.0, 0.5, outcome="invalid").rate == pytest.approx(4.0)


def test_an_answer_without_action_is_its_own_first_action() -> None:
    assert one(1.0, 0.5, ttfa_s=None).first_share == pytest.approx(1.0)


def test_a_level_without_answers_is_none() -> None:
    with pytest.raises(ValueError, match="at 2 at once no order"):
        one(2.0, 0.5, outcome="failed")


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_places_are_found_where_orders_begin_to_wait(slots: int) -> None:
    found = service_of(waiting(slots))
    assert found.slots == slots
    assert not found.grows
    assert found.most == pytest.approx(2.0 * slots)
    assert found.paces_s(1) == pytest.approx((0.2, 0.3))
    assert found.paces_s(8) == pytest.approx((0.2, 0.3))  # those in service; the others wait


def test_an_engine_that_is_slower_with_each_takes_them_all() -> None:
    """It serves no more with 8 than with 2, but the time after the first action is longer as well: none waits."""
    found = service_of([one(1.0, 0.5), one(2.0, 0.5), one(4.0, 1.0, 0.4), one(8.0, 2.0, 0.8)])
    assert found.slots == 8
    assert found.most == pytest.approx(4.0)
    assert found.paces_s(8) == pytest.approx((0.8, 1.2))
    assert found.paces_s(100) == pytest.approx((0.8, 1.2))


def test_places_that_stand_idle_between_orders_are_found_all_the_same() -> None:
    """With 4 at once each of four places waits 0.1 s for its next order; with 8 the next is there already."""
    found = service_of([one(1.0, 0.6, 0.3), one(2.0, 0.6, 0.3), one(4.0, 0.6, 0.3), one(8.0, 1.02, 0.7)])
    assert found.slots == 4
    assert not found.grows
    assert found.most == pytest.approx(8 / 1.02)
    assert sum(found.paces_s(8)) == pytest.approx(0.51)


def test_throughput_that_still_grows_is_told() -> None:
    assert service_of([one(1.0, 0.5), one(2.0, 0.5)]).grows
    assert service_of([one(1.0, 0.5)]).grows


def test_between_levels_lies_a_straight_line() -> None:
    found = service_of([one(1.0, 0.5), one(4.0, 0.5)])
    assert found.rates == pytest.approx(np.array([2.0, 4.0, 6.0, 8.0]))


def test_a_deterministic_engine_carries_what_can_be_counted() -> None:
    """Two places of 0.5 s, an order at once in each: more than 5 % wait as soon as there is a third robot."""
    question = replace(QUESTION, think_s=0.001, ttfa_s=0.3, e2e_s=0.6)
    assert Model(engine(2.0, 2), question).carries(1) == 2


def test_objectives_that_nothing_keeps_carry_nobody() -> None:
    model = Model(engine(2.0, 2), replace(QUESTION, ttfa_s=0.1, e2e_s=0.4))
    answer = model.answer()
    assert answer.carries == {1: 0, 2: 0}
    assert soaked(0) == (1,)
    assert answer.row(1, 1).simulated.share_within(QUESTION.slos) == 1.0


@pytest.mark.parametrize("seed", [1, 2])
def test_more_engines_and_longer_times_carry_more(seed: int) -> None:
    question = replace(QUESTION, seed=seed, e2e_s=1.2, ttfa_s=0.9, orders=2000)
    service = engine(2.0, 2, (0.5, 1.0, 1.5))
    carried = [Model(service, question).carries(engines) for engines in (1, 2, 4)]
    assert carried[0] < carried[1] < carried[2]
    # Separate queues: twice the engines are twice the queues, and a little more evens out.
    assert carried[1] == pytest.approx(2 * carried[0], rel=0.15)
    assert Model(service, replace(question, e2e_s=2.0, ttfa_s=1.7)).carries(1) > carried[0]
    assert Model(service, replace(question, percentile=99.0)).carries(1) < carried[0]


def test_an_answer_has_a_row_for_all_that_is_told_and_checked() -> None:
    answer = Model(engine(2.0, 2), replace(QUESTION, engines=(2, 4))).answer()
    assert set(answer.carries) == {1, 2, 4}
    for robots in soaked(answer.carries[1]):
        assert answer.row(1, robots).robots == robots
    for engines, robots in answer.carries.items():
        row = answer.row(engines, robots)
        assert row.simulated.share_within(QUESTION.slos) >= 0.95
        assert row.means.throughput <= engines * 4.0
        assert row.simulated.throughput <= engines * 4.0 * 1.001
    shares = [one.means.utilisation for one in answer.arrivals]
    assert shares == sorted(shares)
    assert answer.arrivals[-1].simulated is None
    assert answer.arrivals[-1].means.refused == pytest.approx(1 - 1 / 1.2, rel=1e-3)


def test_a_soak_is_measured_as_it_is_predicted() -> None:
    """A turn whose orders meet the model's own times: the rate of those that ended in it, the times of those sent."""
    found = observed(closed_loop(Turn(0, 2.0, "llamacpp"), 0.5, ttfa_s=0.2))
    assert found.throughput == pytest.approx(4.0)
    assert found.percentile("e2e", 95) == 0.5
    assert found.percentile("ttfa", 50) == 0.2
    assert found.share_within(Slos(None, 0.2, 0.5)) == 1.0
    assert found.share_within(Slos(None, 0.1, 0.5)) == 0.0


def _row(throughput: float, e2e_s: float) -> Row:
    means = Model(engine(2.0, 2), QUESTION).rows(1, [4])[0].means
    simulated = Observed(np.full(100, 0.2), np.full(100, e2e_s), 0, throughput)
    return Row(1, 4, replace(means, throughput=throughput), simulated)


@pytest.mark.parametrize(("e2e_s", "held"), [(0.5, True), (0.59, True), (0.61, False), (0.39, False)])
def test_the_model_holds_if_no_figure_is_far_off(e2e_s: float, held: bool) -> None:
    was = Observed(np.full(50, 0.2), np.full(50, 0.5), 0, 1.0)
    soak = Soak(_row(1.1, e2e_s), was)
    assert holds([soak]) is held
    assert [one.what for one in soak.figures][:3] == ["orders/s", "E2E p50, s", "E2E p95, s"]
    assert soak.figures[0].error == pytest.approx(0.1)


def test_nothing_measured_is_nothing_held() -> None:
    nothing = Observed(np.array([]), np.array([]), 3, 0.0)
    assert holds([Soak(_row(1.0, 0.5), nothing)]) is None
    assert nothing.share_within(QUESTION.slos) == 0.0
    assert nothing.percentile("e2e", 50) == pytest.approx(nan, nan_ok=True)
