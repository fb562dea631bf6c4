"""What a run was made on: the same record whatever is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from services.training import machine


def test_libraries_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LIBRARIES", ("pydantic", "no-such-library"))
    found = machine.machine()
    assert list(found["libraries"]) == ["pydantic"]
    assert found["cores"] > 0
    assert found["memory_gib"] > 0


def test_the_commit_says_whether_files_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    assert machine.commit() is None

    def git(*arguments: str) -> str:
        told = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.strip()

    (tmp_path / "file").write_text("1")
    git("init", "--quiet")
    git("add", "file")
    git("commit", "--quiet", "-m", "one")
    head = git("rev-parse", "HEAD")
    assert machine.commit() == head
    (tmp_path / "file").write_text("2")
    assert machine.commit() == f"{head}+"
