"""The simulation against published formulas, with what chance leaves of them: the seeds are set, so always the same."""

from __future__ import annotations

import numpy as np
import pytest
from queues import engine, erlang_c, exponential, repairmen

from loadtest.capacity.chain import Robots
from loadtest.capacity.service import Service
from loadtest.capacity.simulation import with_arrivals, with_robots
from loadtest.comparison.plan import Slos

_MANY = {"limit": 100_000, "seed": 3}


@pytest.mark.parametrize(("slots", "arrivals"), [(1, 1.2), (4, 6.0)])
def test_work_that_varies_exponentially_waits_as_erlang_has_it(slots: int, arrivals: float) -> None:
    found = with_arrivals(engine(2.0, slots, exponential()), arrivals, orders=40_000, **_MANY)
    wait_s = erlang_c(arrivals / 2.0, slots) / (2.0 * slots - arrivals)
    assert found.e2e_s.mean() == pytest.approx(wait_s + 0.5, rel=0.05)
    assert found.throughput == pytest.approx(arrivals, rel=0.02)


def test_work_that_does_not_vary_waits_half_as_long() -> None:
    """Pollaczek and Khinchine: at one server, load / (1 - load) × (1 + variation²) / 2 services."""
    found = with_arrivals(engine(1.0, 1), 0.8, orders=40_000, **_MANY)
    assert found.e2e_s.mean() - 1.0 == pytest.approx(0.8 / 0.2 / 2, rel=0.05)


@pytest.mark.parametrize("demands", [(1.0,), (0.25, 0.25, 2.5)])
def test_one_that_shares_itself_evenly_takes_as_long_whatever_the_work(demands: tuple[float, ...]) -> None:
    """Processor sharing: services / (1 - load) on average, which does not depend on how work varies."""
    places = 300
    shared = Service(np.full(places, 1.0), np.full(places, 0.5), places, np.column_stack([demands, demands]))
    found = with_arrivals(shared, 0.6, orders=40_000, **_MANY)
    assert found.e2e_s.mean() == pytest.approx(1 / 0.4, rel=0.05)


@pytest.mark.parametrize(("robots", "slots"), [(6, 1), (30, 4)])
def test_robots_are_the_machine_repairman(robots: int, slots: int) -> None:
    service = engine(2.0, slots, exponential())
    found = with_robots(service, robots, 3.0, engines=1, orders=40_000, **_MANY)
    mended, _ = repairmen(robots, slots, up_s=3.0, mend_s=0.5)
    assert found.throughput == pytest.approx(mended, rel=0.02)
    assert found.e2e_s.mean() == pytest.approx(robots / mended - 3.0, rel=0.05)


def test_several_engines_do_what_the_formula_says() -> None:
    service = engine(2.0, 2, exponential())
    found = with_robots(service, 40, 2.0, engines=3, orders=40_000, **_MANY)
    means = Robots(service.rates, service.slots, 2.0, 3, 40).steady(40)
    assert found.throughput == pytest.approx(means.throughput, rel=0.02)
    assert found.e2e_s.mean() == pytest.approx(means.response_s, rel=0.05)


def test_one_robot_never_waits() -> None:
    found = with_robots(engine(2.0, 1, first=0.3), 1, 1.0, engines=1, orders=100, **_MANY)
    assert found.e2e_s == pytest.approx(np.full(100, 0.5))
    assert found.ttfa_s == pytest.approx(np.full(100, 0.15))


def test_paces_are_those_that_were_measured_with_as_many_there() -> None:
    """Two robots that hardly think: together they are served 3 a second, and half of the time is before acting."""
    service = Service(np.array([2.0, 3.0]), np.array([0.2, 0.5]), 2, np.ones((1, 2)))
    found = with_robots(service, 2, 1e-6, engines=1, orders=1000, **_MANY)
    assert found.throughput == pytest.approx(3.0, rel=0.01)
    assert np.median(found.e2e_s) == pytest.approx(2 / 3, rel=0.01)
    assert np.median(found.ttfa_s) == pytest.approx(1 / 3, rel=0.01)


def test_a_queue_that_is_full_refuses() -> None:
    load, limit = 0.9, 4
    found = with_arrivals(engine(1.0, 1, exponential()), load, limit=limit, orders=40_000, seed=3)
    refused = (1 - load) * load**limit / (1 - load ** (limit + 1))
    assert found.lost / 40_000 == pytest.approx(refused, rel=0.05)
    assert len(found.e2e_s) + found.lost == 40_000
    assert found.share_within(Slos()) == pytest.approx(1 - refused, abs=0.01)


def test_robots_that_are_refused_ask_again() -> None:
    found = with_robots(engine(1.0, 1), 5, 0.1, engines=1, limit=2, orders=2000, seed=3)
    assert found.lost > 0
    assert found.throughput == pytest.approx(1.0, rel=0.1)
    assert found.e2e_s.max() <= 2.0 + 1e-9  # one before it, and itself


def test_the_same_seed_plays_the_same() -> None:
    def played(seed: int) -> list[float]:
        service = engine(1.0, 2, exponential(100))
        return list(with_robots(service, 9, 2.0, engines=2, limit=100, orders=500, seed=seed).e2e_s)

    assert played(1) == played(1)
    assert played(1) != played(2)
