"""Answers as they come: what is kept, and where an interrupted run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.training.evaluation.__main__ import main
from services.training.evaluation.answers import Answer, Ask, answers_of
from services.training.judging.expectation import Item
from tests.unit.training.synthetic import answer, case

CASES = [case(number) for number in range(4)]


class Engine:
    """Answers every item, and ends as an interruption does at the item ``until``."""

    def __init__(self, until: str | None = None) -> None:
        self.asked: list[str] = []
        self.starts = 0
        self._until = until

    @contextmanager
    def __call__(self) -> Iterator[Ask]:
        self.starts += 1
        yield self._ask

    def _ask(self, item: Item) -> Answer:
        if item.id == self._until:
            raise KeyboardInterrupt
        self.asked.append(item.id)
        return answer(int(item.id[1:]), passed=item.id != "i2")


def run(path: Path, engine: Engine) -> list[Answer]:
    return answers_of(CASES, path, engine, lambda number, given: None)


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tuned.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(path, Engine(until="i2"))
    second = Engine()
    answers = run(path, second)
    assert second.asked == ["i2", "i3"]
    assert answers == run(tmp_path / "other.jsonl", Engine())
    assert [given.passed for given in answers] == [True, True, False, True]


def test_half_a_line_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "tuned.jsonl"
    whole = run(path, Engine())
    path.write_bytes(path.read_bytes()[:-20])
    second = Engine()
    assert run(path, second) == whole
    assert second.asked == ["i3"]


def test_no_engine_is_started_when_all_is_there(tmp_path: Path) -> None:
    path = tmp_path / "tuned.jsonl"
    whole = run(path, Engine())
    again = Engine()
    assert run(path, again) == whole
    assert again.starts == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "missing.jsonl"], "there is no suite missing.jsonl"),
        (["--adapter", "/nowhere/a.gguf"], "there is no adapter /nowhere/a.gguf"),
        (["--adapter", "none", "--variants", "tuned"], "tuned needs an adapter"),
        (["--limit", "0"], "0 is not a number of items"),
        (["--item-limit", "1000"], "1000 is not a limit"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err
