"""The scaled clock, on real time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.robot.simulator.clock import Activity, ScaledClock


@pytest.fixture
def fast() -> Iterator[ScaledClock]:
    clock = ScaledClock(speed=1000.0)
    yield clock
    clock.close()


def test_activities_end_in_simulated_time_and_in_order(fast: ScaledClock) -> None:
    ended: list[str] = []
    done = threading.Event()
    now = fast.now()
    later, sooner = Activity(fast, now + 60.0), Activity(fast, now + 30.0)
    later.when_done(lambda completed: (ended.append(f"later {completed} {fast.now() >= later.ends}"), done.set()))
    sooner.when_done(lambda completed: ended.append(f"sooner {completed} {fast.now() >= sooner.ends}"))
    assert done.wait(10)  # 60 simulated seconds are 0.06 real ones
    assert ended == ["sooner True True", "later True True"]


def test_an_activity_ends_once(fast: ScaledClock) -> None:
    endings: list[bool] = []
    activity = Activity(fast, fast.now() + 5.0)
    activity.when_done(endings.append)
    activity.stop()
    activity.stop()
    passed = threading.Event()
    Activity(fast, fast.now() + 10.0).when_done(lambda _: passed.set())
    assert passed.wait(10)
    assert endings == [False]
    activity.when_done(endings.append)
    assert endings == [False, False]


def test_one_failing_callback_does_not_stop_the_clock(fast: ScaledClock) -> None:
    fast.call_at(fast.now(), lambda: 1 / 0)
    passed = threading.Event()
    fast.call_at(fast.now() + 1.0, passed.set)
    assert passed.wait(10)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_senseless_speeds_are_errors(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be between"):
        ScaledClock(speed)
