"""Every script tells what it does before anything is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NAMES = sorted(
    str(file.relative_to(SCRIPTS)) for file in SCRIPTS.rglob("*") if file.is_file() and os.access(file, os.X_OK)
)


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_help(name: str, tmp_path: Path) -> None:
    told = subprocess.run([SCRIPTS / name, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout.splitlines()) > 3
    assert f"scripts/{name}" in told.stdout
    assert not any(tmp_path.iterdir())
