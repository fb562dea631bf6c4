"""Adapters come back in parts over several calls, and are joined and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.training.gpu import send as sending
from services.training.gpu.adapters import candidates, note
from services.training.gpu.collect import join_adapters, take
from services.training.gpu.parts import PartProblem
from services.training.gpu.send import send

PART = 1000


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with two adapters, of three parts and of one."""
    monkeypatch.setattr(sending, "PART_BYTES", PART)
    out = tmp_path / "out"
    for name, size, loss in (("first", 2500, 0.2), ("best", 900, 0.1)):
        folder = out / "runs" / name / "adapter"
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").write_bytes(name.encode() * (size // len(name)))
        (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
        note(out, name, f"runs/{name}/adapter", 8, loss)
    (out / "a.json").write_text('{"status": "done"}', encoding="utf-8")
    return out


def parts_in(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in folder.glob("*.safetensors.*"))


def test_the_best_adapter_comes_first_and_the_rest_with_later_calls(out: Path, tmp_path: Path) -> None:
    assert list(candidates(out)) == ["best", "first"]
    list(send(out, tmp_path / "one", 100_000))
    small = sum(path.stat().st_size for path in (tmp_path / "one").iterdir() if "safetensors" not in path.name)
    (out / "sent.json").unlink()

    told = list(send(out, tmp_path / "one", small + 2 * PART))
    assert parts_in(tmp_path / "one") == ["best", "first"]
    assert "2 parts of adapters are left" in told[-1]
    told = list(send(out, tmp_path / "two", small + 3 * PART))
    assert parts_in(tmp_path / "two") == ["first", "first"]
    assert "0 parts of adapters are left" in told[-1]

    here = tmp_path / "here"
    list(take(tmp_path / "one", here))
    assert json.loads((here / "figures" / "a.json").read_text(encoding="utf-8")) == {"status": "done"}
    assert list(join_adapters(here)) == ["best: whole, 0.0 MB", "first: 2 of 3 parts have not come yet"]
    list(take(tmp_path / "two", here))
    assert list(join_adapters(here)) == ["best: is there, 0.0 MB", "first: whole, 0.0 MB"]
    for name in ("best", "first"):
        was = out / "runs" / name / "adapter" / "adapter_model.safetensors"
        assert (here / name / "adapter" / was.name).read_bytes() == was.read_bytes()
        assert (here / name / "adapter" / "adapter_config.json").is_file()
    assert not list((here / "parts").iterdir())


def test_no_more_files_than_may_be_brought_at_once(out: Path, tmp_path: Path) -> None:
    for number in range(12):
        folder = out / "runs" / f"more{number}" / "adapter"
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").write_bytes(bytes([number]) * 10)
        note(out, f"more{number}", f"runs/more{number}/adapter", 8, 0.3)
    list(send(out, tmp_path / "one", 1_000_000))
    assert len(list((tmp_path / "one").iterdir())) == 8


def test_a_part_that_was_damaged_on_the_way_is_told(out: Path, tmp_path: Path) -> None:
    list(send(out, tmp_path / "one", 100_000))
    next((tmp_path / "one").glob("best*")).write_bytes(b"something else")
    list(take(tmp_path / "one", tmp_path / "here"))
    with pytest.raises(PartProblem, match="is not as it was made: bring it again"):
        list(join_adapters(tmp_path / "here"))


def test_a_folder_that_was_not_sent_is_told(tmp_path: Path) -> None:
    with pytest.raises(PartProblem, match=r"has no parts\.json: give a folder that scripts/gpu/run --send has filled"):
        list(take(tmp_path, tmp_path / "here"))
