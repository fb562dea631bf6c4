from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from services.embedded import openmp


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """What matters here of an environment: the wheel's copy of the library, where pip puts it."""
    carried = [file for file in distribution("pykdtree").files or [] if file.name.startswith("libgomp-")]
    place = tmp_path / "lib" / "python3.11" / "site-packages" / "pykdtree.libs"
    place.mkdir(parents=True)
    shutil.copy(carried[0].locate(), place)
    return tmp_path


def test_the_engine_runs_on_the_carried_copy(environment: Path) -> None:
    openmp.link_copy(environment)
    program = "import xllamacpp; print(open('/proc/self/maps').read())"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_LIBRARY_PATH": str(environment / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    used = {line.split()[-1] for line in answer.stdout.splitlines() if "libgomp" in line}
    assert used == {str(next(environment.rglob("libgomp-*")))}


def test_machines_without_the_library_are_pointed_to_the_copy(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openmp, "_LIBRARY", "libgomp-that-nobody-has.so.1")
    assert openmp.settings(environment, {"LD_LIBRARY_PATH": "/opt/lib"}) == {
        "LD_LIBRARY_PATH": f"{environment / 'lib'}:/opt/lib"
    }


def test_machines_that_have_a_library_are_left_alone(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openmp, "_LIBRARY", "libc.so.6")
    assert openmp.settings(environment, {}) == {}
