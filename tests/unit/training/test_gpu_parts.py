"""Files in parts, and the packages that travel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.training.gpu.parts import PartProblem, join, sha256, split
from services.training.gpu.place import ROOT
from services.training.gpu.wheels import NAMES, WheelProblem, requirements


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.bin"
    path.write_bytes(bytes(range(256)) * 11)
    return path


@pytest.mark.parametrize(("size", "count"), [(1000, 3), (2816, 1), (2815, 2), (5000, 1)])
def test_parts_make_the_whole_again_wherever_they_lie(whole: Path, tmp_path: Path, size: int, count: int) -> None:
    told = split(whole, tmp_path / "one", size)
    assert [part["bytes"] for part in told["parts"]] == [size] * (count - 1) + [2816 - size * (count - 1)]
    other = tmp_path / "other"
    other.mkdir()
    last = told["parts"][-1]["name"]
    (tmp_path / "one" / last).rename(other / last)
    join(json.loads(json.dumps(told)), [tmp_path / "one", other], tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == whole.read_bytes()


def test_fewer_parts_than_before_leave_none_of_the_old_ones(whole: Path, tmp_path: Path) -> None:
    split(whole, tmp_path / "parts", 500)
    split(whole, tmp_path / "parts", 2000)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["whole.bin.000", "whole.bin.001"]


def test_a_part_that_is_missing_or_changed_is_told_and_nothing_is_left(whole: Path, tmp_path: Path) -> None:
    told = split(whole, tmp_path / "parts", 1000)
    part = tmp_path / "parts" / "whole.bin.001"
    content = part.read_bytes()
    part.write_bytes(content[:-1] + b"\0")
    with pytest.raises(PartProblem, match=r"whole\.bin\.001 is not as it was made: bring it again"):
        join(told, [tmp_path / "parts"], tmp_path / "again")
    part.unlink()
    with pytest.raises(PartProblem, match=r"whole\.bin\.001 is missing: bring it to"):
        join(told, [tmp_path / "parts"], tmp_path / "again")
    part.write_bytes(content)
    with pytest.raises(PartProblem, match="is not as it was, though its parts are"):
        join(told | {"sha256": sha256(part)}, [tmp_path / "parts"], tmp_path / "again")
    assert not list(tmp_path.glob("again*"))


def test_the_packages_that_travel_are_those_that_are_pinned() -> None:
    text = (ROOT / "requirements" / "transformers.txt").read_text(encoding="utf-8")
    lines = requirements(text).splitlines()
    assert [line.partition("==")[0] for line in lines if "==" in line] == list(NAMES)
    assert all("--hash=sha256:" in line for line in lines if "==" not in line)
    with pytest.raises(WheelProblem, match="does not pin no-such-package"):
        requirements(text, ("gguf", "no-such-package"))
