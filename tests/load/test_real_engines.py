"""``scripts/bench compare`` and ``scripts/tune`` on real engines that they start themselves, for a short time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtest.processes import ROOT, our_environ

pytestmark = pytest.mark.timeout(420)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], env=our_environ(), cwd=ROOT, capture_output=True, text=True, timeout=400
    )


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_llama_cpp_and_triton_side_by_side(tmp_path: Path) -> None:
    options = ("--quick", "--mix", "short", "--concurrency", "2", "--seconds", "8", "--out", str(tmp_path))
    done = run("loadtest.bench", "compare", "--backends", "llamacpp,triton", *options)
    assert done.returncode == 0, done.stderr
    report = read(tmp_path / "report.json")
    assert report["complete"]
    assert {level["backend"] for level in report["levels"]} == {"llamacpp", "tensorrtllm"}
    for level in report["levels"]:
        assert level["outcomes"].get("completed", 0) > 0, level
        assert level["times_s"]["ttfa"]["p50"]["value"] > 0
        assert level["resources"]["engine"]["cores"] > 0.2
    assert {ratio["what"] for ratio in report["ratios"]} >= {"requests/s", "TTFA p50", "E2E p50"}
    assert (tmp_path / "report.html").read_text("utf-8").count("<svg") > 5


def test_settings_are_searched_and_the_search_goes_on(tmp_path: Path) -> None:
    options = ("--quick", "--mix", "short", "--concurrency", "1", "--factors", "prompt reuse", "--out", str(tmp_path))
    done = run("loadtest.tuning", *options)
    assert done.returncode == 0, done.stderr
    [step, *_] = read(tmp_path / "tune.json")["steps"]
    assert {effect["choice"] for effect in step["effects"]} == {"true", "false"}
    assert all(effect["answered"]["value"] > 0 for effect in step["effects"])
    again = run("loadtest.tuning", *options)
    assert "prompt reuse: measured before" in again.stderr
    assert read(tmp_path / "tune.json")["steps"][0] == step
