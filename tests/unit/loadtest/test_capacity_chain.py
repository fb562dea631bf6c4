"""Birth-death chains against published formulas, and against a network of queues solved state by state."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from queues import erlang_c, repairmen

from loadtest.capacity.chain import Robots, Steady, open_queue
from loadtest.comparison.measured import Floats


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9])
def test_one_server(load: float) -> None:
    found = open_queue(np.array([2.0]), 1, 2.0 * load, limit=2000)
    assert found.present == pytest.approx(load / (1 - load), rel=1e-6)
    assert found.response_s == pytest.approx(1 / (2.0 - 2.0 * load), rel=1e-6)
    assert found.wait_s == pytest.approx(load / (2.0 - 2.0 * load), rel=1e-6)
    assert found.utilisation == pytest.approx(load, rel=1e-6)


@pytest.mark.parametrize(("servers", "arrivals"), [(2, 3.0), (4, 7.0), (16, 31.0)])
def test_many_servers_wait_as_erlang_has_it(servers: int, arrivals: float) -> None:
    found = open_queue(2.0 * np.arange(1, servers + 1), servers, arrivals, limit=3000)
    wait_s = erlang_c(arrivals / 2.0, servers) / (2.0 * servers - arrivals)
    assert found.wait_s == pytest.approx(wait_s, rel=1e-6)
    assert found.response_s == pytest.approx(wait_s + 0.5, rel=1e-6)


@pytest.mark.parametrize("load", [0.5, 0.999, 3.0])
def test_a_bounded_queue_refuses(load: float) -> None:
    limit = 5
    found = open_queue(np.array([1.0]), 1, load, limit)
    refused = (1 - load) * load**limit / (1 - load ** (limit + 1))
    assert found.refused == pytest.approx(refused, rel=1e-6)
    assert found.throughput == pytest.approx(load * (1 - refused), rel=1e-6)


@pytest.mark.parametrize(("robots", "menders"), [(1, 1), (4, 1), (9, 3), (60, 4)])
def test_robots_at_one_engine_are_the_machine_repairman(robots: int, menders: int) -> None:
    found = Robots(2.0 * np.arange(1, menders + 1), menders, 10.0, engines=1, most=60).steady(robots)
    mended, down = repairmen(robots, menders, up_s=10.0, mend_s=0.5)
    assert found.throughput == pytest.approx(mended, rel=1e-6)
    assert found.present == pytest.approx(down, rel=1e-6)
    assert found.response_s == pytest.approx(robots / mended - 10.0, rel=1e-6)


@pytest.mark.parametrize("engines", [2, 3])
def test_robots_at_several_engines_against_the_states_one_by_one(engines: int) -> None:
    rates, think_s, robots = np.array([1.0, 1.7, 2.1]), 0.8, 6
    found = Robots(rates, 2, think_s, engines, most=9).steady(robots)
    expected = state_by_state(rates, 2, think_s, engines, robots)
    for name in ("throughput", "present", "waiting", "response_s", "utilisation"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6), name


def state_by_state(rates: Floats, slots: int, think_s: float, engines: int, robots: int) -> Steady:
    """The network's balance equations, a state for each number of orders at each engine."""
    states = [state for state in itertools.product(range(robots + 1), repeat=engines) if sum(state) <= robots]
    places = {state: place for place, state in enumerate(states)}
    flows = np.zeros((len(states), len(states)))

    def served(count: int) -> float:
        return float(rates[min(count, len(rates)) - 1]) if count else 0.0

    for state in states:
        for engine in range(engines):
            for step, rate in ((1, (robots - sum(state)) / think_s / engines), (-1, served(state[engine]))):
                if rate:
                    after = (*state[:engine], state[engine] + step, *state[engine + 1 :])
                    flows[places[state], places[after]] += rate
                    flows[places[state], places[state]] -= rate
    equations = np.vstack([flows.T, np.ones(len(states))])
    chances = np.linalg.lstsq(equations, np.append(np.zeros(len(states)), 1.0), rcond=None)[0]

    def mean(value: object) -> float:
        return float(sum(chance * value(state) for chance, state in zip(chances, states, strict=True)))  # type: ignore[operator]

    throughput = mean(lambda state: sum(map(served, state)))
    return Steady(
        throughput=throughput,
        present=mean(sum),
        waiting=mean(lambda state: sum(max(0, count - slots) for count in state)),
        response_s=mean(sum) / throughput,
        utilisation=throughput / engines / max(rates),
    )


def test_no_queue_serves_more_than_its_engines_can() -> None:
    rates = np.array([1.0, 1.8, 2.4, 2.2])  # the most is not at the end
    for engines in (1, 2, 5):
        chain = Robots(rates, 4, 3.0, engines, most=200)
        for robots in (1, 10, 50, 200):
            found = chain.steady(robots)
            assert found.throughput <= engines * 2.4
            assert found.utilisation <= 1
            assert found.throughput <= robots / 3.0
    assert open_queue(rates, 4, 50.0, limit=100).throughput <= 2.4


def test_more_engines_never_serve_less() -> None:
    found = [Robots(np.array([1.0, 1.5]), 2, 4.0, engines, most=300).steady(300) for engines in (1, 2, 3, 4, 8, 16)]
    rates = [one.throughput for one in found]
    assert rates == sorted(rates)
    waits = [one.response_s for one in found]
    assert waits == sorted(waits, reverse=True)


def test_thousands_of_robots_are_no_trouble() -> None:
    found = Robots(np.array([50.0]), 1, 30.0, engines=2, most=4000).steady(4000)
    assert found.throughput == pytest.approx(100.0, rel=1e-3)
    assert found.response_s == pytest.approx(10.0, rel=1e-2)  # 4000 robots a round of 40 s
