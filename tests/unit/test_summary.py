"""The end of scripts/test, which is often all that is seen of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import __main__ as command

TESTS = """
import pytest

class TestGroup:
    @pytest.mark.parametrize("name", ["a.b", "c/d"])
    def test_fails(self, name): assert name == "c/d"

@pytest.fixture
def broken():
    yield
    raise OSError("afterwards")

def test_fails_and_breaks(broken): assert False

def test_passes(): pass
"""


def test_it_names_the_tests_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(TESTS)
    (folder / "test_torn.py").write_text("import no_such_module")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    arguments = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", "--continue-on-collection-errors"]
    check = command.run_pytest("some", ["tests"], arguments)
    assert check.failures == (
        "tests/test_torn.py",
        "tests/test_some.py::TestGroup::test_fails[a.b]",
        "tests/test_some.py::test_fails_and_breaks",
    )
    first, some, *named, last = command.summary([check]).splitlines()
    assert (first, last) == ("Summary", "Failed: some.")
    assert some.startswith("  FAILED   some   ")
    assert tuple(line.strip() for line in named) == check.failures


def test_it_names_no_more_than_ten_of_a_tier() -> None:
    done = [
        command.Check("many", "FAILED", "12 failed", tuple(f"tests/test_many.py::test_{n}" for n in range(12))),
        command.Check("ten", "FAILED", "10 failed", tuple(f"tests/test_ten.py::test_{n}" for n in range(10))),
        command.Check("fine", "passed", "1 s"),
    ]
    lines = command.summary(done).splitlines()
    assert len([line for line in lines if "test_many.py" in line]) == 10
    assert lines[11].endswith("test_9")
    assert lines[12].strip() == "and 2 more"
    assert len([line for line in lines if "test_ten.py" in line]) == 10
    assert len([line for line in lines if " more" in line]) == 1
    assert lines[-1] == "Failed: many, ten."
    assert command.summary([done[2]]).splitlines()[-1] == "Nothing failed."


def test_what_pytest_does_not_take_is_said_once_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/test", "--bogus"])
    assert command.main() == 2
    assert capfd.readouterr() == ("", "scripts/test: wrong usage: unrecognized arguments: --bogus\n")
    command.check_usage(["-k", "store", "-x"])


def test_a_part_that_was_chosen_is_named_and_what_was_not_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_execute", lambda name, *arguments: (0, 1.0))
    monkeypatch.setenv("PATH", "")  # no Docker
    done = {check.name: check for check in command.checks(*command.parse(["tests/unit/router"]))}
    assert done["tests (tests/unit/router only)"].outcome == "passed"
    assert done["compose tests"].remark == "not asked for: --stack"
