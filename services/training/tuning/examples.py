"""The pairs of the dataset as a model reads them: tokens, of which it learns to write the program's alone."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from services.behavior.prompt import tuned_messages
from services.behavior.schema import BehaviorRequest

#: How the name of a file that ``write_tokens`` makes ends.
TOKENS = ".npz"


@dataclass(frozen=True)
class Example:
    """One pair: ``tokens``, the first ``asked`` of which are the question."""

    tokens: list[int]
    asked: int


def read_pairs(path: Path, split: str) -> list[dict[str, Any]]:
    """The pairs of one split of a dataset in JSON Lines. Raises OSError or ValueError."""
    with path.open(encoding="utf-8") as lines:
        return [pair for pair in map(json.loads, lines) if pair["split"] == split]


def encode(tokenizer: Any, pair: dict[str, Any]) -> Example:
    """A pair in the words of the model's chat template, as the worker asks (``tuned_messages``)."""
    request = BehaviorRequest(instruction=pair["instruction"], scene=pair["scene"])
    question = tokenizer.apply_chat_template(tuned_messages(request), tokenize=False, add_generation_prompt=True)
    asked = tokenizer(question, add_special_tokens=False)["input_ids"]
    answer = tokenizer(pair["program"].strip() + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return Example(asked + answer, len(asked))


@dataclass(frozen=True)
class Row:
    """Several examples one after the other, in a row of one length; numbers as the model takes them.

    ``positions`` begin at 0 with each example, by which the model's attention keeps them apart; ``labels`` are the
    tokens to be learnt, -100 elsewhere.
    """

    tokens: list[int]
    positions: list[int]
    labels: list[int]

    @cached_property
    def numbers(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Tokens, positions and labels, [3, length]: made once, since a GPU would wait for it in every step."""
        return np.array([self.tokens, self.positions, self.labels], dtype=np.int64)

    @cached_property
    def learnt(self) -> int:
        """How many tokens are to be learnt."""
        return sum(label != -100 for label in self.labels[1:])


def write_tokens(path: Path, splits: Mapping[str, Sequence[Example]]) -> None:
    """Write the examples of each split to a compressed file of NumPy's, for machines that are not to make them.

    The tokens of all examples stand one after the other in 16 bits: the vocabulary has to have at most 65,536.
    """
    arrays = {}
    for split, examples in splits.items():
        arrays[f"{split}_tokens"] = np.array([token for one in examples for token in one.tokens], dtype=np.uint16)
        arrays[f"{split}_lengths"] = np.array([len(one.tokens) for one in examples], dtype=np.uint32)
        arrays[f"{split}_asked"] = np.array([one.asked for one in examples], dtype=np.uint32)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_tokens(path: Path, split: str) -> list[Example]:
    """The examples of one split that ``write_tokens`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        tokens, lengths, asked = (arrays[f"{split}_{name}"] for name in ("tokens", "lengths", "asked"))
    pieces = np.split(tokens, np.cumsum(lengths)[:-1])
    return [Example(piece.tolist(), int(first)) for piece, first in zip(pieces, asked, strict=True)]


def pack(examples: Iterable[Example], length: int, padding: int, *, one_length: bool = False) -> list[Row]:
    """Examples in rows, as few as first fit, longest first, finds.

    The rows have half of ``length`` tokens, for each token of a row is held against all others of it, also those of
    other examples; only longer examples come into rows of ``length``. Still longer ones are left out.

    Args:
        examples: in any order.
        length: in tokens.
        padding: the token that fills what is left of a row.
        one_length: whether all rows have ``length``: a GPU would rather have one shape than fewer tokens.
    """
    some = list(examples)
    if one_length:
        return _fill((example for example in some if len(example.tokens) <= length), length, padding)
    half = length // 2
    short = [example for example in some if len(example.tokens) <= half]
    long = [example for example in some if half < len(example.tokens) <= length]
    return _fill(short, half, padding) + _fill(long, length, padding)


def _fill(examples: Iterable[Example], length: int, padding: int) -> list[Row]:
    rows: list[list[Example]] = []
    with_room: list[list[int]] = [[] for _ in range(length + 1)]  # heaps of rows, by the tokens that are left in them
    for example in sorted(examples, key=lambda one: -len(one.tokens)):
        size = len(example.tokens)
        room = min((left for left in range(size, length + 1) if with_room[left]), default=None,
                   key=lambda left: with_room[left][0])  # fmt: skip
        if room is None:
            rows.append([])
            place, room = len(rows) - 1, length
        else:
            place = heapq.heappop(with_room[room])
        rows[place].append(example)
        heapq.heappush(with_room[room - size], place)
    return [_row(packed, length, padding) for packed in rows]


def _row(packed: Sequence[Example], length: int, padding: int) -> Row:
    tokens: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    for example in packed:
        tokens += example.tokens
        positions += range(len(example.tokens))
        labels += [-100] * example.asked + example.tokens[example.asked :]
    rest = length - len(tokens)
    return Row(tokens + [padding] * rest, positions + list(range(rest)), labels + [-100] * rest)


def batches(rows: Sequence[Row], tokens: int, rng: random.Random) -> Iterator[list[Row]]:
    """The rows in random order, as many at a time as have ``tokens`` at most; what is left over makes a smaller one."""
    order = list(rows)
    rng.shuffle(order)
    batch: list[Row] = []
    room = tokens
    for row in order:
        if batch and len(row.tokens) > room:
            yield batch
            batch, room = [], tokens
        batch.append(row)
        room -= len(row.tokens)
    if batch:
        yield batch
