"""Folders of stacks: gone with their owner, and those of the dead with the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.embedded.folder import StackFolder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def left_by_a_dead_owner(temporary: Path) -> Path:
    program = "import os; from services.embedded.folder import StackFolder; print(StackFolder().path); os._exit(9)"
    # Its flush comes before its end, which runs nothing that could clean up.
    command = [sys.executable, "-u", "-c", program]
    answer = subprocess.run(command, env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True)
    assert answer.returncode == 9, answer.stderr
    return Path(answer.stdout.strip())


def test_the_next_removes_what_a_dead_owner_left_and_nothing_else(temporary: Path) -> None:
    alive = StackFolder()
    foreign = temporary / "behavior-engine-of-somebody"  # nobody says that its owner is gone
    foreign.mkdir()
    dead = left_by_a_dead_owner(temporary)
    assert dead.parent == temporary
    assert dead.exists()
    link = temporary / "behavior-engine-link"
    link.symlink_to(dead)
    new = StackFolder()
    assert sorted(temporary.iterdir()) == sorted([alive.path, foreign, link, new.path])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_another_user_stays(temporary: Path) -> None:
    dead = left_by_a_dead_owner(temporary)
    os.chown(dead, 12345, 12345)
    StackFolder()
    assert dead.exists()


def test_logs_take_the_place_of_those_before(tmp_path: Path) -> None:
    for name in ("first", "second"):
        folder = StackFolder()
        (folder.path / f"{name}.log").write_text(name)
        (folder.path / "data").write_text("not a log")
        folder.remove(tmp_path / "logs")
        assert not folder.path.exists()
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["second.log"]


def test_logs_that_cannot_be_kept_keep_no_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("not a folder")
    folder = StackFolder()
    folder.remove(tmp_path / "logs")
    assert not folder.path.exists()
