from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from services.embedded import openmp


def test_the_engine_runs_on_the_packaged_copy(tmp_path: Path) -> None:
    libraries = openmp.link_copy(tmp_path)
    program = "import xllamacpp; print(open('/proc/self/maps').read())"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_LIBRARY_PATH": str(libraries)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    used = {line.split()[-1] for line in answer.stdout.splitlines() if "libgomp" in line}
    assert used == {os.path.realpath(libraries / "libgomp.so.1")}


def test_linking_twice_does_no_harm(tmp_path: Path) -> None:
    assert openmp.link_copy(tmp_path) == openmp.link_copy(tmp_path)
