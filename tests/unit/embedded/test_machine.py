from __future__ import annotations

from pathlib import Path

import pytest

from services.embedded import environment


def test_a_full_disk_is_said_before_anything_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "NEEDED_MB", 10**12)
    with pytest.raises(environment.EnvironmentProblem, match=r"Only \d+ MB are free in .*: free \d+ MB, or move"):
        environment.check_machine(tmp_path)


@pytest.mark.parametrize(("machine", "words"), [("aarch64", "this is Linux on aarch64"), ("x86_64", "")])
def test_machines_without_the_robots_library_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, words: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(environment.EnvironmentProblem, match=words or "has no pip"):
        environment.check_machine(tmp_path)
