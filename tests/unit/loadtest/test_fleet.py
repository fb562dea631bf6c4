"""Who asks for what and when, from the seed; shapes, traces and settings of the load."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from pathlib import Path

import pytest

from loadtest.records import Record
from loadtest.traffic.fleet import Fleet, Robot
from loadtest.traffic.settings import BadOption, Settings, named_backends, read_key, read_settings
from loadtest.traffic.shapes import SHAPES, users_at
from loadtest.traffic.trace import BadTrace, read_trace
from tests.unit.loadtest.settings import USUAL, settings


def times(robot: Robot, count: int) -> list[float]:
    """When it asks, in seconds from its start."""
    at_s, found = 0.0, []
    for _ in range(count):
        arrival = robot.next_arrival()
        assert arrival is not None
        at_s += arrival[0]
        found.append(at_s)
    return found


def test_a_robot_asks_for_the_same_in_every_run() -> None:
    def asked(seed: int) -> list[str]:
        robot = Fleet(settings(seed=seed)).take()
        return [robot.next_ask().instruction.id for _ in range(50)]

    assert asked(1) == asked(1) != asked(2)


def test_backends_get_the_same_traffic() -> None:
    of = settings(backends=("tgi", "vllm"), robots=4, arrivals="poisson", rate=8, priorities="0=1,5=1,9=1")
    fleet = Fleet(of)
    robots = [fleet.take() for _ in range(4)]
    assert [robot.backend for robot in robots] == ["tgi", "vllm", "tgi", "vllm"]
    plans = [[robot.next_arrival() for _ in range(50)] for robot in robots]
    for mine, other in ((0, 1), (2, 3)):
        assert robots[mine].priority == robots[other].priority
        assert [(gap, ask.instruction) for gap, ask in plans[mine]] == [
            (gap, ask.instruction) for gap, ask in plans[other]
        ]
    assert plans[0] != plans[2]


def test_processes_share_no_robot_and_leave_none_out() -> None:
    of = settings(robots=5)
    fleets = [Fleet(of, (), process, 2) for process in range(2)]
    numbers = [fleets[0].take().number for _ in range(3)] + [fleets[1].take().number for _ in range(2)]
    assert sorted(numbers) == [0, 1, 2, 3, 4]


def test_who_comes_back_goes_on_where_it_was() -> None:
    fleet = Fleet(settings(robots=2))
    first, second = fleet.take(), fleet.take()
    before = first.next_ask()
    fleet.give_back(second)
    fleet.give_back(first)
    again = fleet.take()
    assert again is first
    alone = Fleet(settings(robots=2)).take()
    assert [before, again.next_ask()] == [alone.next_ask(), alone.next_ask()]


def test_constant_arrivals_of_all_robots_are_evenly_spread() -> None:
    fleet = Fleet(settings(robots=4, arrivals="constant", rate=2.0))
    together = sorted(at_s for _ in range(4) for at_s in times(fleet.take(), 10))
    assert together == pytest.approx([0.5 * number for number in range(1, 41)])


def test_poisson_arrivals_have_the_rate_and_its_spread() -> None:
    fleet = Fleet(settings(robots=5, arrivals="poisson", rate=10.0))
    together = [at_s for _ in range(5) for at_s in times(fleet.take(), 600) if at_s < 200]
    per_second = Counter(int(at_s) for at_s in together)
    counts = [per_second[second] for second in range(200)]
    mean = sum(counts) / 200
    variance = sum((count - mean) ** 2 for count in counts) / 199
    assert mean == pytest.approx(10, rel=0.1)
    assert variance == pytest.approx(mean, rel=0.3)  # as in a Poisson process, and no other of its rate


def test_think_times_have_the_mean_that_is_set() -> None:
    robot = Fleet(settings(think_time_s=3.0)).take()
    assert sum(robot.think_s() for _ in range(4000)) / 4000 == pytest.approx(3.0, rel=0.1)
    assert Fleet(settings()).take().think_s() == 0.0


def test_priorities_come_by_their_weights() -> None:
    fleet = Fleet(settings(robots=3000, priorities="0=1,9=2"))
    drawn = Counter(fleet.take().priority for _ in range(3000))
    assert drawn[0] / 3000 == pytest.approx(1 / 3, abs=0.03)
    assert drawn.keys() == {0, 9}


@pytest.mark.parametrize(
    ("shape", "users"),
    [
        ("constant", [10, 10, 10, 10, 10]),
        ("ramp", [1, 3, 5, 8, 10]),
        ("steps", [2, 4, 6, 8, 10]),
        ("spike", [2, 2, 10, 2, 2]),
        ("soak", [1, 10, 10, 10, 1]),
    ],
)
def test_shapes_over_the_run_time(shape: str, users: list[int]) -> None:
    assert [users_at(shape, elapsed_s, 100.0, 10) for elapsed_s in (0.0, 25.0, 50.0, 75.0, 100.0)] == users


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_keep_to_their_bounds(shape: str) -> None:
    counts = [users_at(shape, at_s / 10, 60.0, 7, least=2) for at_s in range(700)]
    assert min(counts) >= 2
    assert max(counts) == 7


def test_without_an_end_the_load_is_constant() -> None:
    assert users_at("constant", 1e6, None, 5) == 5


def test_a_trace_is_dealt_out_once(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    lines = [{"at_s": 10 + number, "item": "en-wave", "robot": f"r{number}"} for number in range(7)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    fleet = Fleet(settings(robots=3, arrivals="replay", trace=str(path)), read_trace(str(path)))
    seen = []
    for robot in [fleet.take() for _ in range(3)]:
        at_s = 0.0
        while (arrival := robot.next_arrival()) is not None:
            at_s += arrival[0]
            seen.append((at_s, arrival[1].robot))
    assert sorted(seen) == [(float(number), f"r{number}") for number in range(7)]


def test_records_are_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    records = [
        Record("tgi", "durable", item, "robot-0000", 1e9 + at_s, "completed", 1.0)
        for at_s, item in ((2.5, "zh-sit"), (1, "en-sit"))
    ]
    path.write_text("".join(record.line() for record in records) + records[0].line()[:20], encoding="utf-8")
    assert [(entry.at_s, entry.instruction.id) for entry in read_trace(str(path))] == [(0, "en-sit"), (1.5, "zh-sit")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no entry"),
        ("word\n", "line 1 is no entry"),
        ('{"at_s": 1}\n', "line 1 is no entry"),
        ('{"at_s": 1, "item": "fly"}\n', "line 1: there is no instruction 'fly'"),
    ],
)
def test_what_is_no_trace_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text)
    with pytest.raises(BadTrace, match=said):
        read_trace(str(path))


def options(**changes: object) -> Namespace:
    rest = {"backend": ["default"], "num_users": None, "run_time": None, "api_keys_file": ""}
    return Namespace(**{**USUAL, **rest, **changes})


def test_settings_are_read_from_options() -> None:
    read = read_settings(options(rate="2.5", priorities="0=1, 5=9"), "http://127.0.0.1:8000", "vllm")
    assert (read.backends, read.robots, read.rate, read.priorities) == (("vllm",), 1, 2.5, {0: 1.0, 5: 9.0})
    assert Settings.model_validate(json.loads(read.model_dump_json())) == read  # as it goes to workers


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": "0"}, "--rate: Input should be greater than 0"),
        ({"timeout_s": "nan"}, "--timeout-s: Input should be a finite number"),
        ({"priorities": "10"}, "--priorities: '10' is not read"),
        ({"priorities": "5=0"}, "--priorities: "),
        ({"arrivals": "sometimes"}, "--arrivals: Input should be 'closed', 'poisson', 'constant' or 'replay'"),
        ({"num_users": 1, "backend": "tgi,vllm"}, "--users: 2 backends need at least one robot each"),
        ({"shape": "steps"}, "The shape steps is drawn over the run time"),
        ({"api_keys_file": "/nowhere"}, "--api-keys-file: /nowhere cannot be read"),
    ],
)
def test_settings_that_cannot_be_say_so(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadOption) as caught:
        read_settings(options(**changes), "http://127.0.0.1:8000", "llamacpp")
    assert str(caught.value).startswith(said)


def test_backends_are_named_in_several_ways() -> None:
    assert named_backends("tgi, vllm,,tgi") == named_backends(["tgi", "vllm"]) == ("tgi", "vllm")
    assert named_backends("tgi,triton,tensorrtllm") == ("tgi", "tensorrtllm")
    assert named_backends(["default"]) == named_backends("") == ()


def test_the_first_key_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# who may\n\nlab:secret\nother\n")
    assert read_key(str(path)) == "secret"
    assert read_key("") == ""
