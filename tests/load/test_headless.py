"""Headless runs: what is measured, what is told apart, and how a run ends."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from loadtest.processes import fake_engine
from loadtest.records import Record
from tests.contract.router.running_router import running_router
from tests.load.conftest import BROKEN, FAST, NARROW, WRONG, LoadTest


def by_robot(records: list[Record]) -> dict[str, list[str]]:
    items: dict[str, list[str]] = {}
    for record in sorted(records, key=lambda record: record.sent_at_s):
        items.setdefault(record.robot, []).append(record.item)
    return items


def test_the_durable_door_is_timed_at_the_client(load_test: LoadTest) -> None:
    done = load_test.run("--users", "2", "--run-time", "3s", "--backend", FAST)
    assert done.status == 0, done.errors
    assert len(done.records) >= 6
    for record in done.records:
        assert (record.outcome, record.backend, record.door) == ("completed", "llamacpp", "durable"), record
        # The engine takes 50 ms to its first token and 36 × 5 ms from there; a statement is about half of that.
        assert record.ttft_s is not None
        assert record.ttfa_s is not None
        assert 0.05 <= record.ttft_s <= record.ttfa_s <= record.e2e_s
        assert record.e2e_s >= 0.2
        assert record.itl_s == ()
        assert record.output_tokens == 37


def test_the_pass_through_is_timed_token_by_token(load_test: LoadTest) -> None:
    done = load_test.run("--users", "1", "--run-time", "2s", "--backend", NARROW, "--door", "passthrough")
    assert done.status == 0, done.errors
    assert done.records
    for record in done.records:
        assert record.ttft_s is not None
        assert record.ttft_s >= 0.15
        assert record.ttfa_s is None
        assert len(record.itl_s) == 36
        assert record.ttft_s + sum(record.itl_s) <= record.e2e_s + 0.001
        assert 0.1 < sum(record.itl_s) < 2
        assert record.tpot_s is not None
        assert record.tpot_s == pytest.approx(sum(record.itl_s) / 36, rel=0.5)


def test_two_backends_are_asked_for_the_same_and_so_is_another_run(load_test: LoadTest) -> None:
    options = (
        "--users",
        "4",
        "--run-time",
        "2s",
        "--backend",
        "llamacpp,vllm",
        "--seed",
        "7",
        "--priorities",
        "0=1,9=1",
    )
    first = load_test.run(*options)
    second = load_test.run(*options)
    assert first.status == second.status == 0, first.errors + second.errors
    assert Counter(record.backend for record in first.records).keys() == {"llamacpp", "vllm"}
    one, other = by_robot(first.records), by_robot(second.records)
    assert one.keys() == other.keys() == {"robot-0000", "robot-0001", "robot-0002", "robot-0003"}

    def same(these: list[str], those: list[str]) -> bool:
        return all(a == b for a, b in zip(these, those, strict=False))

    assert all(same(one[robot], other[robot]) for robot in one)
    assert same(one["robot-0000"], one["robot-0001"])  # the first robots of both backends
    assert not same(one["robot-0000"], one["robot-0002"])


def test_open_arrivals_do_not_wait_for_answers(load_test: LoadTest) -> None:
    # Each answer takes 230 ms: one robot that waits for its own could ask 13 times.
    done = load_test.run("--arrivals", "constant", "--rate", "15", "--run-time", "3s", "--door", "passthrough")
    assert done.status == 0, done.errors
    assert 38 <= len(done.records) <= 45
    sent = sorted(record.sent_at_s for record in done.records)
    assert (sent[-1] - sent[0]) / (len(sent) - 1) == pytest.approx(1 / 15, rel=0.1)


def test_a_recorded_run_is_replayed_at_its_times(load_test: LoadTest, tmp_path: Path) -> None:
    first = load_test.run("--arrivals", "poisson", "--rate", "6", "--run-time", "3s", "--users", "2")
    assert first.status == 0, first.errors
    trace = load_test.records_path.rename(tmp_path / "trace.jsonl")
    second = load_test.run("--arrivals", "replay", "--trace", str(trace), "--users", "2", "--door", "passthrough")
    assert second.status == 0, second.errors

    def schedule(records: list[Record]) -> list[tuple[float, str, str]]:
        begin = min(record.sent_at_s for record in records)
        return sorted((record.sent_at_s - begin, record.item, record.robot) for record in records)

    before, after = schedule(first.records), schedule(second.records)
    assert sorted(item for _, item, _ in before) == sorted(item for _, item, _ in after)
    assert [at_s for at_s, _, _ in after] == pytest.approx([at_s for at_s, _, _ in before], abs=0.15)


@pytest.mark.parametrize("door", ["durable", "passthrough"])
def test_a_deadline_ends_every_request_and_the_run(load_test: LoadTest, door: str) -> None:
    done = load_test.run("--backend", FAST, "--run-time", "1s", "--timeout-s", "0.15", "--door", door, timeout_s=30)
    assert done.status == 1, done.errors
    assert {record.outcome for record in done.records} == {"timed_out"}
    assert all(0.14 <= record.e2e_s < 0.6 for record in done.records)


@pytest.mark.parametrize(
    ("backend", "door", "outcome", "said"),
    [
        (BROKEN, "durable", "failed", "backend.failed"),
        (BROKEN, "passthrough", "failed", "HTTP 500"),
        (WRONG, "durable", "invalid", "program."),
        (NARROW, "passthrough", "refused", "Retry-After: 1"),
    ],
)
def test_ends_are_told_apart(load_test: LoadTest, backend: str, door: str, outcome: str, said: str) -> None:
    done = load_test.run("--backend", backend, "--door", door, "--users", "6", "--run-time", "2s", "--timeout-s", "10")
    assert done.status == 1, done.errors
    of_interest = [record for record in done.records if record.outcome != "completed"]
    assert {record.outcome for record in of_interest} == {outcome}, of_interest[:3]
    assert all(said in record.error for record in of_interest), of_interest[:3]


def test_workers_send_statistics_and_records_to_the_master(load_test: LoadTest, tmp_path: Path) -> None:
    path = tmp_path / "statistics.json"
    done = load_test.run(
        *("--processes", "2", "--users", "4", "--run-time", "4s"),
        *("--backend", "llamacpp,vllm", "--json-file", str(path.with_suffix(""))),
    )
    assert done.status == 0, done.errors
    assert by_robot(done.records).keys() == {f"robot-000{number}" for number in range(4)}
    counted = {(entry["method"], entry["name"]): entry["num_requests"] for entry in json.loads(path.read_text())}
    for backend in ("llamacpp", "vllm"):
        mine = [record for record in done.records if record.backend == backend]
        assert mine
        for metric in ("durable", "TTFT", "TTFA", "TPOT", "goodput"):
            assert counted[metric, backend] == len(mine), metric


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backend", "nobody"), "The router knows no backend nobody; it has: "),
        (("--host", "http://127.0.0.1:1"), "No engine answers at http://127.0.0.1:1"),
        (("--backend", "llamacpp,vllm", "--users", "1"), "--users: 2 backends need"),
        (("--arrivals", "replay", "--trace", "/nowhere"), "The trace /nowhere cannot be read"),
        (("--records", "/nowhere/records"), "Records cannot be written to /nowhere/records"),
        (("--priorities", "12"), "--priorities: '12' is not read"),
        (("--shape", "ramp"), "set --run-time"),
    ],
)
def test_what_cannot_begin_says_so_in_a_sentence(load_test: LoadTest, options: tuple[str, ...], said: str) -> None:
    done = load_test.run(*options, timeout_s=30)
    assert done.status == 2
    assert said in done.errors.splitlines()[-1]
    assert "Traceback" not in done.errors


def test_a_full_disk_ends_the_run(load_test: LoadTest) -> None:
    done = load_test.run("--records", "/dev/full", "--run-time", "30s", timeout_s=25)
    assert done.status == 2
    assert done.errors.count("Records can no longer be written to /dev/full: No space left on device.") == 1
    assert "Traceback" not in done.errors


def test_a_shape_changes_the_load(load_test: LoadTest) -> None:
    done = load_test.run("--shape", "spike", "--users", "10", "--run-time", "5s", "--door", "passthrough")
    assert done.status == 0, done.errors
    begin = min(record.sent_at_s for record in done.records)

    def robots(from_s: float, to_s: float) -> int:
        return len({record.robot for record in done.records if from_s <= record.sent_at_s - begin < to_s})

    assert robots(0, 1.5) == 2
    assert robots(1.5, 3.5) == 10


def test_failed_requests_may_be_let_pass(load_test: LoadTest) -> None:
    done = load_test.run("--backend", BROKEN, "--run-time", "1s", "--exit-code-on-error", "0")
    assert done.status == 0, done.errors
    assert done.records


def test_a_key_is_sent_where_the_router_asks_for_one(load_test: LoadTest, redis_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("lab:correct-horse\n")
    options = ("--door", "passthrough", "--run-time", "1s")
    with (
        fake_engine() as engine,
        running_router(REDIS_URL=redis_url, LLAMACPP_URL=engine, API_KEYS_FILE=str(keys)) as router,
    ):
        without = load_test.run(*options, host=router.url)
        assert (without.status, "401" in without.errors, "--api-keys-file" in without.errors) == (2, True, True)
        done = load_test.run(*options, "--api-keys-file", str(keys), host=router.url)
    assert done.status == 0, done.errors
    assert {record.outcome for record in done.records} == {"completed"}
    assert "correct-horse" not in done.output + done.errors
