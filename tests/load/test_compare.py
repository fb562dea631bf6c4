"""``scripts/bench compare`` on the real store, worker and router, with stand-in engines whose speed is known."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtest.processes import ROOT, Program, fake_engine, free_port, our_environ
from services.embedded.stack import Stack

pytestmark = pytest.mark.timeout(240)

#: 37 tokens each: the first takes 0.1 + 36/90 = 0.5 s, the other twice as long, so that what all else takes, on a busy
#: machine too, is small beside it.
FAST = ("--ttft-ms", "100", "--tokens-per-second", "90")
SLOW = ("--ttft-ms", "200", "--tokens-per-second", "45")
_SERVICES = ("store", "simulator", "gateway", "worker", "router")


@contextlib.contextmanager
def running_stack(fast: str, slow: str) -> Iterator[str]:
    env = {"LLAMACPP_URL": fast, "VLLM_URL": slow, "WARM_UP_S": "0", "BACKENDS": "llamacpp,vllm"}
    env["ANSWERS_SHARED"] = "false"  # as for any stack whose engines are measured
    with Stack(_SERVICES, env=env) as stack:
        yield stack.router_url


@pytest.fixture(scope="module")
def router() -> Iterator[str]:
    """A router whose llama.cpp is twice as fast as its vLLM."""
    with fake_engine(*FAST) as fast, fake_engine(*SLOW) as slow, running_stack(fast, slow) as url:
        yield url


def command(url: str, out: Path, *options: str) -> list[str]:
    given = ["--url", url, "--backends", "llamacpp,vllm", "--out", str(out), *options]
    return [sys.executable, "-m", "loadtest.bench", "compare", *given]


def compare(url: str, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(url, out, *options), env=our_environ(), cwd=out, capture_output=True, text=True, timeout=200
    )


def document(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return found


def ratio(report: dict[str, Any], level: float, what: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in report["ratios"] if (one["level"], one["what"]) == (level, what))
    return found


SHORT = ("--seconds", "4", "--warm-up", "1", "--repeats", "1")


@pytest.mark.parametrize("door", ["durable", "passthrough"])
def test_it_finds_the_ratio_of_two_engines(router: str, tmp_path: Path, door: str) -> None:
    done = compare(router, tmp_path, "--door", door, "--concurrency", "2,6", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    report = document(tmp_path)
    assert report["complete"] is True
    for level in (2.0, 6.0):
        faster = ratio(report, level, "requests/s")
        assert faster["value"] == pytest.approx(2.0, rel=0.3)  # of 8 and 16 requests, one or two more or less
        assert ratio(report, level, "E2E p50")["differs"]
        assert ratio(report, level, "E2E p50")["value"] == pytest.approx(0.52, abs=0.08)
        assert ratio(report, level, "TPOT p50")["value"] == pytest.approx(0.5, rel=0.15)
        sentence = f"At {level:g} at once, the wait for the first "
        assert any(verdict.startswith(sentence) for verdict in report["verdicts"]), report["verdicts"]
        assert sentence in done.stdout
    levels = {(one["backend"], one["level"]): one for one in report["levels"]}
    one = levels["llamacpp", 2.0]
    assert 0.5 <= one["times_s"]["e2e"]["p50"]["value"] < 0.7
    assert 0.1 <= one["times_s"]["ttft"]["p50"]["value"] < 0.25
    assert one["answer_tokens"]["value"] == 37
    assert one["outcomes"] == {"completed": one["sent"]}
    assert one["resources"]["load generator"]["cores"] > 0
    if door == "durable":
        assert one["times_s"]["ttfa"]["p50"]["value"] > one["times_s"]["ttft"]["p50"]["value"]
    else:
        assert one["times_s"]["itl"]["p50"]["value"] == pytest.approx(1 / 90, rel=0.2)
    kept = {path.name for path in (tmp_path / "records").glob("*.jsonl")}
    assert kept >= {f"r1-{level}-{name}.jsonl" for level in (2, 6) for name in ("llamacpp", "vllm")}
    assert {"report.html", "report.md", "requests.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_open_loop(router: str, tmp_path: Path) -> None:
    done = compare(router, tmp_path, "--rates", "4", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    report = document(tmp_path)
    sent = {one["backend"]: one["sent"] for one in report["levels"]}
    assert sent["llamacpp"] == pytest.approx(sent["vllm"], abs=2)  # the same arrivals
    assert 5 <= sent["llamacpp"] <= 30  # 16 are expected
    assert ratio(report, 4.0, "E2E p50")["value"] == pytest.approx(0.5, rel=0.15)


def test_an_engine_that_dies_is_given_up_and_the_other_measured_on(tmp_path: Path) -> None:
    port = free_port()
    dying = [sys.executable, "-m", "loadtest.fake_engine", "--port", str(port), *SLOW]
    with fake_engine(*FAST) as fast, Program("the one that dies", dying, our_environ()) as slow:
        slow.wait_until_ok(f"http://127.0.0.1:{port}/health", 20)
        with running_stack(fast, f"http://127.0.0.1:{port}") as url, _begun(url, tmp_path, SHORT) as process:
            wait_for(tmp_path / "records" / "r1-3-vllm.jsonl")
            os.kill(slow.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=120)
    assert process.returncode == 3, out + err
    report = document(tmp_path)
    assert report["complete"] is False
    assert any("vllm was given up at 3 at once: it is not ready" in trouble for trouble in report["troubles"])
    measured = {(one["backend"], one["level"]): one["repeats"] for one in report["levels"]}
    assert measured == {("llamacpp", 1.0): [1], ("llamacpp", 3.0): [1], ("vllm", 1.0): [1]}
    assert "Partial report" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Partial report" in out


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_reports_what_it_has(
    router: str, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with _begun(router, tmp_path, ("--seconds", "3", "--warm-up", "1", "--repeats", "9")) as process:
        wait_for(tmp_path / "records" / "r1-3-llamacpp.jsonl")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == status, out + err
    report = document(tmp_path)
    assert report["complete"] is False
    assert {(one["backend"], one["level"]) for one in report["levels"]} >= {("llamacpp", 1.0), ("vllm", 1.0)}
    assert len((tmp_path / "turns.jsonl").read_text().splitlines()) == sum(
        len(one["repeats"]) for one in report["levels"]
    )
    assert not _locusts(tmp_path)


@pytest.mark.parametrize(
    ("url", "backends", "status", "words"),
    [
        ("http://127.0.0.1:9", "llamacpp,vllm", 1, "No engine answers at http://127.0.0.1:9"),
        ("", "llamacpp,tgi", 2, "has no backend tgi; it has: llamacpp, vllm."),
    ],
)
def test_what_is_not_there_is_told(
    router: str, tmp_path: Path, url: str, backends: str, status: int, words: str
) -> None:
    done = compare(url or router, tmp_path, "--backends", backends)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@contextlib.contextmanager
def _begun(url: str, out: Path, options: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(url, out, "--concurrency", "1,3", *options),
        env=our_environ(), cwd=out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(records: Path) -> None:
    """Until a turn has its first records."""
    deadline = time.monotonic() + 90
    while not (records.exists() and records.stat().st_size):
        assert time.monotonic() < deadline, f"{records.name} did not come"
        time.sleep(0.1)


def _locusts(out: Path) -> list[str]:
    """Command lines of load generators that still write below a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "locust" in line and str(out) in line:
                found.append(line)
    return found


def test_the_page_of_help_can_be_read_without_any_package() -> None:
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
            "from loadtest.bench import main; main(['compare', '--help'])"]  # fmt: skip
    done = subprocess.run(bare, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "exit status: 0 everything was measured" in done.stdout
