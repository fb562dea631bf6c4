"""Pairs as a model reads them, and how they are packed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from services.training.tuning.examples import TOKENS, Example, batches, encode, pack, read_tokens, write_tokens


class Letters:
    """A tokenizer for which each letter is a token."""

    eos_token = "$"

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        return "".join(f"<{message['role'][0]}>{message['content']}" for message in messages) + "<a>"

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [ord(letter) for letter in text]}


def test_only_the_program_and_its_end_are_learnt() -> None:
    pair = {"instruction": "wave", "scene": {}, "program": "x = 1\n"}
    example = encode(Letters(), pair)
    text = "".join(map(chr, example.tokens))
    assert text[: example.asked] == "<s>Program the robot nao.<u>Instruction: wave<a>"
    assert text[example.asked :] == "x = 1$"


def test_rows_hold_whole_examples_one_after_the_other() -> None:
    examples = [Example([number] * size, 2) for number, size in enumerate((7, 5, 4, 3, 12, 21))]
    rows = pack(examples, 20, padding=99)
    assert sorted(row.tokens for row in rows) == [[0] * 7 + [3] * 3, [1] * 5 + [2] * 4 + [99], [4] * 12 + [99] * 8]
    first = next(row for row in rows if row.tokens[0] == 0)
    assert first.positions == [*range(7), *range(3)]
    assert first.labels == [-100, -100, 0, 0, 0, 0, 0, -100, -100, 3]


def test_every_row_comes_once_in_an_order_of_the_seed() -> None:
    rows = pack([Example([number] * 10, 1) for number in range(7)], 10, padding=0)
    first, again = (list(batches(rows, 30, random.Random(1))) for _ in range(2))
    assert first == again
    assert [len(batch) for batch in first] == [3, 3, 1]
    assert sorted(row.tokens[0] for batch in first for row in batch) == list(range(7))


def first_fit(sizes: list[int], length: int) -> list[list[int]]:
    """First fit, longest first, as plainly as it can be said."""
    rows: list[list[int]] = []
    for size in sorted(sizes, reverse=True):
        row = next((row for row in rows if sum(row) + size <= length), None)
        if row is None:
            rows.append([size])
        else:
            row.append(size)
    return rows


def test_rows_are_those_of_first_fit() -> None:
    rng = random.Random(1)
    for _ in range(20):
        sizes = [rng.randint(1, 30) for _ in range(60)]
        rows = pack([Example([size] * size, 1) for size in sizes], 30, padding=99, one_length=True)
        packed = [[row.tokens[at] for at, position in enumerate(row.positions) if not position] for row in rows]
        assert [[size for size in row if size != 99] for row in packed] == first_fit(sizes, 30)
        assert all(len(row.tokens) == 30 for row in rows)


def test_examples_are_the_same_out_of_their_file(tmp_path: Path) -> None:
    splits = {
        "train": [Example([1, 2, 49_151], 1), Example([7], 0), Example([3, 4], 2)],
        "validation": [Example([65_535, 5], 1)],
    }
    write_tokens(tmp_path / f"tokens{TOKENS}", splits)
    assert {split: read_tokens(tmp_path / f"tokens{TOKENS}", split) for split in splits} == splits
