"""``scripts/bench capacity`` on the real store, worker and router, with a stand-in engine whose figures are known."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtest.processes import ROOT, fake_engine, our_environ
from services.embedded.stack import Stack

pytestmark = pytest.mark.timeout(480)

#: 37 tokens: 0.1 + 36/90 = 0.5 s, four at a time: 8 orders a second. What all else takes is small beside it.
ENGINE = ("--ttft-ms", "100", "--tokens-per-second", "90", "--slots", "4")
_SERVICES = ("store", "simulator", "gateway", "worker", "router")
#: Orders that are equal by chance are all served by the engine, as those of another mix would be.
_SETTINGS = {"WARM_UP_S": "0", "BACKENDS": "llamacpp", "ANSWERS_SHARED": "false"}
_ASKED = ("--think-s", "2", "--slo-ttfa-s", "1.2", "--slo-e2e-s", "1.5", "--percentile", "90", "--engines", "1,2")


@pytest.fixture(scope="module")
def router() -> Iterator[str]:
    """A router in front of that engine."""
    with (
        fake_engine(*ENGINE) as engine,
        Stack(_SERVICES, env={"LLAMACPP_URL": engine, **_SETTINGS}) as stack,
    ):
        yield stack.router_url


def command(url: str, out: Path, *options: str) -> list[str]:
    given = ["--quick", "--url", url, "--out", str(out), *_ASKED, *options]
    return [sys.executable, "-m", "loadtest.bench", "capacity", *given]


def document(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return found


def test_what_is_predicted_comes_near_what_is_measured(router: str, tmp_path: Path) -> None:
    options = ("--levels", "1,4,8", "--seconds", "5", "--warm-up", "1", "--soak-minutes", "0.3")
    done = subprocess.run(
        command(router, tmp_path, *options, "--json", str(tmp_path / "also.json")),
        env=our_environ(), cwd=tmp_path, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = document(tmp_path)
    assert report["complete"] is True
    assert report == json.loads((tmp_path / "also.json").read_text(encoding="utf-8"))
    assert report["verdicts"][0] in done.stdout

    # What the engine can do, less what a busy machine takes of it.
    rates = {level["at_once"]: level["rate"] for level in report["levels"]}
    assert 0.9 <= rates[1] <= 2.0
    assert 3.6 <= rates[4] <= 8.4
    assert 3.6 <= rates[8] <= 8.4
    assert 3.6 <= report["model"]["most_per_s"] <= 8.4
    carries = {one["engines"]: one["robots"] for one in report["model"]["carries"]}
    assert 5 <= carries[1] <= 24  # 20 robots of 2.5 s a round leave no time
    assert carries[1] * 1.6 <= carries[2] <= carries[1] * 2.6

    soaks = {soak["robots"]: soak for soak in report["check"]["soaks"]}
    assert sorted(soaks) == [carries[1] // 2, carries[1]]
    for robots, soak in soaks.items():
        assert soak["measured"]["not_answered"] == 0
        figures = {one["what"]: one for one in soak["figures"]}
        assert figures["orders/s"]["predicted"] <= report["model"]["most_per_s"]
        assert figures["orders/s"]["measured"] == pytest.approx(figures["orders/s"]["predicted"], rel=0.35), robots
        # On a machine that stands still for a moment half of the orders still know nothing of it.
        for what in ("E2E p50, s", "TTFA p50, s"):
            assert figures[what]["predicted"] == pytest.approx(figures[what]["measured"], rel=0.5), (robots, what)
    assert isinstance(report["check"]["holds"], bool)
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jsonl")}
    assert kept >= {f"levels/records/r1-{at_once}-llamacpp.jsonl" for at_once in (1, 4, 8)}
    assert kept >= {f"soak/records/r1-{robots}-llamacpp.jsonl" for robots in soaks}
    assert {"report.md", "capacity.svg"} <= {path.name for path in tmp_path.iterdir()}


@contextlib.contextmanager
def begun(url: str, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(url, out, "--levels", "2,4", "--seconds", "3", "--warm-up", "1", *options),
        env=our_environ(), cwd=out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(folder: Path, pattern: str) -> None:
    """Until a turn has its first records."""
    deadline = time.monotonic() + 200
    while not any(path.stat().st_size for path in folder.glob(pattern)):
        assert time.monotonic() < deadline, f"{pattern} did not come"
        time.sleep(0.1)


def test_one_that_is_interrupted_in_the_soak_has_its_model(router: str, tmp_path: Path) -> None:
    with begun(router, tmp_path, "--soak-minutes", "9") as process:
        wait_for(tmp_path, "soak/records/r1-*.jsonl")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert process.returncode == 130, out + err
    report = document(tmp_path)
    assert report["complete"] is False
    assert report["troubles"] == ["The run was interrupted."]
    assert report["model"]["carries"]
    assert report["check"] == {"tolerance": 0.2, "holds": None, "soaks": []}
    assert "Partial report" in out
    assert "was not checked against a soak run. Do not rely on it." in out


def test_one_that_is_told_to_stop_before_has_its_levels(router: str, tmp_path: Path) -> None:
    with begun(router, tmp_path) as process:
        wait_for(tmp_path, "levels/records/r1-4-*.jsonl")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=100)
    assert process.returncode == 143, out + err
    report = document(tmp_path)
    assert [level["at_once"] for level in report["levels"]] == [2]
    assert report["model"] is None
    assert "There is no model: not enough was measured." in out


@pytest.mark.parametrize(
    ("url", "backend", "status", "words"),
    [
        ("http://127.0.0.1:9", "llamacpp", 1, "No engine answers at http://127.0.0.1:9"),
        ("", "tgi", 2, "has no backend tgi; it has: llamacpp."),
    ],
)
def test_what_is_not_there_is_told(
    router: str, tmp_path: Path, url: str, backend: str, status: int, words: str
) -> None:
    done = subprocess.run(
        command(url or router, tmp_path, "--backend", backend),
        env=our_environ(), cwd=tmp_path, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_of_help_can_be_read_without_any_package() -> None:
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
            "from loadtest.bench import main; main(['capacity', '--help'])"]  # fmt: skip
    done = subprocess.run(bare, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "exit status: 0 everything was measured" in done.stdout
