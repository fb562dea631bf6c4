"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

import pytest

from services.backends.circuit import Admission, Circuit, CircuitSettings

SETTINGS = CircuitSettings(circuit_failures=3, circuit_window_s=10, circuit_open_s=5, circuit_successes=2)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(SETTINGS, clock)


def admitted(circuit: Circuit) -> Admission:
    admission = circuit.admit()
    assert admission is not None
    return admission


def fail(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        admitted(circuit).failed()


def test_opens_after_so_many_failures_and_refuses_until_its_time(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 2)
    assert circuit.state == "closed"
    fail(circuit)
    assert circuit.state == "open"
    assert not circuit.admit()
    clock.now += 4.9
    assert not circuit.admit()
    clock.now += 0.2
    assert circuit.state == "half-open"


def test_failures_far_apart_do_not_open_it(circuit: Circuit, clock: Clock) -> None:
    for _ in range(10):
        fail(circuit)
        clock.now += 5.1
    assert circuit.state == "closed"


def test_a_success_makes_up_for_the_failures_before_it(circuit: Circuit) -> None:
    fail(circuit, 2)
    admitted(circuit).succeeded()
    fail(circuit, 2)
    assert circuit.state == "closed"


def test_half_open_lets_one_through_at_a_time_and_closes_after_so_many(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5
    trial = admitted(circuit)
    assert not circuit.admit()
    trial.succeeded()
    assert circuit.state == "half-open"
    admitted(circuit).succeeded()
    assert circuit.state == "closed"
    fail(circuit, 2)
    assert circuit.state == "closed", "the failures of the time before are forgotten"


def test_one_failure_while_half_open_opens_it_again_for_the_whole_time(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5
    admitted(circuit).succeeded()
    fail(circuit)
    assert circuit.state == "open"
    clock.now += 5
    admitted(circuit).succeeded()
    assert circuit.state == "half-open", "successes before the last failure do not count"


def test_an_abandoned_trial_frees_its_place(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5
    admitted(circuit).abandoned()
    assert circuit.state == "half-open"
    assert circuit.admit()


def test_late_reports_of_requests_from_before_it_opened_keep_it_open(circuit: Circuit, clock: Clock) -> None:
    admissions = [admitted(circuit) for _ in range(4)]
    for admission in admissions[:3]:
        admission.failed()
    clock.now += 1
    admissions[3].failed()
    assert circuit.state == "open"


def test_late_reports_do_not_let_a_second_trial_through(circuit: Circuit, clock: Clock) -> None:
    late = [admitted(circuit) for _ in range(3)]
    fail(circuit, 3)
    clock.now += 5
    trial = admitted(circuit)
    late[0].abandoned()
    late[1].failed()
    late[2].succeeded()
    assert circuit.state == "half-open"
    assert not circuit.admits
    trial.succeeded()
    assert circuit.admits


def test_one_that_could_not_be_reached_is_tried_as_soon_as_it_is_healthy(circuit: Circuit) -> None:
    for _ in range(3):
        admitted(circuit).failed(unreachable=True)
    assert circuit.waits_for_health
    circuit.healthy()
    assert circuit.state == "half-open"
    fail(circuit)
    assert not circuit.waits_for_health, "it answers but fails: only time tells"
    circuit.healthy()
    assert circuit.state == "open"


def test_late_successes_of_requests_from_before_it_opened_do_not_close_it(circuit: Circuit) -> None:
    admissions = [admitted(circuit) for _ in range(5)]
    for admission in admissions[:3]:
        admission.failed()
    for admission in admissions[3:]:
        admission.succeeded()
    assert circuit.state == "open"
    assert circuit.retry_after_s == 5
