"""scripts/picture's command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedded.picture import main

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "docs/pictures/raise-both-arms.txt"


def test_the_picture_in_the_documentation_is_what_the_command_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.svg"
    assert main([str(PROGRAM), "--out", str(made)]) == 0
    assert made.read_text(encoding="utf-8") == PROGRAM.with_suffix(".svg").read_text(encoding="utf-8")


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "program.txt"
    program.write_text('ALMotion.fly("up")\n')
    assert main([str(program)]) == 1
    assert "The program does not run: " in capsys.readouterr().err
    program.write_bytes(b"\xff")
    for wrong in (program, tmp_path / "none.txt"):
        with pytest.raises(SystemExit) as ended:
            main([str(wrong)])
        assert ended.value.code == 2


def test_a_scene_that_is_none_and_a_folder_that_is_not_there_are_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = tmp_path / "scene.json"
    scene.write_text("# Not JSON\n")
    for arguments, told in (
        (["--scene", str(scene)], f"--scene: {scene}: the scene: Invalid JSON"),
        (["--out", str(tmp_path / "x" / "y.svg")], f"--out: there is no folder {tmp_path / 'x'}"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([str(PROGRAM), *arguments])
        assert ended.value.code == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(f"scripts/picture: error: {told}")
    assert not (tmp_path / "x").exists()
