"""Where the quick start leaves the picture of what the robot did."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from services.embedded import quickstart
from services.embedded.client import RouterProblem

PATH = "/v1/behaviors/1/picture.svg"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project and a folder for temporary files of the test's own, and a router that has a picture."""
    (tmp_path / "project").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(quickstart, "ROOT", tmp_path / "project")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    quickstart.reports.cache_clear()  # it is chosen once a run
    monkeypatch.setattr(quickstart, "fetch", lambda url, path: f"<svg>{url}{path}</svg>".encode())
    return tmp_path


def test_it_is_a_file_in_the_folder_of_reports(places: Path) -> None:
    for _ in range(2):  # the next run takes its place
        shown = quickstart.show_picture("http://router", PATH, keep=False)
        assert shown == str(places / "project/reports/behavior.svg")
        assert Path(shown).read_text() == f"<svg>http://router{PATH}</svg>"
    assert [path.name for path in (places / "project/reports").iterdir()] == ["behavior.svg"]


def test_a_project_that_cannot_be_written_leaves_it_among_the_temporary_files(places: Path) -> None:
    (places / "project/reports").write_text("not a folder")
    shown = quickstart.show_picture("http://router", PATH, keep=False)
    (folder,) = (places / "temporary").iterdir()
    assert shown == str(folder / "behavior.svg")
    assert folder.stat().st_mode & 0o777 == 0o700, "nobody else can put anything there"
    Path(shown).unlink()
    Path(shown).mkdir()
    assert quickstart.show_picture("http://router", PATH, keep=False).startswith("none: ")


def test_a_stack_that_stays_up_serves_it(places: Path) -> None:
    assert quickstart.show_picture("http://router", PATH, keep=True) == f"http://router{PATH}"
    assert not (places / "project/reports").exists()


def test_without_a_picture_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, path: str) -> bytes:
        raise RouterProblem("There is no picture of this behavior.")

    monkeypatch.setattr(quickstart, "fetch", fetch)
    assert quickstart.show_picture("http://router", PATH, keep=False) == "none: There is no picture of this behavior."
