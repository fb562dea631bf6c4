"""What a comparison does when something goes wrong that no engine is needed for."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from synthetic import NoTarget, closed_loop, plan

from loadtest.comparison import command, run
from loadtest.comparison.command import NOTHING, PARTIAL, USAGE, compare
from loadtest.comparison.generator import Generator, GeneratorError
from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.resources import GENERATOR, Sampler
from loadtest.comparison.targets import BackendGone, OwnStack, TargetGone


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Turns are measured at once, and the third raises what the test says."""

    def stop(error: BaseException) -> None:
        done: list[Turn] = []

        def measure(plan: Plan, target: object, turn: Turn, folder: Path) -> object:
            done.append(turn)
            if len(done) == 3:
                raise error
            return closed_loop(turn, 0.5)

        monkeypatch.setattr(run, "_measure", measure)

    return stop


def _played(folder: Path) -> run.Run:
    return run.play(plan(repeats=1), NoTarget(), folder, lambda _: None)


def test_a_full_disk_ends_the_run_and_leaves_what_was_measured(
    stopping: Callable[[BaseException], None], tmp_path: Path
) -> None:
    stopping(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/records"))
    played = _played(tmp_path)
    assert len(played.turns) == 2
    assert played.troubles == ["The run ended early: /somewhere/records: No space left on device"]
    kept = [json.loads(line) for line in (tmp_path / "turns.jsonl").read_text().splitlines()]
    assert [(one["level"], one["backend"]) for one in kept] == [(1.0, "llamacpp"), (1.0, "tensorrtllm")]


@pytest.mark.parametrize(
    ("error", "stopped"),
    [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (TargetGone("the router ended"), None),
     (GeneratorError("Locust ended with status 2"), None)],
)  # fmt: skip
def test_what_ends_a_run_is_told(
    stopping: Callable[[BaseException], None], tmp_path: Path, error: BaseException, stopped: int | None
) -> None:
    stopping(error)
    played = _played(tmp_path)
    assert (len(played.turns), len(played.troubles), played.stopped) == (2, 1, stopped)


def test_a_backend_that_goes_is_not_tried_again(stopping: Callable[[BaseException], None], tmp_path: Path) -> None:
    stopping(BackendGone("Triton ended"))
    played = run.play(plan(repeats=2), NoTarget(), tmp_path, lambda _: None)
    assert played.troubles == ["tensorrtllm was given up at 4 at once: Triton ended"]
    assert [one.turn.backend for one in played.turns] == ["llamacpp", "tensorrtllm", *["llamacpp"] * 3]


def _options(folder: Path, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{"url": "", "api_keys_file": "", "out": folder, **changes})


def test_a_disk_with_too_little_room_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    assert compare(_options(tmp_path), plan(backends=("llamacpp", "llamacpp"))) == NOTHING
    assert "only 1 MB are free, 200 are needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("tgi", "There is no backend tgi that can be started here; there are: llamacpp, tensorrtllm, vllm"),
        ("vllm", 'vllm cannot be started here: VLLM_PYTHON is not set; run: eval "$(scripts/engines-environment)".'),
    ],
)
def test_backends_that_cannot_be_started_are_told(
    backend: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VLLM_PYTHON", raising=False)
    assert compare(_options(tmp_path), plan(backends=("llamacpp", backend))) == USAGE
    assert words in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_printed_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan(repeats=1)
    played = run.Run(made, [closed_loop(turn, 0.5) for turn in made.turns()])
    (tmp_path / "report.json").mkdir()
    assert command._report(tmp_path, played, {}) == PARTIAL
    seen = capsys.readouterr()
    assert "report.json: Is a directory" in seen.err
    assert "At 4 at once" in seen.out  # the figures are not lost


@contextlib.contextmanager
def _locust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Iterator[Generator]:
    """Another program in Locust's place."""
    made = plan(timeout_s=0.1)
    generator = Generator(NoTarget(), made, next(made.turns()), 1.0, tmp_path / "records.jsonl", 1)
    monkeypatch.setattr(generator, "_command", [sys.executable, "-c", code])
    with generator:
        yield generator


def test_a_load_generator_that_fails_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        _locust(tmp_path, monkeypatch, "import sys; print('The backend is not ready.'); sys.exit(2)") as generator,
        pytest.raises(GeneratorError, match=r"status 2\. It wrote:\nThe backend is not ready\."),
    ):
        generator.wait(lambda: None)


def test_a_load_generator_without_room_for_its_records_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Records can no longer be written: No space left on device."
    with (
        _locust(tmp_path, monkeypatch, f"import sys; print({words!r}); sys.exit(2)") as generator,
        pytest.raises(OSError, match="No space left") as error,
    ):
        generator.wait(lambda: None)
    assert error.value.errno == errno.ENOSPC


def test_a_load_generator_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _locust(tmp_path, monkeypatch, "import time; time.sleep(600)") as generator:
        generator._limit_s = 0.5
        with pytest.raises(GeneratorError, match=r"did not end within 0\.5 s"):
            generator.wait(lambda: None)
        pid = generator.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_load_generator_ends_with_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise BackendGone("Triton ended")

    with _locust(tmp_path, monkeypatch, "import time; time.sleep(600)") as generator:
        pid = generator.pid
        with pytest.raises(BackendGone):
            generator.wait(gone)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_processor_and_memory_of_a_part_are_seen() -> None:
    """One process that works and has a child that sleeps, with 64 MiB."""
    code = (
        "import subprocess, sys; hold = bytearray(64 * 2**20)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('ready', flush=True)\nwhile True: pass"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.time()
        with Sampler({GENERATOR: process.pid}) as sampler:
            time.sleep(2.5)
        usage = sampler.usage(began, 2.5)
    finally:
        os.killpg(process.pid, 9)
        process.communicate()
    assert 0.1 < usage.generator_cores <= 1.1  # all of a core, unless others want it too
    assert usage.parts[GENERATOR].memory_mib > 64
    assert usage.others_cores is not None
    assert sampler.usage(began - 100, 1.0).parts == {}  # nothing was seen then


def test_engines_that_do_not_fit_into_memory_together_are_up_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(Path, "exists", lambda _: False)  # no GPU
    for gib, apart in ((4, True), (40, False)):
        monkeypatch.setattr("psutil.virtual_memory", lambda gib=gib: memory(gib * 2**30))
        assert OwnStack(("llamacpp", "tensorrtllm"), lambda _: None).apart is apart
