"""All of what is done on a GPU machine, rehearsed on next to nothing: packed, run, stopped, gone on with, collected."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_process import environ

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

STEPS = ("a", "b", "c", "d")
NO_GPU = "no NVIDIA GPU"


@pytest.fixture(scope="module")
def bundle(training_python: str, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of few pairs, and without packages: here they are all there but the grammars'."""
    folder = tmp_path_factory.mktemp("bundle")
    command = [
        training_python, "-m", "services.training.gpu.pack", "--pairs=120", "--seeds", "1", "--test-prompts=6",
        "--part-mib=40", "--without-wheels", f"--model={model_folder}", f"--out={folder}",
    ]  # fmt: skip
    subprocess.run(command, env=environ(), check=True, timeout=300)
    return folder


class Run:
    """The command, as a rehearsal."""

    def __init__(self, python: str, bundle: Path) -> None:
        self._start = [python, "-m", "services.training.gpu.run", f"--bundle={bundle}"]

    def start(self, out: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [*self._start, f"--out={out}", *arguments]
        return subprocess.Popen(command, env=environ(CUDA_VISIBLE_DEVICES=""), stderr=subprocess.PIPE, text=True)

    def __call__(self, out: Path, *arguments: str) -> tuple[int, str]:
        """Status and what it told."""
        process = self.start(out, *arguments)
        _, told = process.communicate(timeout=600)
        return process.returncode, told


@pytest.fixture(scope="module")
def run(training_python: str, bundle: Path) -> Run:
    return Run(training_python, bundle)


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="module")
def out(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was stopped once, in the middle of training, and then went on to its end."""
    out = tmp_path_factory.mktemp("run") / "out"
    process = run.start(out, "--dry-run")
    log = out / "runs" / "first" / "log.jsonl"
    until = time.monotonic() + 300
    while not (log.exists() and '"loss"' in log.read_text(encoding="utf-8")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 3, told
    stopped = read(out / "a.json")
    assert stopped["status"] == "partial"
    assert "first" not in stopped["work"]
    began = stopped["work"]["speed as it is"]
    status, told = run(out, "--dry-run", f"--send={out.parent / 'send'}")
    assert status == 0, told
    assert read(out / "a.json")["work"]["speed as it is"] == began, "what was done is not done again"
    return out


def test_each_step_leaves_its_figures_and_the_machine(out: Path) -> None:
    for step in STEPS:
        told = read(out / f"{step}.json")
        assert told["status"] == "done"
        assert told["work"]
        assert {"system", "processor", "python", "libraries", "commit", "cuda", "gpu"} <= set(told["machine"])
        assert {one["status"] for one in told["work"].values()} <= {"done", "skipped"}


def test_what_needs_a_gpu_is_skipped_and_has_no_figure(out: Path) -> None:
    for step, name in (("a", "speed compiled"), ("d", "training compiled")):
        work = read(out / f"{step}.json")["work"][name]
        assert (work["status"], work["why"]) == ("skipped", NO_GPU)
        assert "result" not in work
    decoding = read(out / "d.json")["work"]["decoding 1"]["result"]
    assert list(decoding["skipped"].values()) == [f"skipped: {NO_GPU}"]
    assert not set(decoding["ways"]) & set(decoding["skipped"])
    engines = read(out / "c.json")["work"]["Transformers generate, 2"]["result"]
    assert (engines["torch_memory_gib"], engines["power"]) == (None, {"why": NO_GPU})
    assert engines["tokens_per_s"] > 0


def test_training_leaves_adapters_and_the_best_trial_is_gone_on_with(out: Path) -> None:
    work = read(out / "a.json")["work"]
    assert set(read(out / "adapters.json")) >= {"first", "best", "first-4", "polished-4"}
    trials = [one["result"] for name, one in work.items() if name.startswith("trial ")]
    assert {one["tried"]["method"] for one in trials} == {"full", "lora"}
    best = min(trials, key=lambda one: float(one["validation_loss"]))
    plan = work["best"]["result"]["plan"]
    assert {name: plan[name] for name in best["tried"]} == best["tried"]
    assert (
        work["first"]["result"]["validation_loss"]["at_start"] > work["first"]["result"]["validation_loss"]["trained"]
    )


def test_what_is_sent_is_joined_and_judged_here(out: Path, bundle: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "services.training.gpu.collect", out.parent / "send", f"--bundle={bundle}",
        f"--out={tmp_path}",
    ]  # fmt: skip
    subprocess.run(command, env=environ(), check=True, stdout=subprocess.DEVNULL, timeout=300)
    for name, told in read(out / "adapters.json").items():
        here, there = (
            folder / "adapter_model.safetensors" for folder in (tmp_path / name / "adapter", out / told["folder"])
        )
        assert here.read_bytes() == there.read_bytes()
    verdicts = read(tmp_path / "verdicts.json")
    assert set(verdicts) == {"handwritten", "test"}
    assert all(one["of"] == 3 for suite in verdicts.values() for one in suite.values())


def test_what_is_wrong_is_told_in_a_sentence(run: Run, bundle: Path, tmp_path: Path) -> None:
    status, told = run(tmp_path / "out", "--minutes=1")
    assert status == 1
    assert "run: there is no NVIDIA GPU here: --dry-run goes through all of it on a CPU." in told
    (tmp_path / "half").mkdir()
    for path in (bundle / "manifest.json", bundle / "bundle.tar.000"):
        (tmp_path / "half" / path.name).write_bytes(path.read_bytes())
    status, told = run(tmp_path / "out", "--dry-run", f"--bundle={tmp_path / 'half'}")
    assert status == 1
    assert "run: bundle.tar.001 is missing: bring it to" in told
    status, told = run(tmp_path / "out", "--dry-run", f"--bundle={tmp_path}")
    assert status == 1
    assert "There is no bundle in" in told
